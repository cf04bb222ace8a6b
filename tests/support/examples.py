# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the documents, found by themselves: inventories, variables, plays, tasks of modules."""

from __future__ import annotations

import functools
import importlib
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import SOURCES
from authority import Authority
from documented import MODULES, PLUGINS, ROOT

__all__ = ("Example", "Task", "plays", "tasks", "variables")

DOCUMENTS = ("README.md", "docs/**/*.md", "roles/*/README.md")
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
VAULTED = re.compile(r"\{\{ vault\w*?(_secret)? \}\}")
PASSWORD = "kR7-tq2w"
OURS = ("backend_", "balancer_", "keepalived_", "nginx_")

# The hosts that the documents speak of, where an example has none of its own.
GROUPS: dict[str, dict[str, dict[str, t.Any]]] = {
    "master": {"lb1": {"ansible_host": "192.0.2.11", "keepalived_address6": "2001:db8::11"}},
    "backup": {"lb2": {"ansible_host": "192.0.2.12", "keepalived_address6": "2001:db8::12"}},
    "backend": {"web1": {"ansible_host": "192.0.2.21"}, "web2": {"ansible_host": "192.0.2.22"}},
}
COMMON: dict[str, t.Any] = {
    "keepalived_vips": ["192.0.2.100/24"],
    "balancer_upstreams": [{"name": "blog", "servers_from": "backend", "port": 8080}],
    "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
}


@dataclass(frozen=True)
class Example:
    """Variables as a document has them, with the hosts that they are for."""

    place: str
    groups: dict[str, dict[str, dict[str, t.Any]]]
    everywhere: dict[str, t.Any]
    hosts: dict[str, dict[str, t.Any]]


class Task(t.NamedTuple):
    """A task of the examples of a module."""

    place: str
    module: str
    arguments: dict[str, t.Any]


def _blocks() -> t.Iterator[tuple[str, t.Any]]:
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text()
            for found in BLOCK.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield (
                    f"{path.relative_to(ROOT)}:{line}",
                    _with_certificates(yaml.safe_load(VAULTED.sub(_password, found[1]))),
                )


def _password(found: re.Match[str]) -> str:
    return PASSWORD * (5 if found[1] else 1)


@functools.lru_cache(maxsize=None)
def _certificates() -> dict[str, str]:
    """Return what stands in the vault, and in the files beside the inventory, that the examples of TLS name."""
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        issued, chain = authority.issue("blog.example.com"), authority.chain + authority.root
    return {"certificate": issued.certificate + chain, "certificate_key": issued.key, "chain": chain}


def _with_certificates(said: t.Any) -> t.Any:
    """Return an example with certificates where it names such of the controller's; those of a host are its own."""
    if isinstance(said, list):
        return [_with_certificates(one) for one in said]
    if not isinstance(said, dict):
        return said
    filled = {name: _with_certificates(one) for name, one in said.items()}
    if isinstance(said.get("tls"), dict):
        known = _certificates()
        filled["tls"] = {
            name: known.get(name, known["chain"]) if name in SOURCES and not str(one).startswith("/") else one
            for name, one in said["tls"].items()
        }
        if "chain" in said["tls"]:
            filled["tls"]["certificate"] = known["certificate"].replace(known["chain"], "")
    return filled


def variables() -> t.Iterator[Example]:
    """Yield every example of variables; an inventory before it in its document is that of the next."""
    groups, document = GROUPS, ""
    for place, said in _blocks():
        if not isinstance(said, dict):
            continue
        if "master" in said:
            groups = {group: {name: own or {} for name, own in one["hosts"].items()} for group, one in said.items()}
            document = place.partition(":")[0]
            continue
        used = groups if place.startswith(f"{document}:") else GROUPS
        names = {name for members in used.values() for name in members}
        everywhere = {name: value for name, value in said.items() if name not in names}
        unknown = [name for name in everywhere if not name.startswith(OURS)]
        assert not unknown, f"{place}: {unknown} is neither a variable nor a host"
        common = {**COMMON, **({"keepalived_vips": None} if "keepalived_instances" in everywhere else {})}
        hosts = {name: said[name] for name in names if name in said}
        yield Example(place, used, {**common, **everywhere}, hosts)


def plays() -> t.Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """Yield every example that is a list of plays."""
    for place, said in _blocks():
        if isinstance(said, list) and all({"hosts", "ansible.builtin.import_playbook"} & one.keys() for one in said):
            yield place, said


def tasks() -> t.Iterator[Task]:
    """Yield every task of the modules' examples and of the documents that needs no play around it."""
    found: list[tuple[str, dict[str, t.Any]]] = []
    for name in MODULES:
        examples = importlib.import_module(f"{PLUGINS}.modules.{name}").EXAMPLES
        found += [(f"{name}[{number}]", task) for number, task in enumerate(yaml.safe_load(examples) or ())]
    found += [(place, task) for place, said in _blocks() if isinstance(said, list) for task in said]
    for place, task in found:
        for name, arguments in task.items():
            if name.startswith("holdfast.nginx_ha.") and "{{" not in str(task) and "async" not in task:
                yield Task(place, name.rpartition(".")[2], arguments or {})
