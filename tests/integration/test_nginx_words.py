# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx reads what we write as we meant it, and refuses what our parser refuses.

HOLDFAST_NGINX names the binary. Its words are asked for over HTTP: ``geo`` keeps a value as it was read, without
looking for variables in it, and ``return`` sends it back.
"""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import tempfile
import time
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.renderer import render
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

# What the lexer looks at, and some of what it does not.
SPECIAL = " \t\r\n;{}()\"'\\#$trn_/.~*:a0\x0b\x0c\x00é\u2028\udcff"

START_LIMIT = 10.0


@pytest.fixture(scope="module")
def nginx() -> str:
    """Return the path of the binary; a run without one must not look like a success."""
    path = os.environ.get("HOLDFAST_NGINX", "")
    assert os.access(path, os.X_OK), "HOLDFAST_NGINX must name the binary of nginx"
    return path


def preamble(folder: pathlib.Path) -> tuple[Block, ...]:
    """Return directives that keep nginx inside a folder; they belong to http."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return (Block("access_log", ("off",)), *(Block(f"{kind}_temp_path", (str(folder / kind),)) for kind in kinds))


def main(folder: pathlib.Path, http: tuple[Block, ...]) -> str:
    """Return a whole configuration."""
    return render(
        [
            Block("daemon", ("off",)),
            Block("master_process", ("off",)),
            Block("pid", (str(folder / "pid"),)),
            Block("error_log", ("stderr",)),
            Block("events", (), ()),
            Block("http", (), (*preamble(folder), *http)),
        ]
    )


def write(folder: pathlib.Path, text: str) -> str:
    path = folder / "nginx.conf"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return str(path)


def ask(path: str, uri: str) -> bytes:
    """Return the body of the answer to one request."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(START_LIMIT)
        connection.connect(path)
        connection.sendall(f"GET {uri} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[2]


def wait_for(path: str, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as nginx answers; fail with its words when it has ended or takes too long."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            ask(path, "/ready")
            return
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.002)
    process.kill()
    pytest.fail(f"nginx does not start: {process.communicate()[1].decode(errors='replace')}")


def read_back(nginx: str, texts: t.Sequence[str]) -> list[bytes]:
    """Return what nginx makes of values; each text is one value as it stands in the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        listen = str(folder / "socket")
        places = [
            Block("location", ("=", f"/{i}"), (Block("return", ("200", f"$word{i}")),)) for i in range(len(texts))
        ]
        server = Block("server", (), (Block("listen", (f"unix:{listen}",)), *places))
        geo = "".join(f"geo $word{i} {{ default {text}; }}\n" for i, text in enumerate(texts))
        text = main(folder, (Block("include", (str(folder / "geo.conf"),)), server))
        (folder / "geo.conf").write_bytes(geo.encode("utf-8", "surrogateescape"))
        process = subprocess.Popen([nginx, "-c", write(folder, text)], stderr=subprocess.PIPE)
        try:
            wait_for(listen, process)
            return [ask(listen, f"/{i}") for i in range(len(texts))]
        finally:
            process.terminate()
            process.communicate()


def accepts(nginx: str, text: str) -> bool:
    """Tell whether nginx reads this text as the inside of a block of directives with any words: ``types``."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "types").write_bytes(f"types {{ {text}\n}}".encode("utf-8", "surrogateescape"))
        main_file = write(folder, main(folder, (Block("include", (str(folder / "types"),)),)))
        return subprocess.run([nginx, "-t", "-q", "-c", main_file], stderr=subprocess.PIPE).returncode == 0


def accepted_by_us(text: str) -> bool:
    """Tell the same of our parser."""
    try:
        blocks = parse(f"types {{ {text}\n}}")
    except ConfigError:
        return False
    inside = blocks[0].children or ()
    # After the end of "types" anything is an error, and so is a block in it or a file that does not exist.
    return all(block.is_comment for block in blocks[1:]) and all(
        block.children is None and block.name != "include" for block in inside
    )


SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(st.text(SPECIAL, max_size=12) | st.text(max_size=12), min_size=1, max_size=60))
@SLOW
@example(["", '"', "'", "\"'", "\\", "\\\\", "\\n", "\n", "$a{", "${a}", "a}", "#", "a;b", "\\;", "\\ ", "\\\"'"])
def test_a_rendered_word_is_read_back_as_it_was(nginx: str, words: list[str]) -> None:
    words = [word.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for word in words]
    lines = [render([Block("default", (word,))]) for word in words]
    texts = [line[len("default ") : -len(";\n")] for line in lines]
    assert read_back(nginx, texts) == [word.encode("utf-8", "surrogateescape") for word in words]


@given(st.lists(st.text(SPECIAL, min_size=1, max_size=10), min_size=1, max_size=60))
@SLOW
def test_a_word_means_to_our_parser_what_it_means_to_nginx(nginx: str, texts: list[str]) -> None:
    ours: list[tuple[str, str]] = []
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
        try:
            blocks = parse(f"default {raw}\n;")
        except ConfigError:
            continue
        if len(blocks) == 1 and blocks[0].children is None and len(blocks[0].args) == 1:
            ours.append((raw + "\n", blocks[0].args[0]))
    if ours:
        assert read_back(nginx, [raw for raw, _ in ours]) == [
            word.encode("utf-8", "surrogateescape") for _, word in ours
        ]


@given(st.text(SPECIAL, max_size=14))
@settings(SLOW, max_examples=200)
@example('"a"b;')
@example('"a");')
@example("a${{b;")
@example("a{b;")
@example("a}b;")
@example("a } b;")
@example("a #b\n;")
@example("a#b;")
@example("\\;;")
@example("}")
def test_nginx_and_our_parser_refuse_the_same_text(nginx: str, text: str) -> None:
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    assert accepts(nginx, text) == accepted_by_us(text)
