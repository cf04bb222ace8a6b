# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a pair out of the short inventory, and what a client sees when its master dies."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import re
import subprocess
import sys
import time
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from lab import fleet, machine
from lab.command import LAB_DIRECTORY, ROOT, LabError, environment, say
from lab.inventory import DEFAULT_INVENTORY, hosts_of, nodes_of, read_inventory
from lab.lock import lab_lock
from lab.number import NUMBER, inside
from lab.podman import containers, held, podman

__all__ = ("Service", "answers", "connected", "main", "outcome")

PLAYBOOK = ROOT / "site.yml"
LOG = LAB_DIRECTORY / "log" / "demo-site.log"
REQUESTS = 6
KILL_WINDOW = 6
RETURN_WINDOW = 10
STEADY = 1.0
PATIENCE = 30.0
PLAY = re.compile(r"PLAY \[(?P<name>.*)\]")
RECAP = re.compile(r"(?P<host>\S+)\s+: ok=\d+\s+changed=(?P<changed>\d+)\s.*")
RESULT = re.compile(r"localhost \| \S+ => (?=\{)")
CLOSED = "06"  # TIME_WAIT


@dataclass(frozen=True)
class Service:
    """What is demonstrated: the address, the site behind it, the nodes that may hold the address."""

    address: str
    site: str
    balancers: tuple[str, ...]

    @classmethod
    def of(cls, inventory: t.Mapping[str, t.Any]) -> Service:
        balancers = (*hosts_of(inventory, "master"), *hosts_of(inventory, "backup"))
        variables = inventory["_meta"]["hostvars"][balancers[0]]
        name = variables["balancer_sites"][0]["server_name"]
        site = name if isinstance(name, str) else name[0]
        return cls(variables["keepalived_vips"][0].split("/")[0], site, balancers)

    def holder(self) -> str:
        """Return the node that holds the address; both, joined by a plus, should there be two; empty for none."""
        found = [one for one in containers() if one.node in self.balancers]
        return "+".join(one.node for one in found if self.address in [text.split("/")[0] for text in held(one)])

    def ask(self) -> str:
        """Return who answers a request through the address: the first line of the page."""
        request = urllib.request.Request(f"http://{self.address}/", headers={"Host": self.site})
        with urllib.request.urlopen(request, timeout=3) as response:
            return str(response.read().decode(errors="replace").split("\n")[0])


def step(text: str) -> None:
    print(f"\n== {text}", flush=True)


def tell(text: str) -> None:
    print(f"   {text}", flush=True)


def converge() -> None:
    """Run site.yml; its plays are named as they begin, the whole output is in the log."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    command = ["ansible-playbook", f"--inventory={DEFAULT_INVENTORY}", str(PLAYBOOK)]
    changed: list[int] = []
    with LOG.open("w") as log, subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment(), ANSIBLE_NOCOLOR="1", ANSIBLE_FORCE_COLOR="0", PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            log.write(line)
            play, host = PLAY.match(line), RECAP.match(line)
            if play:
                tell(play["name"])
            if host:
                changed.append(int(host["changed"]))
    if process.returncode:
        print("".join(f"   | {line}\n" for line in LOG.read_text().rstrip().split("\n")[-40:]), end="")
        raise LabError(f"site.yml failed (its last words are above, the whole is in {LOG.relative_to(ROOT)}).")
    tell(f"{len(changed)} hosts, {sum(changed)} changes; the whole output: {LOG.relative_to(ROOT)}")


@contextlib.contextmanager
def client(service: Service, duration: int) -> t.Iterator[dict[str, t.Any]]:
    """Ask the address 200 times a second with vip_probe for so long; the dictionary holds its result in the end.

    The body starts when the client has been asking for a second.
    """
    arguments = f"address={service.address} host={service.site} rate=200 duration={duration} served_by=body"
    command = ["ansible", "localhost", "-m", "holdfast.nginx_ha.vip_probe", "-a", arguments]
    tell(f"$ {' '.join([*command[:-1], repr(arguments)])}")
    result: dict[str, t.Any] = {}
    process = subprocess.Popen(
        [*command, f"--inventory={DEFAULT_INVENTORY}"],
        cwd=ROOT,
        env=dict(environment(), ANSIBLE_NOCOLOR="1", ANSIBLE_CALLBACK_RESULT_FORMAT="json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: process.poll() is not None or connected(service.address), "the client asks")
        time.sleep(STEADY)
        yield result
        output, errors = process.communicate(timeout=duration + PATIENCE)
    finally:
        process.kill()
    words = f"{output}\n{errors}"
    found = RESULT.search(words)
    if not found:
        raise LabError(f"vip_probe did not measure: {words.strip()}")
    result.update(json.JSONDecoder().raw_decode(words, found.end())[0])


def connected(address: str, table: Path = Path("/proc/net/tcp")) -> bool:
    """Return whether this machine has a connection to an address, opening or open, by the kernel's table."""
    wanted = f"{int.from_bytes(ipaddress.IPv4Address(address).packed, sys.byteorder):08X}:"
    rows = [line.split() for line in table.read_text().strip().split("\n")[1:]]
    return any(row[2].startswith(wanted) and row[3] != CLOSED for row in rows)


