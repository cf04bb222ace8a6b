# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the lab."""

from __future__ import annotations

import argparse
import os
import sys
import typing as t
from pathlib import Path

from lab import fleet, machine
from lab.command import ROOT, LabError, environment, say
from lab.inventory import DEFAULT_INVENTORY, nodes_of, read_inventory
from lab.lock import lab_lock
from lab.number import enter, variables
from lab.podman import containers, held, podman, podman_here


def main(words: t.Sequence[str]) -> int:
    options = _parser().parse_args(words)
    try:
        machine.prepare()
        return int(options.run(options) or 0)
    except LabError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/lab",
        description="A fleet of systemd hosts on this machine, as containers.",
        epilog="HOLDFAST_LAB=1 (to 99) in the environment: another lab beside this one, in a network of its own with "
        "the same addresses; `bin/lab run` starts programs that reach it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="bring the nodes of an inventory up, or those that are missing")
    up.add_argument("-i", "--inventory", type=Path, action="append", help="whose nodes (default: inventory/lab)")
    up.add_argument("--fresh", action="store_true", help="make every node anew")
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="take the lab down; nothing of it stays but its image")
    down.add_argument("--all", action="store_true", help="whatever clone brought it up")
    down.add_argument("--images", action="store_true", help="remove the images as well")
    down.set_defaults(run=_down)

    commands.add_parser("status", help="show the nodes, and who holds which address").set_defaults(run=_status)

    shell = commands.add_parser("shell", help="open a shell on a node, as root")
    shell.add_argument("node")
    shell.set_defaults(run=_shell)

    execute = commands.add_parser("exec", help="run a command on a node, as root: bin/lab exec lb1 -- ip address")
    execute.add_argument("node")
    execute.add_argument("command", nargs="+")
    execute.set_defaults(run=_exec)

    command = commands.add_parser("run", help="run a command that reaches the nodes: bin/lab run -- molecule test")
    command.add_argument("command", nargs="+")
    command.set_defaults(run=_run)

    for name, verb, text in (
        ("kill", "kill", "end a node as a power cut does"),
        ("freeze", "pause", "stop every process of a node"),
        ("thaw", "unpause", "let a frozen node go on"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("node")
        command.set_defaults(run=_podman_verb, verb=verb)

    start = commands.add_parser("start", help="start a node that was killed, and wait until it answers")
    start.add_argument("node")
    start.set_defaults(run=lambda options: fleet.start(options.node))
    return parser


def _up(options: argparse.Namespace) -> None:
    with lab_lock("bin/lab up"):
        fleet.up(nodes_of(read_inventory(options.inventory or [DEFAULT_INVENTORY])), fresh=options.fresh)


def _down(options: argparse.Namespace) -> None:
    with lab_lock("bin/lab down"):
        clones = fleet.down(everyone=options.all)
        if options.images:
            images = podman("images", "--quiet", "--filter=reference=localhost/holdfast-lab-*").split()
            if images:
                podman("rmi", "--force", *dict.fromkeys(images))
    for clone in clones:
        say(f"the lab of {clone} is down")
    if not clones:
        say("no lab is up")


def _status(options: argparse.Namespace) -> int:
    found = sorted(containers(), key=lambda one: one.name)
    if not found:
        say("no lab is up; `bin/lab up` brings one up")
        return 1
    for clone in sorted({one.clone for one in found} - {str(ROOT)}):
        say(f"this is the lab of {clone}")
    rows = [("NODE", "STATE", "ADDRESS", "IMAGE", "HOLDS")]
    rows += [(one.node, one.state, one.address, one.image, " ".join(held(one)) or "-") for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip())
    return 0


def _shell(options: argparse.Namespace) -> int:
    return podman_here("exec", "-it", fleet.node(options.node).name, "bash", "-l")


def _exec(options: argparse.Namespace) -> int:
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    return podman_here("exec", "--interactive", *terminal, fleet.node(options.node).name, *options.command)


def _run(options: argparse.Namespace) -> None:
    words = [*enter(), *options.command]
    try:
        os.execvpe(words[0], words, {**environment(), **variables()})
    except FileNotFoundError:
        raise LabError(f"{words[0]} is not installed") from None


def _podman_verb(options: argparse.Namespace) -> None:
    podman(options.verb, fleet.node(options.node).name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
