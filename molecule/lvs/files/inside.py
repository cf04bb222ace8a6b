#!/usr/bin/python3
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the virtual machine runs: hosts as network namespaces on one bridge, and what a client of the address sees.

In /brought/hosts it finds for each host the files that were planned for it and what is no file (host.json). It prints
OBSERVED and a line of JSON, with an entry for each thing that was seen, or FAILED and why.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
import typing as t
from collections import Counter
from functools import partial
from pathlib import Path

HOSTS = Path("/brought/hosts")
CLIENT, CLIENT_ADDRESS = "client", "10.89.50.90"
TRACKERS = "/run/holdfast/track"
LENGTH = 24


def run(*words: str, within: float = 60) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=within).stdout


class Host:
    """A network namespace, with a /etc of its own where it needs one."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{address}/{LENGTH}", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def run(self, *words: str) -> str:
        return run("ip", "netns", "exec", self.name, *words)

    def start(self, *words: str) -> None:
        """Start its daemon, with a /run of its own."""
        command = (
            'mount -t tmpfs run /run && mkdir -p {0} && for name in $FILES; do echo 0 >{0}/$name; done && exec "$@"'
        )
        names = [
            path.name.rpartition("track_file-")[2] for path in Path(f"/etc/netns/{self.name}").rglob("*-track_file-*")
        ]
        subprocess.Popen(
            ["ip", "netns", "exec", self.name, "sh", "-c", command.format(TRACKERS), "sh", *words],
            env={**os.environ, "FILES": " ".join(name.partition(".conf")[0] for name in names)},
            stdout=open(f"/run/{self.name}.log", "a"),  # noqa: SIM115 - the daemon's, as long as it runs
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End all of its processes, as a crash does."""
        for pid in run("ip", "netns", "pids", self.name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def lose_power(self) -> None:
        self.kill()
        run("ip", "link", "delete", f"to-{self.name}")

    def holds(self, address: str) -> bool:
        return f" {address}/" in self.run("ip", "-oneline", "address", "show")


def balancer(name: str, address: str) -> Host:
    host = Host(name, address)
    folder = Path(f"/etc/netns/{name}")
    folder.mkdir(parents=True)
    run("cp", "-r", str(HOSTS / name / "files/etc/keepalived"), str(folder))
    # What only a host knows: the interface by its subnet; there is no user who may raise priorities in this machine.
    for path in folder.rglob("*.conf"):
        path.write_text(re.sub(r"INTERFACE_IN_\S+", "eth0", path.read_text()))
    main = folder / "keepalived/keepalived.conf"
    if not main.exists():
        main.write_text("include holdfast.d/*.conf\n")
    host.start("keepalived", "--dont-fork", "--log-console", "--log-detail")
    return host


def real_server(name: str, address: str) -> Host:
    host = Host(name, address)
    for setting, value in json.loads((HOSTS / name / "host.json").read_text())["sysctl"].items():
        host.run("sh", "-c", f"echo {value} >/proc/sys/{setting.replace('.', '/')}")
    for command in json.loads((HOSTS / name / "host.json").read_text())["loopback"]:
        host.run(*command)
    folder = Path(f"/etc/netns/{name}")
    folder.mkdir(parents=True)
    # The plan does not know nginx.conf of the package, which includes conf.d.
    run("cp", "-r", "/etc/nginx", str(folder))
    run(
        "sh",
        "-c",
        f"rm -rf {folder}/nginx/sites-enabled/* && cp {HOSTS}/{name}/files/etc/nginx/conf.d/* {folder}/nginx/conf.d",
    )
    page = Path(f"/srv/{name}/index.html")
    page.parent.mkdir(parents=True)
    page.write_text(f"{name}\n")
    for path in (folder / "nginx").rglob("*.conf"):
        path.write_text(path.read_text().replace("/var/www/holdfast", str(page.parent)))
    host.start("nginx", "-g", "daemon off; error_log stderr;")
    return host


class Seen:
    """What a client gets at the address, and which real servers the holder has."""

    def __init__(self, address: str, balancers: t.Mapping[str, Host], client: Host) -> None:
        self.address, self.balancers, self.client = address, balancers, client

    def holders(self) -> list[str]:
        return [name for name, host in self.balancers.items() if host.holds(self.address)]

    def servers(self, name: str) -> list[str]:
        """Return the real servers in the kernel's table of a balancer."""
        table = self.balancers[name].run("ipvsadm", "--list", "--numeric")
        return sorted(re.findall(r"^ +-> ([0-9.]+):\d+ ", table, re.MULTILINE))

    def has(self, name: str, servers: t.Sequence[str]) -> bool:
        return self.servers(name) == list(servers)

    def ask(self) -> str:
        """Return what one request gets, on a connection of its own."""
        words = ("curl", "--silent", "--show-error", "--max-time", "2", f"http://{self.address}/")
        done = subprocess.run(["ip", "netns", "exec", CLIENT, *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() or f"failed: {done.stderr.strip()}"

    def answers(self, count: int = 20) -> dict[str, int]:
        return dict(Counter(self.ask() for _request in range(count)))

    def gap(self, fault: t.Callable[[], t.Any], seconds: float) -> tuple[float, str]:
        """Return the longest time without an answer, in seconds, around a fault, and who holds the address then."""
        longest, last, until, struck = 0.0, time.monotonic(), time.monotonic() + seconds, False
        while time.monotonic() < until:
            if not struck and time.monotonic() > until - seconds + 1:
                fault()
                struck = True
            if not self.ask().startswith("failed"):
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
        return max(longest, time.monotonic() - last), "+".join(self.holders())


def eventually(wanted: t.Callable[[], bool], within: float, saying: str) -> float:
    begun = time.monotonic()
    while not wanted():
        if time.monotonic() > begun + within:
            raise AssertionError(f"not within {within:g} s: {saying}")
        time.sleep(0.05)
    return round(time.monotonic() - begun, 2)


def observe() -> dict[str, t.Any]:
    for module in ("ip_vs", "ip_vs_rr", "veth", "bridge"):
        run("modprobe", module)
    run("ip", "link", "add", "bridge", "type", "bridge", "forward_delay", "0")
    run("ip", "link", "set", "bridge", "up")
    plans = {path.parent.name: json.loads(path.read_text()) for path in sorted(HOSTS.glob("*/host.json"))}
    addresses = {name: str(plan["address"]) for name, plan in plans.items()}
    backends = [name for name, plan in plans.items() if plan["role"] == "backend"]
    [shared] = next(plan["addresses"] for plan in plans.values() if plan["role"] != "backend")
    servers = {name: real_server(name, addresses[name]) for name in backends}
    client = Host(CLIENT, CLIENT_ADDRESS)
    balancers = {name: balancer(name, address) for name, address in addresses.items() if name not in backends}
    seen = Seen(shared, balancers, client)
    both = sorted(addresses[name] for name in backends)
    first = next(name for name, plan in plans.items() if plan["role"] == "master")
    second = next(name for name in balancers if name != first)
    found: dict[str, t.Any] = {"first": first, "second": second, "backends": backends}

    eventually(lambda: seen.holders() == [first], 30, f"{first} holds {shared}")
    for name in balancers:
        eventually(partial(seen.has, name, both), 30, f"{name} has both real servers")
    # A director takes its real servers for well until it has asked them.
    eventually(lambda: set(seen.answers(4)) == set(backends), 30, "both real servers answer")
    found["spread"] = seen.answers()
    # Who answers the question for the address: the holder alone, though both real servers have it.
    found["neighbour"] = client.run("ip", "neighbour", "show", shared).split()[2:5]
    found["holder_mac"] = json.loads(balancers[first].run("ip", "-json", "link", "show", "dev", "eth0"))[0]["address"]

    lost = backends[0]
    servers[lost].kill()
    left = [addresses[name] for name in backends if name != lost]
    found["out"] = eventually(lambda: seen.servers(first) == left, 30, f"{first} has taken {lost} out")
    found["without"] = seen.answers()
    servers[lost].start("nginx", "-g", "daemon off; error_log stderr;")
    found["back"] = eventually(lambda: seen.servers(first) == both, 30, f"{first} has {lost} again")
    found["with"] = seen.answers()

    found["gap"], found["holder"] = seen.gap(balancers[first].lose_power, 8)
    found["after"] = seen.answers()
    return found


def main() -> None:
    try:
        print(f"OBSERVED {json.dumps(observe())}", flush=True)
    except BaseException:  # whatever it is, the machine ends and says it
        for log in Path("/run").glob("*.log"):
            print(f"== {log}\n{log.read_text()[-4000:]}")
        print(f"FAILED {json.dumps(traceback.format_exc())}", flush=True)
        sys.exit(1)


main()
