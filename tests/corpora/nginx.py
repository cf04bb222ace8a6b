# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold our nginx parser and renderer against configurations that other people wrote.

``nginx.py [--corpus FOLDER] [--nginx BINARY]`` counts, and ends with 1 if there is a difference:

* a file that nginx accepts must be parsed, and what we refuse nginx must have refused too;
* what is rendered must parse to the same tree, and a second rendering must be the same text;
* crossplane, an independent reader, must see the same tree;
* with --nginx: nginx must say of the rendered file what it says of the original one, and take or refuse it alike
  when every block that has a model has gone through the model.

The files belong to others and are read where they lie, by default in ``corpora/nginx`` of a folder
beside the project. ``manifest.tsv``
there holds what nginx 1.22.1 said: columns file, full_config, nginx_t_1_22_1 (exit code) and first_emerg.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import replace
from pathlib import Path

import crossplane

sys.path.insert(0, str(Path(__file__).parents[2] / ".ansible/collections"))

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.lexer import RAW_SUFFIX
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import (
    CachePath,
    LimitConnZone,
    LimitReqZone,
    LogFormat,
    Map,
    SplitClients,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server, StreamServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

VERSION = Version(1, 22, 1)
BESIDE = Path(__file__).resolve().parents[3]
CORPUS = next(iter(sorted(BESIDE.glob("*/corpora/nginx"))), BESIDE / "corpora/nginx")

# Fragments are judged inside what they can be part of.
FRAMES: t.Mapping[str, tuple[str, str]] = {
    "alone": ("", ""),
    "http": ("events {}\nhttp {\n", "\n}\n"),
    "server": ("events {}\nhttp { server {\n", "\n} }\n"),
    "location": ("events {}\nhttp { server { location /frame {\n", "\n} } }\n"),
    "upstream": ("events {}\nhttp { upstream frame { server 127.0.0.1;\n", "\n} }\n"),
}

# Nothing that a test of nginx creates shall stay: private /var, /run and network where that is allowed.
PRIVATE = (
    *("unshare", "--mount", "--net", "sh", "-c"),
    "mount -t tmpfs none /var && mkdir -p /var/lib/nginx /var/log/nginx && mount -t tmpfs none /run "
    '&& ip link set lo up && exec "$@"',
    "sh",
)

_PLACE = re.compile(r" in \S+:\d+$|^\S+ \S+ |\d+#\d+: ", re.MULTILINE)
# crossplane reads a byte that is not UTF-8 as U+FFFD, whichever it is; in private characters all stay different.
_PRIVATE = {0xDC00 + byte: 0xF0000 + byte for byte in range(0x80, 0x100)}
_BRACED = re.compile(r"\$\{(\w*)\}?")
_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_DECODED = {"t": "\t", "r": "\r", "n": "\n"}

DEFINITIONS: t.Mapping[str, t.Any] = {
    "map": Map,
    "split_clients": SplitClients,
    "log_format": LogFormat,
    "limit_conn_zone": LimitConnZone,
    "limit_req_zone": LimitReqZone,
    "proxy_cache_path": CachePath,
}

# What nginx says of a text that cannot be read, whatever it means; "{" it also refuses where values belong.
_UNREADABLE = re.compile(r'unexpected (?:end of file|\\?"[;}])|too long parameter|directive .* is not terminated by')

Tree = t.Tuple[t.Any, ...]


class Differences:
    """What was compared, how often, and what differed."""

    def __init__(self) -> None:
        self.compared: dict[str, int] = {}
        self.found: list[str] = []

    def compare(self, what: str, same: bool, explanation: str) -> None:
        self.compared[what] = self.compared.get(what, 0) + 1
        if not same:
            self.found.append(f"{what}: {explanation}")


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def our_tree(blocks: t.Iterable[Block]) -> Tree:
    """Return the blocks as crossplane would tell them: no comments, no parentheses of if, Lua as one word."""
    found = []
    for block in blocks:
        if block.is_comment and block.raw is None:
            continue
        words = list(block.args)
        if block.name == "if" and words and words[0].startswith("(") and words[-1].endswith(")"):
            words[0] = words[0][1:].lstrip()
            words[-1] = words[-1][:-1].rstrip()
            words = words[0 if words[0] else 1 : len(words) - (0 if words[-1] else 1)]
        if block.raw is not None and not block.is_comment:
            words.append(block.raw)
        children = None if block.children is None else our_tree(block.children)
        found.append((block.name, tuple(words), children))
    return tuple(found)


def _decoded(escape: re.Match[str]) -> str:
    return _DECODED.get(escape.group(1), escape.group(1))


def their_tree(blocks: t.Iterable[t.Mapping[str, t.Any]]) -> Tree:
    """Return crossplane's blocks; it leaves the escapes in words, which nginx does not, and some comments."""
    found = []
    for block in blocks:
        if block["directive"] == "#":
            continue
        name, *words = (
            word if block["directive"].endswith(RAW_SUFFIX) else _ESCAPE.sub(_decoded, word)
            for word in (block["directive"], *block["args"])
        )
        children = their_tree(block["block"]) if "block" in block else None
        found.append((name, tuple(words), children))
    return tuple(found)


def first_difference(theirs: t.Any, ours: t.Any) -> str:
    """Return the smallest part in which two trees differ first."""
    if isinstance(theirs, tuple) and isinstance(ours, tuple) and len(theirs) == len(ours):
        for one, other in zip(theirs, ours):
            if one != other:
                return first_difference(one, other)
    return f"crossplane {theirs!s:.200} ours {ours!s:.200}"


def crossplane_tree(text: str) -> Tree | str:
    """Return the tree that crossplane reads from a text, or why it reads none."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        payload = crossplane.parse(file.name, single=True, check_ctx=False, check_args=False)
    read = payload["config"][0]
    return str(read["errors"][0]["error"]) if read["errors"] else their_tree(read["parsed"])


def verdict(nginx: t.Sequence[str], text: str) -> str:
    """Return exit code and messages of nginx for a configuration, without places."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nginx.conf")
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        command = [*nginx, "-t", "-q", "-e", "stderr", "-p", folder, "-c", str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        words = done.stderr.decode("utf-8", "surrogateescape").replace(folder, "FOLDER")
    return f"{done.returncode} {_PLACE.sub('', words)}"


def taken_over(top: Block) -> Block:
    """Return a block http or stream with everything inside replaced by what its model makes of it."""
    inside = []
    for block in top.children or ():
        try:
            if block.name == "upstream":
                inside.append(Upstream.from_block(block, top.name).to_block(VERSION))
            elif block.name == "server":
                server = Server if top.name == "http" else StreamServer
                inside.append(server.from_block(block, "name").to_block(VERSION))
            elif block.name in DEFINITIONS:
                inside.append(DEFINITIONS[block.name].from_block(block).to_block())
            else:
                inside.append(block)
        except ConfigError:
            inside.append(block)  # more than the model can say, and it says so
    return replace(top, children=tuple(inside))


def private(nginx: str) -> list[str]:
    """Return the command that runs nginx where it leaves no trace, as far as this machine allows that."""
    allowed = (
        shutil.which("unshare")
        and subprocess.run([*PRIVATE, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    )
    return [*PRIVATE, nginx] if allowed else [nginx]


def compare_file(path: Path, row: t.Mapping[str, str], nginx: t.Sequence[str], differences: Differences) -> None:
    text = read(path)
    name = row["file"]
    accepted = row["nginx_t_1_22_1"] == "0"
    try:
        blocks = parse(text, name)
    except ConfigError as error:
        differences.compare("accepted by nginx and parsed", not accepted, f"{error}")
        differences.compare("refused by both", bool(row["first_emerg"]), f"{error}; nginx: {row['first_emerg']}")
        return
    what = "accepted by nginx and parsed" if accepted else "parsed, refused for its meaning"
    differences.compare(what, not _UNREADABLE.match(row["first_emerg"]), f"{name}: {row['first_emerg']}")
    try:
        rendered = render(blocks)
        again = parse(rendered)
    except ConfigError as error:
        differences.compare("rendered and parsed again", False, f"{name}: {error}")
        return
    differences.compare("rendered and parsed again", again == blocks, name)
    differences.compare("rendered twice", render(again) == rendered, name)
    # crossplane takes the blank behind ${name} for a part of the word, so this comparison goes without the braces.
    plain = _BRACED.sub(r"$\1", text).translate(_PRIVATE)
    theirs, ours = crossplane_tree(plain), our_tree(parse(plain))
    differences.compare("as crossplane reads it", theirs == ours, f"{name}: {first_difference(theirs, ours)}")
    if nginx:
        compare_verdicts(text, blocks, row, nginx, differences)


def compare_verdicts(
    text: str, blocks: tuple[Block, ...], row: t.Mapping[str, str], nginx: t.Sequence[str], differences: Differences
) -> None:
    whole = row["full_config"] == "True"
    for frame, (before, after) in FRAMES.items():
        if frame != "alone" and whole:
            continue
        one, other = (verdict(nginx, f"{before}{each}{after}") for each in (text, render(blocks)))
        what = f"judged the same by nginx, {'accepted' if one.startswith('0') else 'refused'}"
        differences.compare(what, one == other, f"{row['file']} ({frame}): {one!r} {other!r}")
    if whole:
        tops = [taken_over(block) if block.name in ("http", "stream") else block for block in blocks]
        one, other = (verdict(nginx, each) for each in (text, render(tops)))
        # For this version, the model writes HTTP/2 in the older form, so a file with the newer one becomes right.
        same = one[0] == other[0] or 'unknown directive "http2"' in one
        differences.compare("judged the same when taken over by models", same, f"{row['file']}: {one!r} {other!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder of the files and their manifest.tsv")
    parser.add_argument("--nginx", help="the binary that judges originals and renderings")
    options = parser.parse_args()
    manifest = options.corpus / "manifest.tsv"
    if not manifest.exists():
        print(f"nothing compared: {manifest} is not there")
        return 0
    differences = Differences()
    nginx = private(options.nginx) if options.nginx else []
    with manifest.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            compare_file(options.corpus / row["file"], row, nginx, differences)
    for what, count in differences.compared.items():
        print(f"{count:6} {what}")
    for difference in differences.found:
        print(f"DIFFERENCE {difference}")
    print(f"{len(differences.found)} differences")
    return 1 if differences.found else 0


if __name__ == "__main__":
    sys.exit(main())
