# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watcher looks at: nginx's own probe, and further checks of the user's. Private to this collection."""

from __future__ import annotations

import ipaddress
import re
import shlex
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.timing import Probe
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("Check", "check", "checks", "host_name", "own_probe", "patience", "probe", "request_path")

HERE = "127.0.0.1"
SHORTEST, LONGEST = 0.01, 3600.0
MOST = 1000
"""Most failures or answers in a row that can be asked for."""

KINDS: dict[str, tuple[str, ...]] = {"url": ("address",), "port": ("address",), "command": (), "file": ("state",)}
"""What a check can look at, and the keys that go with it."""

COMMON = ("name", "interval", "timeout", "fall", "rise", "weight", "allow_no_holder")
PORTS = {"http": 80, "https": 443}
STATES = ("present", "absent")

# The name becomes that of a file and of a tracker of keepalived.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")
_HOST = re.compile(r"[A-Za-z0-9_.-]+")
_PRINTED = re.compile(r"/[!-~]*")


@dataclass(frozen=True)
class Check:
    """One check. ``options`` is what the watcher takes; the rest is for the planner."""

    path: str
    name: str
    kind: str
    allow_no_holder: bool
    options: Mapping[str, t.Any]


def checks(variables: Mapping[str, t.Any]) -> list[Check]:
    """Return all of ``keepalived_checks``; raises InputError for the first that is wrong."""
    path = "keepalived_checks"
    found: dict[str, Check] = {}
    for index, item in enumerate(values.items(variables[path], path)):
        one = check(item, f"{path}[{index}]")
        first = found.setdefault(one.name, one)
        if first is not one:
            raise InputError(f"{one.path}.name", f"`{one.name}` is the name of {first.path} as well: give each its own")
    return list(found.values())


def check(item: t.Any, path: str) -> Check:
    """Return one element of ``keepalived_checks`` with its defaults; raises InputError."""
    given = {key: value for key, value in values.mapping(item, path).items() if value is not None}
    if "name" not in given:
        raise InputError(f"{path}.name", "is missing: give the check a name")
    name = values.text(given["name"], f"{path}.name")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{path}.name",
            f"`{name}` cannot be the name of a file: use up to 48 letters, digits, `_`, `-` and `.`, a letter or digit "
            "first",
        )
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of url, port, command and file"
        raise InputError(path, f"has {found}: a check looks at exactly one thing")
    kind = kinds[0]
    known = (*COMMON, kind, *KINDS[kind])
    for key in given:
        if key not in known:
            raise InputError(f"{path}.{key}", f"is unknown in a check of {kind}: it knows {', '.join(known)}")
    if values.integer(given.get("weight", 0), f"{path}.weight", -254, 254) != 0:
        raise InputError(
            f"{path}.weight",
            "can only be 0: a check that fails takes the node out of the election; for a change of priority use "
            "keepalived_vrrp_scripts or keepalived_track_files",
        )
    return Check(
        path=path,
        name=name,
        kind=kind,
        allow_no_holder=values.boolean(given.get("allow_no_holder", False), f"{path}.allow_no_holder"),
        options={
            "name": name,
            "kind": kind,
            **_READERS[kind](given, path),
            "interval": values.number(given.get("interval", 1), f"{path}.interval", 0.1, LONGEST),
            "timeout": values.number(given.get("timeout", 1), f"{path}.timeout", SHORTEST, LONGEST),
            "fall": values.integer(given.get("fall", 2), f"{path}.fall", 1, MOST),
            "rise": values.integer(given.get("rise", 2), f"{path}.rise", 1, MOST),
        },
    )


