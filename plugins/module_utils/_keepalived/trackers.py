# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides whether a node is fit: track_file, vrrp_script, vrrp_track_process, and references to them.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import LineModel, LineModels
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Command,
    Decimal,
    Flag,
    Script,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice, Integer, Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import option

__all__ = ("TrackFile", "TrackProcess", "Tracked", "Trackers", "VrrpScript")

LARGEST = 2**31 - 1
SECONDS = 4294
LONGEST_TIMER = 1000


class Weight(t.NamedTuple):
    """What a tracker adds to the priority; 0 means that a failure is FAULT. ``reverse`` turns the sign."""

    weight: int
    reverse: bool = False


class WeightKind(Kind):
    """A weight: a number, or a mapping of ``weight`` and ``reverse``."""

    spec = {"type": "raw"}

    def __init__(self, most: int) -> None:
        self.number = Integer(-most, most)

    def accept(self, value: t.Any, path: str, version: Version | None) -> Weight:
        if isinstance(value, t.Mapping):
            reverse = bool(Flag().accept(value.get("reverse", False), f"{path}.reverse", version))
            return Weight(self.number.accept(value.get("weight"), f"{path}.weight", version), reverse)
        return Weight(self.number.accept(value, path, version))

    def write(self, keyword: str, value: Weight) -> t.Iterator[Block]:
        yield Block(keyword, (str(value.weight), "reverse") if value.reverse else (str(value.weight),))

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return {"weight": super().read(lines), "reverse": lines[-1].args[1:2] == ("reverse",)}


class InitFile(Kind):
    """``init_file``: true, or a mapping of ``value`` and ``overwrite``; what the file holds when keepalived starts."""

    spec = {"type": "raw"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[str, ...] | None:
        if isinstance(value, bool):
            return () if value else None
        given = value if isinstance(value, t.Mapping) else {"value": value}
        result: list[str] = []
        if given.get("value") is not None:
            result.append(str(Integer(-254, 254).accept(given["value"], f"{path}.value", version)))
        if given.get("overwrite"):
            result.append("overwrite")
        return tuple(result)

    def write(self, keyword: str, value: tuple[str, ...]) -> t.Iterator[Block]:
        yield Block(keyword, value)

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        given: dict[str, t.Any] = {}
        for word in lines[-1].args:
            given.update({"overwrite": True} if word == "overwrite" else {"value": word})
        return given


@dataclass(frozen=True)
class TrackFile(Model):
    """A file whose number says whether the node is fit."""

    keyword = "track_file"

    name: str = option(Text(), required=True, title=True)
    file: str = option(Text(), required=True, once=True)
    weight: Weight | None = option(WeightKind(254), once=True)
    init_file: tuple[str, ...] | None = option(InitFile())

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        return {"weight": 0}


class OneCommand(Script):
    """A command line; whose it runs as is another option."""

    spec = {"type": "str"}
    once = False

    def accept(self, value: t.Any, path: str, version: Version | None) -> Command:
        if not isinstance(value, str):
            raise InputError(path, f"{shown(value)} is not a command line")
        return super().accept(value, path, version)

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return super().read(lines)["command"]


@dataclass(frozen=True)
class VrrpScript(Model):
    """A command that is run again and again; exit code 0 means fit."""

    keyword = "vrrp_script"

    name: str = option(Text(), required=True, title=True)
    script: Command = option(OneCommand(), required=True)
    interval: float | None = option(Decimal(0.001, SECONDS, fractions_since=Version(2, 3, 2)))
    timeout: float | None = option(Decimal(0.001, SECONDS, fractions_since=Version(2, 3, 2)))
    weight: Weight | None = option(WeightKind(253))
    rise: int | None = option(Integer(1, LARGEST))
    fall: int | None = option(Integer(1, LARGEST))
    user: tuple[str, ...] | None = option(Words(1, 2))
    init_fail: bool | None = option(Flag())


@dataclass(frozen=True)
class TrackProcess(Model):
    """A process that must be there; only in the host's own network namespace."""

    keyword = "vrrp_track_process"

    name: str = option(Text(), required=True, title=True)
    process: tuple[str, ...] = option(Words(), required=True, once=True)
    param_match: str | None = option(Choice("initial", "partial"))
    weight: Weight | None = option(WeightKind(254), once=True)
    quorum: int | None = option(Integer(1, 65535))
    quorum_max: int | None = option(Integer(0, 65535))
    delay: float | None = option(Decimal(0.000001, 3600))
    fork_delay: float | None = option(Decimal(0.000001, 3600))
    terminate_delay: float | None = option(Decimal(0.000001, 3600))
    full_command: bool | None = option(Flag())

    def validate(self, path: str) -> None:
        if self.quorum is not None and self.quorum_max is not None and self.quorum_max < self.quorum:
            raise InputError(path, f"quorum_max {self.quorum_max} is less than quorum {self.quorum}")


@dataclass(frozen=True)
class Tracked(LineModel):
    """A line of ``track_script`` and its relatives: which tracker, and a weight of its own."""

    name: str = option(Text(), required=True)
    weight: int | None = option(Integer(-LARGEST, LARGEST))
    reverse: bool | None = option(Flag())

    def validate(self, path: str) -> None:
        if self.reverse and self.weight is None:
            raise InputError(path, "reverse needs a weight")


class Trackers(LineModels):
    """A list of trackers: names, or mappings of ``name``, ``weight`` and ``reverse``."""

    def __init__(self) -> None:
        super().__init__(Tracked)
