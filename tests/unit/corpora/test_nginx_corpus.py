# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison with configurations of other people tells bytes apart that are no text."""

from __future__ import annotations

from pathlib import Path

from corpora.nginx import Differences, compare_file, verdict

ROW = {"file": "a.conf", "nginx_t_1_22_1": "0", "first_emerg": ""}


def test_bytes_that_are_no_text_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_bytes(b"a \xff \xfe\xc3 '\xef\xbf\xbd';\n# \x80\nb { }\n")
    differences = Differences()
    compare_file(path, ROW, [], differences)
    assert differences.found == []
    assert differences.compared["as crossplane reads it"] == 1


def test_bytes_in_the_words_of_nginx_are_compared(tmp_path: Path) -> None:
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\nfor path; do :; done\ncat "$path" >&2\n')
    echo.chmod(0o755)
    one, other = (verdict([str(echo)], text) for text in ("a \udcff", "a \udcfe"))
    assert one != other
