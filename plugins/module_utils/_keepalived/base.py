# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every keepalived model has in common: its grammar, and how a block is read. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import beyond_options
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import keywords
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Option

__all__ = ("Model", "option_of", "wire_fields")

SomeModel = t.TypeVar("SomeModel", bound="Model")


class Model(model.Model):
    """Base of the models. A field that is None was not given, and keepalived's own default holds."""

    daemon = "keepalived"
    # The name of its table in grammar.py, where it is another than the keyword.
    table: t.ClassVar[str] = ""

    @classmethod
    def since(cls, name: str, item: Option, value: t.Any) -> tuple[Version | None, str]:
        known = keywords(cls.table or cls.keyword).get(item.keywords[0] if item.keywords else name)
        return item.since or (known.since if known else None), name

    @classmethod
    def from_block(cls: type[SomeModel], block: Block) -> SomeModel:
        """Return the model of a block; ConfigError where the block holds what the model cannot express."""
        faults = list(cls._otherwise(block))
        model = cls.read(block, faults)
        if faults or model is None:
            raise faults[0]
        return model

    @classmethod
    def _otherwise(cls, block: Block) -> t.Iterator[ConfigError]:
        """Yield what the model would say in another order, or only once, and keepalived would read otherwise."""
        lines = block.children or ()
        last = {line.name: index for index, line in enumerate(lines)}
        for name, option in cls.options():
            result = (
                []
                if option.title
                else [(index, x) for index, x in enumerate(lines) if x.name in (option.keywords or (name,))]
            )
            for earlier in option.after if result else ():
                index, first = result[0]
                if last.get(earlier, -1) > index:
                    message = f"{first.name} comes before {earlier}, and means something else there: move it behind"
                    yield ConfigError(first.position, message)
            if len(result) > 1 and (option.once or option.kind.once):
                _at, second = result[1]
                message = f"{second.name} is said twice, and keepalived takes the first: leave one of them out"
                yield ConfigError(second.position, message)

    @classmethod
    def read(cls: type[SomeModel], block: Block, faults: list[ConfigError]) -> SomeModel | None:
        """Return what can be read of a block that somebody wrote, None for nothing; ``faults`` gets what cannot."""
        written = [line for line in block.children or () if not line.is_comment]
        faults += [beyond_options(line) for line in (block, *written) if line.raw is not None]
        for line in written:
            known = keywords(cls.table or cls.keyword).get(line.name)
            if known is not None and known.has_body != (line.children is not None):
                message = f"the block of {line.name} is missing" if known.has_body else f"{line.name} has no block"
                faults.append(ConfigError(line.position, message))
        # The lines of each keyword, with their places: of two names of an option the later line counts.
        lines: dict[str, list[tuple[int, Block]]] = {}
        for index, line in enumerate(written):
            if line.raw is None:
                lines.setdefault(line.name, []).append((index, line))
        values: dict[str, t.Any] = {}
        for name, option in cls.options():
            placed = [] if option.title else [x for key in option.keywords or (name,) for x in lines.pop(key, ())]
            placed.sort(key=lambda place: place[0])
            result = [block] if option.title else [line for _at, line in placed]
            if not result:
                continue
            try:
                given = option.kind.read(result)
                values[name] = None if given is None else option.kind.accept(given, name, None)
            except (ValueError, InputError) as error:
                faults.append(ConfigError(result[-1].position, f"{cls.keyword}: {error}"))
            except ConfigError as error:
                faults.append(error)
        for (_at, left), *_others in lines.values():
            faults.append(ConfigError(left.position, f"{shown(left.name)} in {cls.keyword} is no option here"))
        for name, option in cls.options():
            if option.required and values.get(name) is None:
                faults.append(ConfigError(block.position, f"{cls.keyword}: {name} is missing"))
                return None
        model = cls(**values)
        try:
            model.validate("")
        except InputError as error:
            faults.append(ConfigError(block.position, f"{cls.keyword} {error}"))
        return model


def wire_fields(model: type[Model]) -> list[str]:
    """Return the names of the options that are seen on the wire."""
    return [name for name, option in model.options() if option.wire]


def option_of(model: type[Model], keyword: str) -> Kind | None:
    """Return the kind of value that a keyword of a model takes, None where the model has no such keyword."""
    for name, option in model.options():
        if keyword in (option.keywords or (name,)) and not option.title:
            return option.kind
    return None
