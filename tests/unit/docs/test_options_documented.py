# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module is documented as it is, with the version of the daemon that it needs."""

from __future__ import annotations

import typing as t
from dataclasses import fields

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import LineModels
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import Command, Script
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import keywords
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import FIRST, FIRST_VALUE
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Nested
from documented import MODULES, differences, documented_options, real_options, text


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_says_what_the_module_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(differences(documented_options(name), real_options(name, monkeypatch)))
    assert not found, "\n".join([f"{len(found)} differences in {name}:", *found])


@pytest.mark.parametrize(
    ("documented", "real", "sentence"),
    [
        ({}, {"a": {"type": "int"}}, "a is not documented: {'type': 'int'}"),
        ({"a": {"description": "A."}}, {}, "a is documented, and there is no such option"),
        ({"a": {"type": "int"}}, {"a": {"type": "int"}}, "a has no description"),
        ({"a": {"description": "A."}}, {"a": {"type": "int"}}, "a: type is documented as 'str', and is 'int'"),
        (
            {"a": {"description": "A.", "default": 1, "type": "bool"}},
            {"a": {"default": True, "type": "bool"}},
            "a: default is documented as 1, and is True",
        ),
        (
            {"a": {"description": "A.", "type": "dict", "suboptions": {"b": {"description": "B.", "choices": ["x"]}}}},
            {"a": {"type": "dict", "options": {"b": {"choices": ["x", "y"]}}}},
            "a.b: choices is documented as ['x'], and is ['x', 'y']",
        ),
    ],
)
def test_a_difference_is_told_with_its_place(documented: t.Any, real: t.Any, sentence: str) -> None:
    assert list(differences(documented, real)) == [sentence]


# Kind of block in the table of versions -> where its options are documented.
NGINX_KINDS = {
    "upstream": ["upstreams", "stream_upstreams"],
    "upstream.servers": ["upstreams.servers", "stream_upstreams.servers"],
    "location": ["servers.locations"],
    "server": ["servers"],
    "tls": ["servers.tls"],
    "stream_server": ["stream_servers", "stream"],
    "main": ["main"],
    "http": ["http"],
    "map": ["maps", "stream_maps"],
    "cache_path": ["cache_paths"],
    "log_format": ["log_formats", "stream_log_formats"],
}
# Parameters of an option, documented with it.
NGINX_PARAMETERS = {"http listen": "servers.listen", "stream listen": "stream_servers.listen"}


def at(options: t.Mapping[str, t.Any], path: str) -> t.Any:
    """Return the option at this path, an empty one where it is not documented."""
    first, *rest = path.split(".")
    found = options.get(first, {})
    for name in rest:
        found = found.get("suboptions", {}).get(name, {})
    return found


def test_an_option_of_nginx_names_the_version_it_needs() -> None:
    options = documented_options("nginx_config")
    missing = []
    for kind, versions in FIRST.items():
        if kind in NGINX_PARAMETERS:
            needed = [(NGINX_PARAMETERS[kind], version) for version in versions.values()]
        else:
            needed = [
                (f"{place}.{name}", version)
                for place in NGINX_KINDS[kind]
                for name, version in versions.items()
                if name in at(options, place)["suboptions"]
            ]
        missing += [
            f"{path}: nginx {version}" for path, version in needed if str(version) not in text(at(options, path))
        ]
    for kind, values in FIRST_VALUE.items():
        for place in NGINX_KINDS[kind]:
            for name, versions in values.items():
                described = text(at(options, f"{place}.{name}"))
                missing += [
                    f"{place}.{name}: nginx {version} for V({value})"
                    for value, version in versions.items()
                    if f"V({value})" not in described or str(version) not in described
                ]
    assert missing == []


class Declared(t.NamedTuple):
    """An option of keepalived: where it is, what it takes, and the first version of it and of the blocks around it."""

    path: str
    kind: t.Any
    since: Version | None
    around: Version | None


def keepalived_options(model: t.Any, path: str = "", around: Version | None = None) -> t.Iterator[Declared]:
    """Yield every option of a model and of the models in it."""
    for field in fields(model):
        said = field.metadata["option"]
        known = keywords(model.table or model.keyword).get(said.keywords[0] if said.keywords else field.name)
        since = said.since or (known.since if known else None)
        yield Declared(f"{path}{field.name}", said.kind, since, around)
        if isinstance(said.kind, Nested):
            yield from keepalived_options(
                said.kind.model, f"{path}{field.name}.", max(filter(None, (since, around)), default=None)
            )


def test_an_option_of_keepalived_names_the_version_it_needs() -> None:
    options = documented_options("keepalived_config")
    missing = [
        f"{one.path}: keepalived {one.since}"
        for one in keepalived_options(KeepalivedConfig)
        if one.since
        and (one.around is None or one.since > one.around)
        and f"keepalived {one.since}" not in text(at(options, one.path))
    ]
    assert missing == []


def test_what_is_written_as_a_mapping_has_its_keys_described() -> None:
    options = documented_options("keepalived_config")
    missing = []
    for one in keepalived_options(KeepalivedConfig):
        described = text(at(options, one.path))
        keys: list[str] = []
        if isinstance(one.kind, LineModels):
            keys = [field.name for field in fields(t.cast(t.Any, one.kind.model))]
        elif isinstance(one.kind, Script) and one.kind.spec["type"] == "raw":
            keys = list(Command._fields)
        missing += [f"{one.path}: C({key})" for key in keys if f"C({key})" not in described]
    assert missing == []
