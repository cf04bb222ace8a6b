# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector of metrics reads, in the text format of Prometheus, for the textfile collector of node_exporter.

Names and labels are those of the keepalived exporter (https://github.com/mehdy/keepalived-exporter) where the meaning
is the same. That one has keepalived write down its state at each look, by a signal that delays its adverts; here the
FIFO has told every change, and the kernel which addresses are held.
"""

from __future__ import annotations

import contextlib
import os
import socket
import typing as t

from ..._system.netlink import bound
from ..._system.processes import named_process
from ..service import ERROR, log, replace_file
from .events import Event

__all__ = ("Counted", "Metrics", "text")

PID_FILES = ("/run/keepalived.pid", "/run/keepalived/keepalived.pid")
STATES = {"stop": 0, "deleted": 0, "backup": 1, "master": 2, "fault": 3}
"""The numbers that keepalived has for them; of one that has told nothing yet it is 0 (INIT)."""

AGAIN = 10.0
"""Seconds after which the file is written again at the latest, whose age tells whether this service lives."""

HELP = {
    "keepalived_up": ("gauge", "Whether keepalived runs."),
    "keepalived_vrrp_state": ("gauge", "State of an instance: 0 init, 1 backup, 2 master, 3 fault."),
    "keepalived_vrrp_excluded_state": ("gauge", "The same, by addresses that adverts do not carry."),
    "keepalived_become_master_total": ("counter", "How often an instance became master."),
    "keepalived_release_master_total": ("counter", "How often an instance was master and is no more."),
    "holdfast_address_held": ("gauge", "Whether a shared address is on an interface of this host."),
    "holdfast_vrrp_state_since_seconds": ("gauge", "When an instance came to its state, in seconds since the epoch."),
    "holdfast_unfit": ("gauge", "Whether a tracker of this collection says that this balancer is unfit."),
    "holdfast_raised": ("gauge", "Whether something is raised that events tell of, as split_brain."),
}


class Counted:
    """What has happened since this service began. No input, no output."""

    def __init__(self) -> None:
        self.became: dict[str, int] = {}
        self.released: dict[str, int] = {}
        self.since: dict[str, float] = {}

    def take(self, event: Event, moment: float) -> None:
        """Count the event of an instance; the others have no number."""
        name, before = str(event.get("instance") or ""), event.get("previous")
        if not name or event["event"] not in STATES or event["event"] == before:
            return
        self.since[name] = moment
        if event["event"] == "master":
            self.became[name] = self.became.get(name, 0) + 1
        elif before == "master":
            self.released[name] = self.released.get(name, 0) + 1


class Metrics:
    """The file, written at once after an event and every few seconds; an empty path is none."""

    def __init__(self, path: str, instances: t.Sequence[t.Mapping[str, t.Any]], track_dir: str) -> None:
        self.path = path
        self.instances = instances
        self.track_dir = track_dir
        self._due = 0.0
        self._failed = ""

    def changed(self) -> None:
        """Have the file written at the next opportunity."""
        self._due = 0.0

    def write(self, now: float, states: t.Mapping[str, str], counted: Counted) -> None:
        """Write the file where it is time; ``now`` is monotonic. Where that fails, the journal says so once."""
        if not self.path or now < self._due:
            return
        self._due = now + AGAIN
        held = {}
        with contextlib.suppress(OSError):
            held = {one.address: one.interface for one in bound()}
        runs = named_process("keepalived", PID_FILES) is not None
        content = text(self.instances, states, counted, runs=runs, held=_named(held), unfit=_unfit(self.track_dir))
        try:
            replace_file(self.path, content, 0o644)
            os.chmod(self.path, 0o644)  # the collector is another user, and the umask of this service has none read it
        except OSError as error:
            if error.strerror != self._failed:
                log(ERROR, f"{self.path} cannot be written: {error.strerror}.")
            self._failed = str(error.strerror)
        else:
            self._failed = ""

    def remove(self) -> None:
        """Remove the file: what nobody keeps any more would be taken for the truth."""
        with contextlib.suppress(OSError):
            if self.path:
                os.unlink(self.path)


def text(
    instances: t.Sequence[t.Mapping[str, t.Any]],
    states: t.Mapping[str, str],
    counted: Counted,
    *,
    runs: bool,
    held: t.Mapping[str, str],
    unfit: t.Mapping[str, bool],
) -> str:
    """Return the file; ``held`` has the interface of every address of this host, ``unfit`` each tracker by name."""
    found: dict[str, list[str]] = {name: [] for name in HELP}

    def add(name: str, value: float, **labels: t.Any) -> None:
        written = ",".join(f'{label}="{_escaped(str(one))}"' for label, one in labels.items())
        found[name].append(f"{name}{{{written}}} {value}" if labels else f"{name} {value}")

    add("keepalived_up", int(runs))
    for one in instances:
        name = str(one["name"])
        state = STATES.get(states.get(f"instance {name}", ""), 0) if runs else 0
        own = {"iname": name, "intf": one["interface"] or held.get(one["address"], ""), "vrid": one["router_id"]}
        for number, address in enumerate(one["vips"]):
            excluded = "_excluded" if number >= one["advertised"] else ""
            add(f"keepalived_vrrp{excluded}_state", state, **own, ip_address=address)
            add("holdfast_address_held", int(address in held), **own, ip_address=address)
        add("keepalived_become_master_total", counted.became.get(name, 0), **own)
        add("keepalived_release_master_total", counted.released.get(name, 0), **own)
        if name in counted.since:
            add("holdfast_vrrp_state_since_seconds", round(counted.since[name], 3), **own)
    for tracker, is_unfit in unfit.items():
        add("holdfast_unfit", int(is_unfit), tracker=tracker)
    for key, said in states.items():
        event, _blank, subject = key.partition(" ")
        if said in ("raised", "cleared") and event not in ("instance", "group"):
            add("holdfast_raised", int(said == "raised"), event=event, iname=subject)
    return "".join(
        "".join(
            (f"# HELP {name} {HELP[name][1]}\n", f"# TYPE {name} {HELP[name][0]}\n", *(f"{one}\n" for one in lines))
        )
        for name, lines in found.items()
        if lines
    )


def _named(held: t.Mapping[str, int]) -> dict[str, str]:
    """Return the interface of every address by its name."""
    names = dict(socket.if_nameindex())
    return {address: names.get(index, "") for address, index in held.items()}


def _unfit(folder: str) -> dict[str, bool]:
    """Return by the name of every track file whether it says that this node is unfit."""
    found = {}
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            with contextlib.suppress(OSError), open(os.path.join(folder, name), encoding="ascii") as file:
                found[name] = file.read(8).strip() not in ("", "0")
    return found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
