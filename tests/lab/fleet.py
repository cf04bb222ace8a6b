# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: makes the containers that run agree with the nodes that are wanted."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from lab import machine
from lab.command import LAB_DIRECTORY, ROOT, LabError, run, say
from lab.image import ensure_image
from lab.inventory import Node
from lab.number import leave
from lab.podman import (
    LABEL,
    NETWORK,
    Container,
    container_name,
    containers,
    ensure_network,
    podman,
    power_on,
    remove,
    remove_network,
)

__all__ = ("beside", "down", "keep", "known", "node", "own", "start", "up")

T = t.TypeVar("T")
KEY = LAB_DIRECTORY / "id_ed25519"
CLONE = str(ROOT)
READY_WITHIN = 60.0
CAPABILITIES = ("NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SYS_NICE", "SYS_PTRACE")
# What root on a real host may as well: mount and unshare.
PRIVILEGED = ("--cap-add=SYS_ADMIN", "--security-opt=apparmor=unconfined", "--security-opt=unmask=ALL")
# Without the right to mount, sysctl of the node's own network works all the same.
UNPRIVILEGED = ("--security-opt=unmask=/proc/sys",)


def up(nodes: t.Sequence[Node], fresh: bool = False) -> None:
    """Bring these nodes up, and leave all others alone; one that is as wanted stays untouched unless ``fresh``."""
    begin = time.monotonic()
    present = own(containers())
    ensure_key()
    images = {release: ensure_image(release) for release in sorted({node.debian for node in nodes})}
    others = beside(present, nodes)
    arguments = {node.name: _arguments(node, images[node.debian]) for node in nodes}
    kept = keep(present, {name: _digest(words) for name, words in arguments.items()}, fresh)
    remove([one.name for one in present if one.node in arguments and one.node not in kept])
    ensure_network(CLONE)
    missing = [node for node in nodes if node.name not in kept]
    if missing:
        say(f"starting {' '.join(node.name for node in missing)}")
        balancers = [node for node in missing if node.balancer]
        real_time = machine.real_time_arguments(len(balancers))
        if real_time is None:
            say("containers get no real-time priority on this machine: keepalived runs without it here")
        names = [f"--add-host={line}" for line in known([*nodes, *others], "{name}:{address}")]
        _each(lambda node: _create([*names, *((node.balancer and real_time) or ())], arguments[node.name]), missing)
        _each(lambda node: _wait(node.name, str(node.address)), missing)
    _each(lambda node: _wait_ssh(node.name, str(node.address), time.monotonic() + READY_WITHIN), nodes)
    if missing:
        _introduce(missing, [one for one in (*nodes, *others) if one not in missing])
    say(f"{len(nodes)} nodes are up ({time.monotonic() - begin:.1f} s)")


def keep(present: t.Iterable[Container], wanted: t.Mapping[str, str], fresh: bool = False) -> set[str]:
    """Return the nodes that may stay as they are: alive, and made from what is wanted (node name and digest)."""
    if fresh:
        return set()
    return {one.node for one in present if one.state == "running" and one.spec == wanted.get(one.node)}


def beside(present: t.Iterable[Container], nodes: t.Sequence[Node]) -> list[Node]:
    """Return the running nodes that are not among these; LabError where one has the address of one of them."""
    wanted = {node.address: node.name for node in nodes}
    names = {node.name for node in nodes}
    found = []
    for one in present:
        if one.node in names:
            continue
        other = Node(one.node, ipaddress.IPv4Address(one.address))
        if other.address in wanted:
            raise LabError(
                f"{wanted[other.address]}: {other.address} is that of {other.name}, which is there already: "
                "take the lab down first, with `bin/lab down`."
            )
        if one.state == "running":
            found.append(other)
    return found


def known(nodes: t.Iterable[Node], form: str) -> list[str]:
    """Return both addresses of each node with its name, in this form."""
    return [form.format(name=node.name, address=address) for node in nodes for address in (node.address, node.address6)]


def node(name: str) -> Container:
    """Return the container of this node of the clone's lab."""
    found = own(containers(), strict=False)
    for one in found:
        if one.node == name:
            return one
    names = ", ".join(sorted(one.node for one in found))
    raise LabError(
        f"there is no node {name}: " + (f"this lab has {names}." if found else "bring the lab up, `bin/lab up`.")
    )


def start(name: str) -> None:
    """Start a node that was killed or stopped, and wait until it answers."""
    one = node(name)
    power_on(one.name)
    _wait(name, one.address)


