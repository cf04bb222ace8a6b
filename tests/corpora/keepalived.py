# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold our reading of keepalived configurations against files that other people wrote.

``keepalived.py [--corpus FOLDER ...] [--keepalived BINARY]`` counts, and ends with 1 if there is a difference:

* a file that keepalived accepts must be parsed, and what we find wrong in its structure keepalived must have refused;
  where keepalived complains of the structure, so must we;
* what is rendered must parse to the same tree and mean the same, and a second rendering must be the same text;
* what we say keepalived sees must, rendered, be seen as the same again;
* with --keepalived: it must say of the rendered file what it says of the original one, and take without a word what
  it sees of a file that it takes without a word.

The files belong to others and are read where they lie, by default in the folders ``corpora/keepalived*`` of a folder
beside the project. ``manifest.tsv`` there holds what keepalived 2.2.7 said: columns file, rc_2_2_7 and
first_message_2_2_7. keepalived runs as the first process of a name space, with the interfaces that the file names.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import csv
import functools
import glob
import os
import re
import subprocess
import sys
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / ".ansible/collections"))

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.expand import Expanded, expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.version import Build, Version

BESIDE = Path(__file__).resolve().parents[3]
# How Debian builds 2.2.7, by which the manifests were made.
BUILD = Build(
    Version(2, 2, 7),
    frozenset(
        [
            "NFTABLES",
            "LVS",
            "REGEX",
            "VRRP",
            "JSON",
            "BFD",
            "SNMP_VRRP",
            "SNMP_CHECKER",
            "SNMP_RFCV2",
            "SNMP_RFCV3",
            "DBUS",
        ]
    ),
)
INSTANCE = "holdfast-corpus"
SECONDS = 10
MOST_INTERFACES = 300
HANGS = ("-9", "124")
# What keepalived says of the structure of a file, and our rules for the same.
STRUCTURE = re.compile(
    r"Unknown keyword|Unexpected '\{'|Extra '\}'|missing '\}'s|Missing '\{'|Unterminated quote|Unmatched quote"
    r"|Configuration line starting `[a-z_]+` is missing a parameter after"
)
POSITION = re.compile(r"^\([^()]*?(?:Line |:)\s*\d+\) ")
BRACES = re.compile(r"\{([^{}]*)\}")


class Row(t.NamedTuple):
    """A file, and what the real program said of it."""

    path: Path
    rc: str
    message: str


def rows(folder: Path) -> list[Row]:
    with (folder / "manifest.tsv").open(newline="") as file:
        found = list(csv.DictReader(file, delimiter="\t"))
    return [Row(folder / row["file"], row["rc_2_2_7"], row["first_message_2_2_7"] or "") for row in found]


def read(path: str | Path) -> str:
    with open(path, errors="surrogateescape", newline="") as file:
        return file.read()


def include(pattern: str, folder: str) -> list[tuple[str, str]]:
    """Return what an include line brings: regular files that nobody may execute."""
    found = BRACES.search(pattern)
    if found is not None:
        choices = (pattern[: found.start()] + one + pattern[found.end() :] for one in found.group(1).split(","))
        return [file for choice in choices for file in include(choice, folder)]
    paths = sorted(glob.glob(os.path.join(folder, pattern)))
    return [(path, read(path)) for path in paths if os.path.isfile(path) and not os.stat(path).st_mode & 0o111]


@functools.lru_cache(maxsize=None)
def seen(text: str, path: Path) -> Expanded:
    return expand(text, str(path), include, INSTANCE, BUILD)


def differences(row: Row) -> t.Iterator[str]:
    """Yield what is not as it must be, without the real program."""
    text = read(row.path)
    try:
        expanded = seen(text, row.path)
    except ConfigError as error:
        if row.rc not in HANGS:
            yield f"keepalived ends with {row.rc}, and we with: {error}"
        return
    if row.rc in HANGS and not row.message:
        yield "keepalived never ends, and we do"
    wrong = [finding for finding in expanded.findings if finding.severity == "error"]
    # Where that name space is missing, keepalived ends its test with 0 before its children have read the file.
    ends_early = any(block.name == "net_namespace" for block in expanded.blocks)
    complains = row.rc != "0" or STRUCTURE.search(row.message) or ends_early
    if wrong and not complains:
        yield f"keepalived takes it, and we find: {wrong[0]}"
    if not wrong and STRUCTURE.search(row.message):
        yield f"we find nothing wrong, and keepalived says: {row.message}"
    try:
        tree = parse(text, str(row.path))
    except ConfigError as error:
        if not complains:
            yield f"keepalived takes it, and our parser does not: {error}"
        return
    rendered = render(tree)
    again = parse(rendered)
    if again != tree:
        yield "what is rendered is not read back as it was"
    if render(again) != rendered:
        yield "a second rendering is another text"
    if not same(seen(rendered, row.path).blocks, expanded.blocks):
        yield "what is rendered means something else"
    if not wrong and not same(seen(render(expanded.blocks), row.path).blocks, expanded.blocks):
        yield "what keepalived sees is, rendered, seen in another way"


