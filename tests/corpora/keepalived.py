# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold our keepalived reader and renderer against configurations that other people wrote.

``keepalived.py [--corpus FOLDER ...] [--keepalived BINARY]`` counts, and ends with 1 if there is a difference:

* a file that keepalived accepts must be parsed and expanded without a complaint, and one that makes keepalived hang
  must be refused at once;
* what is rendered must parse to the same tree and expand to the same blocks and complaints, and a second rendering
  must be the same text;
* what a model makes of all blocks together must say what it makes of each alone;
* the first thing that keepalived complained of must be among our complaints, as far as it is one of structure
  (unknown keywords, braces, quotes, missing values ...);
* with --keepalived: all such complaints must be the same at the same lines; it must say of the rendered file what it
  says of the original one; what we say it sees of a file that it accepts must be accepted too; and when all blocks
  that have a model have gone through the model together, it must accept the file too, or refuse it in the same words,
  in whatever order.

Each file is judged twice where it has lines for certain hosts only (``@name``): as on a host that has none of these
names, and as on the first of them.

The files belong to others and are read where they lie, by default in all ``corpora/keepalived*`` of a folder beside
the project. ``manifest.tsv`` there holds what keepalived 2.2.7 said, on a host without net namespaces and with few
interfaces: columns file, rc_2_2_7 (exit code; negative: the signal that ended it) and first_message_2_2_7.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / ".ansible/collections"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import Expanded, expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import included
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build
from keepalived_complaints import PLACE, agree, complaints, their_complaints

BESIDE = Path(__file__).resolve().parents[3]
CORPORA = sorted(path.parent for path in BESIDE.glob("*/corpora/keepalived*/manifest.tsv"))

# What the Debian package of keepalived 2.2.7 is built with.
FEATURES = "BFD DBUS JSON LVS NFTABLES REGEX SNMP_CHECKER SNMP_RFCV2 SNMP_RFCV3 SNMP_V3_FOR_V2 SNMP_VRRP VRRP VRRP_VMAC"
BUILD = Build(Version(2, 2, 7), frozenset(FEATURES.split()))
NOWHERE = "holdfast-nowhere"
HANGS = "-9"
SECONDS_TO_REFUSE = 5.0
SECONDS = 20

# A network with the interfaces and net namespaces (all of them this same one) that the files name, and nothing of the
# machine that a test could change. It lives until its input ends.
SETUP = """
mount -t tmpfs none /var && mount -t tmpfs none /run && mkdir /run/netns || exit
mount -o remount,bind,ro / 2>/dev/null
ip link set lo up
ip -force -batch - <<'END' >/dev/null 2>&1
{interfaces}
END
for name in {namespaces}; do : >"/run/netns/$name" && mount --bind /proc/self/ns/net "/run/netns/$name"; done
echo $$
read -r _
"""

_INTERFACE = re.compile(r"[A-Za-z][\w.-]{0,14}")
# A definition that is not there stays as it is written, and then that is the name.
_NAMESPACE = re.compile(r"(?!\.{1,2}\Z)[^/\0\n]{1,255}")
_CONDITION = re.compile(r"^\s*@\^?([^\s^@]+)[ \t]", re.MULTILINE)

# What goes with what a model leaves out: words behind the keyword of a block of items, which keepalived drops as well,
# and an empty list of peers, which is the same as none.
_LEFT_OUT = re.compile(
    r"Block \S+ has extra parameters .*|.* A unicast keyword has been specified without any unicast .*"
)


class Differences:
    """What was compared, how often, and what differed."""

    def __init__(self) -> None:
        self.compared: Counter[str] = Counter()
        self.found: list[str] = []

    def compare(self, what: str, same: bool, explanation: str) -> None:
        self.compared[what] += 1
        if not same:
            self.found.append(f"{what}: {explanation}")


class Judged(t.NamedTuple):
    """What keepalived said of a file: exit code and words."""

    code: int
    words: str

    @property
    def accepted(self) -> bool:
        return not self.code and not self.words

    @property
    def without_places(self) -> list[str]:
        return PLACE.sub("", self.words).splitlines()

    @property
    def faults(self) -> set[str]:
        """Return the words in no order, but for those that a model may do without."""
        return {line for line in self.without_places if not _LEFT_OUT.fullmatch(line)}