def outcome(result: t.Mapping[str, t.Any]) -> list[str]:
    """Return in words what a client saw; no outage stands without the failed and slow requests beside it."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in result["failures"].items() if count)
    failed = f"{result['failed_total']} failed" + (f" ({kinds})" if kinds else "")
    lines = [
        f"longest time without an answer: {result['gap_ms']:.0f} ms",
        f"requests: {result['ok']} answered, {failed}, {result['slow']} of the answers slow",
    ]
    if result["ended_in_outage"]:
        lines.append("and the outage was not over when the measurement ended")
    return lines


def eventually(what: t.Callable[[], t.Any], saying: str, within: float = PATIENCE) -> float:
    """Wait until it is true and return the seconds that it took."""
    begin = time.monotonic()
    while not what():
        if time.monotonic() - begin > within:
            raise LabError(f"not within {within:g} s: {saying}.")
        time.sleep(0.02)
    return time.monotonic() - begin


def answers(service: Service) -> None:
    for number in range(1, REQUESTS + 1):
        tell(f"request {number}: answered by {service.ask()}")


def break_master(service: Service) -> None:
    """Kill the holder while a client asks, say what the client saw, and bring the node back."""
    master = service.balancers[0]
    step(f"{master} dies: its container is killed while a client asks 200 times a second")
    with client(service, KILL_WINDOW) as seen:
        podman("kill", fleet.node(master).name)
    for line in outcome(seen):
        tell(line)
    tell(f"{service.holder()} holds {service.address} now")

    step(f"{master} comes back, and takes the address over again")
    with client(service, RETURN_WINDOW) as seen:
        fleet.start(master)
    eventually(lambda: service.holder() == master, f"{master} holds the address again")
    for line in outcome(seen):
        tell(line)
    tell(f"{service.holder()} holds {service.address} again")


def demonstrate() -> None:
    begin = time.monotonic()
    inventory = read_inventory([DEFAULT_INVENTORY])
    service = Service.of(inventory)
    step("The lab: five hosts in containers on this machine")
    fleet.up(nodes_of(inventory))
    step("ansible-playbook site.yml: backends first, then the balancers")
    if not PLAYBOOK.exists():
        raise LabError("there is no site.yml in this clone, so there is nothing to show.")
    converge()
    step(f"http://{service.site}/ through {service.address}")
    eventually(lambda: _serves(service), "the address answers")
    answers(service)
    eventually(lambda: service.holder() == service.balancers[0], f"{service.balancers[0]} alone holds the address")
    tell(f"{service.balancers[0]} holds {service.address}")
    break_master(service)
    step(f"Done in {time.monotonic() - begin:.0f} s. The lab stays up")
    for command, why in (
        (f"curl --header 'Host: {service.site}' http://{service.address}/", "ask it yourself"),
        ("bin/lab status", "the nodes, and who holds the address"),
        (f"bin/lab shell {service.balancers[0]}", "look around on a balancer, stop nginx there, ..."),
        (
            ". .venv/bin/activate; ansible-playbook site.yml --check --diff",
            "change inventory/lab and see what it would do",
        ),
        ("bin/lab down", "clean up: nothing stays but .venv, .lab and the image (--images removes it too)"),
    ):
        tell(command)
        tell(f"    {why}")


def _serves(service: Service) -> bool:
    try:
        return bool(service.ask())
    except OSError:
        return False


def main(words: t.Sequence[str]) -> int:
    description = "Bring the lab up, make the pair, kill its master and measure what a client sees."
    argparse.ArgumentParser(prog="bin/demo", description=description).parse_args(words)
    try:
        machine.prepare()
        if not inside():
            raise LabError(f"lab {NUMBER} has a network of its own: run the demo in it, `bin/lab run -- bin/demo`.")
        with lab_lock("bin/demo"):
            demonstrate()
    except LabError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; `bin/lab down` cleans up")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
