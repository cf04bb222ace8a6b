# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a change of many upstreams takes, beside a loop of one template task a file, in the same run.

    .venv/bin/python tests/bench/modules.py --nginx PATH [--loop-upstreams 20]

Whole processes over a local connection, as root, on a tree in a temporary folder with the real nginx. The loop is run
with fewer upstreams, because it takes so long; its time a file is what is compared.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / ".ansible/collections"))

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

STATE = Path("/var/lib/holdfast")
BUDGETS = {"100 upstreams, first": 3.0, "100 upstreams, unchanged": 2.0, "1000 upstreams, unchanged": 5.0}

MAIN = """
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{}}
http {{
    access_log off;
    include {home}/etc/conf.d/*.conf;
}}
"""

MODULE = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - holdfast.nginx_ha.nginx_config:
        root: "{{ home }}/etc"
        upstreams: "{{ upstreams }}"
"""

LOOP = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.template:
        src: "{{ home }}/upstream.j2"
        dest: "{{ home }}/loop/u{{ item }}.conf"
        mode: "0644"
      loop: "{{ range(count | int) | list }}"
"""


def timed(playbook: str, home: Path, count: int, path: str) -> float:
    """Run a playbook that must succeed and return its seconds."""
    book = home / "play.yml"
    book.write_text(playbook)
    servers = [{"address": "192.0.2.1", "port": 8080}]
    variables = {
        "home": str(home),
        "count": count,
        "upstreams": [{"name": f"u{number}", "servers": servers} for number in range(count)],
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    given = home / "variables.json"
    given.write_text(json.dumps(variables))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=localhost,", str(book)]
    begin = time.monotonic()
    done = subprocess.run(
        [*command, f"--extra-vars=@{given}"],
        cwd=ROOT,
        env=dict(os.environ, PATH=f"{path}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - begin
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def parsing() -> float:
    """Return the seconds that a mebibyte of configuration takes to parse."""
    one = (
        "server {\n    listen 80;\n    server_name www.example.com;\n    location / {\n"
        '        proxy_pass http://blog;\n        proxy_set_header Host "$host";\n    }\n}\n'
    )
    text = one * (1024 * 1024 // len(one) + 1)
    begin = time.monotonic()
    blocks = parse(text)
    seconds = time.monotonic() - begin
    assert render(blocks).count("proxy_pass") == text.count("proxy_pass")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nginx", required=True, type=Path, help="the program nginx")
    parser.add_argument("--loop-upstreams", type=int, default=20)
    options = parser.parse_args()
    if STATE.exists():
        raise SystemExit(f"{STATE} exists: this machine is a balancer, measure on another one")
    measured: dict[str, float] = {}
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, STATE, ignore_errors=True)
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-"))
        home = Path(folder)
        for name in ("etc/conf.d", "loop"):
            (home / name).mkdir(parents=True)
        (home / "etc/nginx.conf").write_text(MAIN.format(home=home))
        (home / "upstream.j2").write_text("upstream u{{ item }} {\n    server 192.0.2.1:8080;\n}\n")
        path = str(options.nginx.parent)
        for count in (100, 1000):
            measured[f"{count} upstreams, first"] = timed(MODULE, home, count, path)
            measured[f"{count} upstreams, unchanged"] = timed(MODULE, home, count, path)
        loop = timed(LOOP, home, options.loop_upstreams, path), timed(LOOP, home, options.loop_upstreams, path)
    report(measured, loop, options.loop_upstreams)


def report(measured: t.Mapping[str, float], loop: tuple[float, float], files: int) -> None:
    """Print every figure, its budget where it has one, and the ratio to the loop."""
    for name, seconds in measured.items():
        count = int(name.split()[0])
        beside = loop[0 if "first" in name else 1] / files * count
        budget = f"budget {BUDGETS[name]:.0f} s" if name in BUDGETS else ""
        print(f"{name:<28} {seconds:6.2f} s   {beside / seconds:6.1f} times as fast as a template loop   {budget}")
    print(f"{'template loop, a file':<28} {loop[0] / files:6.2f} s first, {loop[1] / files:.2f} s unchanged")
    print(f"{'1 MiB parsed':<28} {parsing():6.2f} s   {'':<42}budget 1 s")


if __name__ == "__main__":
    main()