def same(one: t.Sequence[Block], other: t.Sequence[Block]) -> bool:
    """True when the two mean the same: the words are equal, however they were written."""
    return [(block.name, block.args) for block in walk(one)] == [(block.name, block.args) for block in walk(other)]


# With the real program


def interfaces(blocks: t.Sequence[Block]) -> list[str]:
    """Return the names of interfaces that occur, in their order."""
    found: dict[str, None] = {}
    for block in walk(blocks):
        words = (block.name, *block.args)
        for at, word in enumerate(words[:-1]):
            if word in ("interface", "dev"):
                found[words[at + 1]] = None
        if block.name in ("track_interface", "interfaces"):
            found.update((child.name, None) for child in block.children or ())
    return [name for name in found if re.fullmatch(r"[A-Za-z][\w.@-]{0,14}", name) and name != "lo"]


@contextlib.contextmanager
def network(names: t.Sequence[str]) -> t.Iterator[int]:
    """Run a network name space with these interfaces; yields the number of the process that holds it."""
    with tempfile.NamedTemporaryFile("w") as batch:
        batch.writelines(f"link add {name} type veth peer name peer{at}\n" for at, name in enumerate(names))
        batch.writelines(f"link set {name} up\n" for name in names)
        batch.flush()
        script = f"ip -force -batch {batch.name} >/dev/null 2>&1; echo ready; exec sleep infinity"
        holder = subprocess.Popen(("unshare", "--net", "sh", "-c", script), stdout=subprocess.PIPE)
        try:
            t.cast("t.IO[bytes]", holder.stdout).readline()
            yield holder.pid
        finally:
            holder.kill()
            holder.wait()


def judge(program: str, text: str, row: Row, holder: int) -> tuple[int, list[str]]:
    """Return exit code and complaints of keepalived for a text that stands where the file does."""
    with tempfile.TemporaryDirectory() as folder:
        if "include" in text:
            for beside in os.listdir(row.path.parent):
                os.symlink(row.path.parent / beside, Path(folder) / beside)
            (Path(folder) / row.path.name).unlink()
        path = Path(folder) / row.path.name
        with path.open("w", errors="surrogateescape", newline="") as file:
            file.write(text)
        path.chmod(0o644)
        inside = ("nsenter", f"--net=/proc/{holder}/ns/net", "unshare", "--pid", "--fork", "--kill-child")
        done = subprocess.run(
            ("timeout", "-k", "1", str(SECONDS), *inside, program, "-t", "-e", "-i", INSTANCE, "-f", path.name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            check=False,
        )
        output = done.stdout.decode(errors="replace").replace(folder, "")
    return done.returncode, [POSITION.sub("", line) for line in output.split("\n") if line]


def judged(program: str, row: Row, holder: int) -> t.Iterator[str]:
    """Yield where the real program says something else of what we rendered."""
    text = read(row.path)
    try:
        expanded, rendered = seen(text, row.path), render(parse(text))
    except ConfigError:
        return
    rc, complaints = judge(program, text, row, holder)
    rc_rendered, said = judge(program, rendered, row, holder)
    if (rc, complaints) != (rc_rendered, said):
        yield f"keepalived says {rc} {complaints[:1]} of the file, {rc_rendered} {said[:1]} of what is rendered"
    if rc == 0 and not complaints:
        rc_seen, said = judge(program, render(expanded.blocks), row, holder)
        if rc_seen or said:
            yield f"keepalived takes the file, and says {rc_seen} {said[:1]} of what it sees"


def all_interfaces(every: t.Sequence[Row]) -> list[str]:
    """Return the interfaces that any of the files names."""
    found: dict[str, None] = {}
    for row in every:
        with contextlib.suppress(ConfigError):
            found.update((name, None) for name in interfaces(seen(read(row.path), row.path).blocks))
    return list(found)[:MOST_INTERFACES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="*", default=sorted(BESIDE.glob("*/corpora/keepalived*")))
    parser.add_argument("--keepalived", help="the program itself; needs root")
    arguments = parser.parse_args()
    folders = [folder for folder in arguments.corpus if (folder / "manifest.tsv").is_file()]
    if not folders:
        print("no corpus of keepalived configurations is here: nothing to compare")
        return 0
    found: list[tuple[Row, str]] = []
    counts: collections.Counter[str] = collections.Counter()
    everything = [row for folder in folders for row in rows(folder)]
    for row in everything:
        counts["accepted" if row.rc == "0" else "refused"] += 1
        found += [(row, difference) for difference in differences(row)]
    if arguments.keepalived:
        with network(all_interfaces(everything)) as holder, ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = pool.map(lambda row: list(judged(arguments.keepalived, row, holder)), everything)
            for row, said in zip(everything, answers):
                counts["judged"] += 1
                found += [(row, difference) for difference in said]
    for row, difference in found:
        print(f"{row.path.parent.name}/{row.path.name}: {difference}")
    numbers = ", ".join(f"{number} {name}" for name, number in counts.items())
    print(f"{len(everything)} files ({numbers}): {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
