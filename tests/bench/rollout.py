# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a rollout takes, on new hosts and unchanged: site.yml, and two public roles that install the same daemons.

    bin/lab up
    .venv/bin/python -m tests.bench.rollout --peers DIR

DIR has the roles geerlingguy.nginx and evrardjp.keepalived (ansible-galaxy role install --roles-path DIR NAME), which
need ansible.posix and community.general in ANSIBLE_COLLECTIONS_PATH, beside .ansible/collections; without it they are
not measured, and that is said. The lab is made anew for each run on new hosts. --delay adds that to every
packet from here to the hosts, in milliseconds, as a connection over a distance does. Prints a table: seconds, tasks and
executions (commands and files that ssh brings) on the busiest host, and the tasks that took longest.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BALANCERS = ("lb1", "lb2")
ADDRESS = "10.89.50.11"
# What the two roles are told: the same daemons, one shared address, one site.
PEERS = """
- hosts: master:backup
  gather_facts: true
  vars:
    nginx_remove_default_vhost: true
    nginx_upstreams:
      - {name: blog, servers: ["10.89.50.21:8080", "10.89.50.22:8080", "10.89.50.23:8080"]}
    nginx_vhosts:
      - listen: "80 default_server"
        server_name: blog.example.com
        filename: blog.conf
        extra_parameters: "location / { proxy_pass http://blog; }"
    keepalived_instances:
      external:
        interface: eth0
        state: "{{ 'MASTER' if inventory_hostname == 'lb1' else 'BACKUP' }}"
        virtual_router_id: 100
        priority: "{{ 150 if inventory_hostname == 'lb1' else 100 }}"
        vips: ["10.89.50.100/24 dev eth0"]
  roles:
    - geerlingguy.nginx
    - evrardjp.keepalived
"""
SSH = """#!/bin/sh
for word; do
    case $word in
        10.89.50.*|*@10.89.50.*) echo "${word#*@}" >>"$SSH_COUNT"; break;;
    esac
done
exec ssh "$@"
"""


class Run(t.NamedTuple):
    """A run of a playbook: seconds, tasks and executions on the host with the most, and seconds by task."""

    seconds: float
    tasks: int
    executions: int
    by_task: dict[str, float]


def play(playbook: str, folder: Path, **environment: str) -> Run:
    """Run it against the lab; raises CalledProcessError where it fails."""
    count, noted = folder / "count", folder / "tasks"
    count.write_text("")
    noted.write_text("")
    begin = time.monotonic()
    subprocess.run(
        [str(ROOT / ".venv/bin/ansible-playbook"), playbook],
        cwd=ROOT,
        env={
            **os.environ,
            **environment,
            "ANSIBLE_SSH_EXECUTABLE": str(folder / "ssh"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/bench/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_seconds",
            "SSH_COUNT": str(count),
            "TASK_SECONDS": str(noted),
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - begin
    lines = [json.loads(line) for line in noted.read_text().splitlines()]
    by_task: Counter[str] = Counter()
    for line, following in zip(lines, lines[1:]):
        by_task[line["name"]] += following["at"] - line["at"]
    executions = Counter(count.read_text().split())
    return Run(seconds, max(lines[-1]["tasks"].values()), max(executions.values()), dict(by_task))


def new_lab() -> None:
    # The lab's hosts reach no archive; with lists of today the public roles do not ask one.
    fresh = [("exec", host, "touch", "/var/lib/apt/lists") for host in BALANCERS]
    for arguments in (("down",), ("up",), *fresh):
        subprocess.run([str(ROOT / "bin/lab"), *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def delayed(milliseconds: int) -> t.Iterator[None]:
    """Let every packet to the hosts take so much longer; as root, with tc."""
    if not milliseconds:
        yield
        return
    route = subprocess.run(["ip", "-o", "route", "get", ADDRESS], capture_output=True, text=True, check=True).stdout
    found = re.search(r" dev (\S+)", route)
    assert found, route
    device = ["tc", "qdisc", "{}", "dev", found[1], "root", "netem", "delay", f"{milliseconds}ms"]
    subprocess.run([word.replace("{}", "add") for word in device], check=True)
    try:
        yield
    finally:
        subprocess.run([word.replace("{}", "del") for word in device], check=True)


def told(name: str, run: Run) -> None:
    print(f"{name:<34} {run.seconds:6.1f} s {run.tasks:4d} tasks {run.executions:4d} executions", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--peers", type=Path, help="folder of the two public roles")
    parser.add_argument("--delay", type=int, default=0, help="milliseconds that every packet to the hosts takes longer")
    parser.add_argument("--longest", type=int, default=10, help="how many of the longest tasks are listed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        (folder / "ssh").write_text(SSH)
        (folder / "ssh").chmod(0o755)
        if options.peers:
            (folder / "peers.yml").write_text(PEERS)
            roles = {"ANSIBLE_ROLES_PATH": str(options.peers.resolve())}
            new_lab()
            with delayed(options.delay):
                told("public roles, new hosts", play(str(folder / "peers.yml"), folder, **roles))
                told("public roles, unchanged", play(str(folder / "peers.yml"), folder, **roles))
        else:
            print("public roles: not measured, there is no --peers", file=sys.stderr)
        new_lab()
        with delayed(options.delay):
            told("site.yml, new hosts", play("site.yml", folder))
            unchanged = play("site.yml", folder)
            told("site.yml, unchanged", unchanged)
        for task, seconds in Counter(unchanged.by_task).most_common(options.longest):
            print(f"    {seconds:5.2f} s  {task}")


if __name__ == "__main__":
    if not shutil.which("tc"):
        print("there is no tc here: --delay will not work", file=sys.stderr)
    main()