class Subject:
    """A file of a corpus: its text, what was said of it, and what we make of it."""

    def __init__(self, path: Path, row: t.Mapping[str, str]) -> None:
        self.path = path
        self.name = path.name
        self.text = path.read_bytes().decode("utf-8", "surrogateescape")
        self.code = row["rc_2_2_7"]
        self.message = row["first_message_2_2_7"]
        # The names of hosts that it is judged for.
        self.hosts = [NOWHERE, *_CONDITION.findall(self.text)[:1]]
        self.expanded: dict[str, Expanded] = {}
        self.rendered = ""
        self.taken_over = ""

    @property
    def accepted(self) -> bool:
        """keepalived ends with 0 after its words, too, where a net namespace is not there: it has read only a part."""
        return self.code == "0" and not self.message


def taken_over(blocks: t.Iterable[Block]) -> list[Block]:
    """Return the blocks replaced by what the model makes of them together.

    Where it cannot say one of them, that stays in its place, and what stands before and behind it is taken apart.
    """
    done: list[Block] = []
    for sayable, run in groupby(blocks, key=lambda block: modelled((block,)) is not None):
        together = tuple(run)
        made = modelled(together)
        if made is None and sayable:
            made = tuple(one for block in together for one in modelled((block,)) or ())
        done += together if made is None else made
    return done


def modelled(blocks: tuple[Block, ...]) -> tuple[Block, ...] | None:
    """Return what the model makes of the blocks, None where it cannot say them."""
    try:
        return KeepalivedConfig.from_block(Block("", (), blocks)).to_block().children or ()
    except ConfigError:
        return None


def statements(blocks: t.Iterable[Block]) -> set[tuple[str, tuple[str, ...], str]]:
    """Return which keywords, or items, stand in which blocks."""
    return {(block.name, block.args, line.name) for block in blocks for line in block.children or ()}


def compare_reading(subject: Subject, differences: Differences) -> None:
    """Compare all that needs no keepalived, and keep what does."""
    begin = time.process_time()
    try:
        blocks = parse(subject.text, str(subject.path))
        for host in subject.hosts:
            subject.expanded[host] = expand(subject.text, str(subject.path), included, host, BUILD)
    except ConfigError as error:
        what = "refused where keepalived hangs" if subject.code == HANGS else "refused by both"
        soon = time.process_time() - begin < SECONDS_TO_REFUSE
        differences.compare(what, soon and not subject.accepted, f"{subject.name}: {error}; {subject.message!r}")
        return
    differences.compare("parsed and expanded", subject.code != HANGS, f"{subject.name}: keepalived hangs")
    subject.rendered = render(blocks)
    again = parse(subject.rendered)
    differences.compare("rendered and parsed again", again == blocks, subject.name)
    differences.compare("rendered twice", render(again) == subject.rendered, subject.name)
    for host, one in subject.expanded.items():
        other = expand(subject.rendered, str(subject.path), included, host, BUILD)
        said, still = ({(finding.rule, finding.message) for finding in each.findings} for each in (one, other))
        same = as_words(one.blocks) == as_words(other.blocks) and said == still
        differences.compare("rendered and expanded again", same, f"{subject.name} ({host}) {said ^ still}")
    ours = complaints(subject.expanded[NOWHERE], subject.path.parent)
    if subject.accepted:
        differences.compare("accepted without a complaint", not ours, f"{subject.name}: {ours}")
    message = re.sub(r"^\(F Line", "(Line", subject.message).replace("\\\\", "\\")
    same = agree(ours, their_complaints(message), only_first=True)
    differences.compare("its first complaint is ours too", same, f"{subject.name}: {message} ours {ours}")
    together = taken_over(blocks)
    alone = [one for block in blocks for one in modelled((block,)) or (block,)]
    same = statements(together) == statements(alone)
    differences.compare("said together as alone", same, f"{subject.name}: {statements(together) ^ statements(alone)}")
    subject.taken_over = render(together)


def as_words(blocks: t.Iterable[Block]) -> list[t.Any]:
    """Return the blocks as plain words: how a line was written does not count."""
    return [(block.name, block.args, block.children and as_words(block.children)) for block in blocks]