def _url(given: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    place = f"{path}.url"
    written = values.text(given["url"], place)
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        # What it holds may be a login, so it is not repeated.
        raise InputError(place, "is no URL that can be read: write http://name/path") from None
    if parts.username is not None:
        raise InputError(place, "has a login, which no check sends: ask for a page that needs none, or use `command`")
    if parts.scheme not in PORTS or not parts.hostname:
        raise InputError(place, f"`{written}` is no URL that can be asked: write http://name/path")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PRINTED.fullmatch(target):
        raise InputError(place, f"`{written}` holds characters that a request cannot: write them as %20 and the like")
    literal = _literal(parts.hostname)
    if literal is None and not _HOST.fullmatch(parts.hostname):
        raise InputError(place, f"`{parts.hostname}` is no name of a host")
    # A name is never looked up: the question goes to this host, unless an address is said.
    address = _address(given["address"], f"{path}.address") if "address" in given else literal or HERE
    return {
        "address": address,
        "port": port or PORTS[parts.scheme],
        "tls": parts.scheme == "https",
        "host": parts.netloc,
        "path": target,
    }


def _port(given: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    return {
        "address": _address(given.get("address", HERE), f"{path}.address"),
        "port": values.integer(given["port"], f"{path}.port", 1, 65535),
    }


def _command(given: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    place, command = f"{path}.command", given["command"]
    if isinstance(command, list):
        words = [str(word) for word in command]
    else:
        try:
            words = shlex.split(values.text(command, place))
        except ValueError as error:
            raise InputError(place, f"`{command}` cannot be split into words: {error}") from None
    if not words or not words[0]:
        raise InputError(place, "is empty: write the program and its arguments")
    if not words[0].startswith("/"):
        raise InputError(place, f"`{words[0]}` is no whole path: no shell looks for it, so write where it lies")
    return {"command": words}


def _file(given: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    place = f"{path}.file"
    file = values.text(given["file"], place)
    if not file.startswith("/"):
        raise InputError(place, f"`{file}` is no whole path: begin it with /")
    state = values.text(given.get("state", "present"), f"{path}.state")
    if state not in STATES:
        raise InputError(f"{path}.state", f"`{state}` is unknown: the file shall be {' or '.join(STATES)}")
    return {"file": file, "state": state}


_READERS: dict[str, t.Callable[[Mapping[str, t.Any], str], dict[str, t.Any]]] = {
    "url": _url,
    "port": _port,
    "command": _command,
    "file": _file,
}


def _address(value: t.Any, path: str) -> str:
    address = _literal(values.text(value, path))
    if address is None:
        raise InputError(path, f"`{value}` is a name: write the address itself, names are never looked up")
    return address


def _literal(value: str) -> str | None:
    if value == "localhost":
        return HERE
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return None


def probe(variables: Mapping[str, t.Any]) -> Probe:
    """Return how nginx's own probe asks; raises InputError."""
    probe_rise(variables)
    return Probe(
        interval=_seconds(variables, "keepalived_probe_interval"),
        timeout=_seconds(variables, "keepalived_probe_timeout"),
        fall=values.integer(variables["keepalived_probe_fall"], "keepalived_probe_fall", 1, MOST),
    )


def probe_rise(variables: Mapping[str, t.Any]) -> int:
    """Return how many good answers make an unfit nginx fit; raises InputError."""
    return values.integer(variables["keepalived_probe_rise"], "keepalived_probe_rise", 1, MOST)


def own_probe(variables: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    """Return what nginx's own probe asks for, as a check of a URL says it; raises InputError."""
    return {
        "address": _address(variables["keepalived_probe_address"], "keepalived_probe_address"),
        "port": values.integer(variables["keepalived_probe_port"], "keepalived_probe_port", 1, 65535),
        "host": host_name(variables["keepalived_probe_host"], "keepalived_probe_host"),
        "path": request_path(variables["keepalived_probe_path"], "keepalived_probe_path"),
    }


def host_name(value: t.Any, path: str) -> str:
    """Return the name of a host as a request has it; raises InputError."""
    name = values.text(value, path)
    if not _HOST.fullmatch(name):
        raise InputError(path, f"{values.shown(name)} is no name of a host")
    return name


def request_path(value: t.Any, path: str) -> str:
    """Return a path as a request has it; raises InputError."""
    found = values.text(value, path)
    if not _PRINTED.fullmatch(found):
        raise InputError(path, f"{values.shown(found)} is no path: begin it with /, without spaces")
    return found


def _seconds(variables: Mapping[str, t.Any], name: str) -> float:
    return values.number(variables[name], name, SHORTEST, LONGEST)


def patience(variables: Mapping[str, t.Any]) -> float:
    """Return the seconds for which nginx may stay dead under the policy ``restart_first``; raises InputError."""
    return values.number(variables["keepalived_restart_patience"], "keepalived_restart_patience", 0.2, LONGEST)