def down(everyone: bool = False) -> list[str]:
    """Take the lab down, of every clone when ``everyone``, and return the clones whose lab it was."""
    found = containers() if everyone else own(containers(), strict=False)
    remove([one.name for one in found])
    if everyone or not containers():
        remove_network()
        leave()
    return sorted({one.clone for one in found})


def ensure_key() -> None:
    """Make the key with which Ansible enters the nodes of this clone."""
    LAB_DIRECTORY.mkdir(exist_ok=True)
    if not KEY.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "holdfast-lab", "-f", str(KEY))


def own(found: t.Sequence[Container], strict: bool = True) -> list[Container]:
    """Return the containers of this clone; LabError where another clone's lab holds the machine and ``strict``."""
    foreign = [one for one in found if one.clone != CLONE]
    if foreign and strict:
        raise LabError(
            f"the lab of {foreign[0].clone} is up here ({len(foreign)} nodes): take it down first, with `bin/lab down` "
            "there or `bin/lab down --all` here, or work in another lab, with HOLDFAST_LAB=1 in the environment."
        )
    return [one for one in found if one.clone == CLONE]


def _arguments(node: Node, image: str) -> list[str]:
    """Return podman's arguments for a node: everything that makes it what it is."""
    network = f"{NETWORK}:ip={node.address},ip={node.address6},mac={node.mac}"
    return [
        *(f"--name={container_name(node.name)}", f"--hostname={node.name}", f"--network={network}"),
        *(f"--label={LABEL}={CLONE}", f"--label={LABEL}.node={node.name}", f"--label={LABEL}.address={node.address}"),
        f"--volume={KEY}.pub:/etc/ssh/lab_key.pub:ro",
        # The nodes know each other by name; nobody answers for any other, and says so at once.
        "--dns=127.0.0.1",
        *(f"--cap-add={name}" for name in CAPABILITIES),
        *(PRIVILEGED if node.privileged else UNPRIVILEGED),
        *("--systemd=always", "--stop-timeout=10", "--pull=never", image, "/sbin/init"),
    ]


def _digest(arguments: t.Sequence[str]) -> str:
    text = KEY.with_suffix(".pub").read_text()
    return hashlib.sha256(repr((arguments, text)).encode()).hexdigest()[:16]


def _create(more: t.Sequence[str], arguments: t.Sequence[str]) -> None:
    podman("run", "--detach", f"--label={LABEL}.spec={_digest(arguments)}", *more, *arguments)


def _introduce(new: t.Sequence[Node], others: t.Sequence[Node]) -> None:
    """Let nodes that were up before know the names of the new ones, in place of those that these had."""
    names = "|".join(re.escape(node.name) for node in new)
    lines = "\n".join(known(new, "{address} {name}"))
    # The runtime holds the file, so it is written and not replaced.
    script = f"kept=$(grep -vE '[[:space:]]({names})$' /etc/hosts); printf '%s\n' \"$kept\" '{lines}' >/etc/hosts"
    _each(lambda node: podman("exec", container_name(node.name), "sh", "-c", script), others)


def _each(what: t.Callable[[Node], T], nodes: t.Sequence[Node]) -> list[T]:
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(what, nodes))


def _wait(name: str, address: str) -> None:
    """Wait until the node's systemd has come up and its ssh server answers."""
    deadline = time.monotonic() + READY_WITHIN
    state = ""
    while state not in ("running", "degraded"):
        if time.monotonic() > deadline:
            raise LabError(
                f"{name} did not come up within {READY_WITHIN:g} s ({state or 'systemd does not answer'}): "
                f"`bin/lab exec {name} -- systemctl list-jobs` shows what it waits for."
            )
        state = podman(
            *("exec", container_name(name), "timeout", "30", "systemctl", "is-system-running", "--wait"), check=False
        ).strip()
    if state == "degraded":
        say(f"{name}: a unit failed; see `bin/lab exec {name} -- systemctl --failed`")
    _wait_ssh(name, address, deadline)


def _wait_ssh(name: str, address: str, deadline: float) -> None:
    ask = f"exec 3<>/dev/tcp/{address}/22 && head -c 4 <&3"
    while podman("exec", container_name(name), "timeout", "2", "bash", "-c", ask, check=False) != "SSH-":
        if time.monotonic() > deadline:
            raise LabError(f"{name}: no ssh server answers at {address}: `bin/lab exec {name} -- journalctl -u ssh`.")
        time.sleep(0.05)