class Keepalived:
    """The real program in a network of its own, and a folder with the files of a corpus."""

    def __init__(self, binary: str, folder: Path, subjects: t.Sequence[Subject]) -> None:
        self.binary = binary
        self.folder = folder
        self.sudo = ["sudo"] * (os.geteuid() != 0)
        interfaces, namespaces = named(subjects)
        lines = [f"link add {name} type veth peer name peer{at}" for at, name in enumerate(interfaces)]
        lines += [f"link set {name} up" for name in interfaces]
        setup = SETUP.format(interfaces="\n".join(lines), namespaces=" ".join(map(shlex.quote, namespaces)))
        command = [*self.sudo, "unshare", "--mount", "--net", "sh", "-c", setup]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = t.cast("t.IO[str]", self._holder.stdout).readline().strip()

    def close(self) -> None:
        self._holder.communicate()

    def judge(self, name: str, host: str) -> Judged:
        """Return what keepalived says of a file in the folder, on a host of this name."""
        enter = [*self.sudo, "nsenter", f"--target={self.pid}", "--mount", "--net"]
        alone = ["timeout", "--signal=KILL", str(SECONDS), "unshare", "--pid", "--fork", "--kill-child"]
        test = [self.binary, "-t", "-f", str(self.folder / name), "-i", host]
        done = subprocess.run([*enter, *alone, *test], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        words = done.stdout.decode("utf-8", "surrogateescape")
        return Judged(done.returncode, words.replace(f"{self.folder}/", "").replace(name, "FILE"))

    def judge_text(self, kind: str, subject: Subject, text: str, host: str) -> Judged:
        """Return the same of a text that stands in the place of a file."""
        name = f".{kind}.{subject.name}"
        (self.folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        return self.judge(name, host)


def named(subjects: t.Sequence[Subject]) -> tuple[list[str], list[str]]:
    """Return the interfaces and the net namespaces that the files name."""
    interfaces: set[str] = set()
    namespaces: set[str] = set()
    for subject in subjects:
        for block in walk(block for one in subject.expanded.values() for block in one.blocks):
            if block.name.startswith("net_namespace"):
                namespaces.update(block.args[:1])
            elif block.name in ("interface", "default_interface"):
                interfaces.update(block.args[:1])
            elif block.name in ("track_interface", "interfaces"):
                interfaces.update(child.name for child in block.children or ())
            interfaces.update(word for before, word in zip(block.args, block.args[1:]) if before == "dev")
    return sorted(filter(_INTERFACE.fullmatch, interfaces)), sorted(filter(_NAMESPACE.fullmatch, namespaces))


def compare_verdicts(subject: Subject, keepalived: Keepalived, differences: Differences) -> None:
    for host in subject.hosts:
        where = f"{subject.name} ({host})"
        expanded = subject.expanded[host]
        original = keepalived.judge(subject.name, host)
        kind = "accepted" if original.accepted else "refused"
        rendered = keepalived.judge_text("rendered", subject, subject.rendered, host)
        same = original.code == rendered.code and original.without_places == rendered.without_places
        differences.compare(f"rendered, {kind} the same", same, f"{where}: {original} {rendered}")
        if host == NOWHERE:
            taken = keepalived.judge_text("taken", subject, subject.taken_over, host)
            same = original.faults == taken.faults and taken.code in (original.code, 0 if not taken.faults else -1)
            differences.compare(f"taken over by models, {kind} the same", same, f"{where}: {original} {taken}")
        if original.accepted and host == NOWHERE:
            seen = keepalived.judge_text("seen", subject, render(expanded.blocks), host)
            differences.compare("what it sees is accepted", seen.accepted, f"{where}: {seen}")
        ours, theirs = complaints(expanded, subject.path.parent), their_complaints(original.words)
        differences.compare(
            "complaints the same", agree(ours, theirs), f"{where}: ours {ours - theirs} theirs {theirs - ours}"
        )


def compare_corpus(folder: Path, binary: str, differences: Differences) -> None:
    with (folder / "manifest.tsv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    subjects = [Subject(folder / row["file"], row) for row in rows]
    for subject in subjects:
        compare_reading(subject, differences)
    if not binary:
        return
    with tempfile.TemporaryDirectory() as name:
        for path in folder.iterdir():
            Path(name, path.name).symlink_to(path)
        keepalived = Keepalived(binary, Path(name), subjects)
        try:
            with ThreadPoolExecutor(2) as pool:
                readable = [subject for subject in subjects if subject.expanded]
                list(pool.map(lambda subject: compare_verdicts(subject, keepalived, differences), readable))
        finally:
            keepalived.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, nargs="+", default=CORPORA, help="folders of files and a manifest.tsv")
    parser.add_argument("--keepalived", default="", help="the binary that judges originals and renderings")
    options = parser.parse_args()
    corpora = [path.resolve() for path in options.corpus if (path / "manifest.tsv").exists()]
    if not corpora:
        print("nothing compared: there is no folder corpora/keepalived* with a manifest.tsv beside the project")
        return 0
    differences = Differences()
    for corpus in corpora:
        compare_corpus(corpus, options.keepalived and os.path.abspath(options.keepalived), differences)
    for what, count in sorted(differences.compared.items()):
        print(f"{count:6} {what}")
    for difference in differences.found:
        print(f"DIFFERENCE {difference}")
    print(f"{len(differences.found)} differences")
    return 1 if differences.found else 0


if __name__ == "__main__":
    sys.exit(main())
