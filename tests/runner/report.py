# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run prints as it goes, and the line that it ends in."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import typing as t
from dataclasses import asdict
from pathlib import Path

from lab.command import ROOT, LabError
from runner.step import Result

__all__ = ("Report",)

SHOWN_LINES = 60


class Report:
    """A run's results, printed one by one; it goes on after a failure."""

    def __init__(self, folder: Path) -> None:
        self.results: list[Result] = []
        self.begin = time.monotonic()
        self._summary = folder / "summary.json"
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._printing = threading.Lock()

    def act(self, name: str, what: t.Callable[[], object]) -> bool:
        """Do what the lab itself has to, which counts as a test; whether it went well."""
        begin = time.monotonic()
        result = Result(name, passed=1)
        try:
            what()
        except LabError as error:
            result = Result(name, failed=1, remarks=[str(error)])
        result.seconds = round(time.monotonic() - begin, 1)
        self.add(result)
        return result.ok

    def add(self, result: Result) -> None:
        """Remember a result and print it."""
        with self._printing:
            self.results.append(result)
            self._print(result)

    def end(self) -> int:
        """Write the summary and print the last line; return the exit code."""
        passed, failed, skipped = (
            sum(getattr(result, name) for result in self.results) for name in ("passed", "failed", "skipped")
        )
        summary = {
            **{"passed": passed, "failed": failed, "skipped": skipped},
            "seconds": round(time.monotonic() - self.begin, 1),
            "steps": [asdict(result) for result in self.results],
        }
        self._summary.write_text(json.dumps(summary, indent=2) + "\n")
        for result in self.results:
            if not result.ok:
                print(f"failed: {result.name}")
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 1 if failed else 0

    def _print(self, result: Result) -> None:
        words = [f"{result.passed} passed"] if result.passed + result.failed > 1 or result.failed else []
        words += [f"{result.failed} failed"] if result.failed else []
        words += [f"{result.skipped} skipped"] if result.skipped else []
        word = self._paint("32", "ok  ") if result.ok else self._paint("31", "FAIL")
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        print(f"{minutes:3}:{seconds:02d}  {result.name:<36} {word} {result.seconds:7.1f} s  {', '.join(words)}")
        if not result.ok and result.log:
            lines = (ROOT / result.log).read_text(errors="replace").rstrip().split("\n")
            print("\n".join(f"      | {line}" for line in lines[-SHOWN_LINES:]))
            print(f"      the whole of it: {result.log}")
        for remark in result.remarks:
            print(f"      {remark}")
        sys.stdout.flush()

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
