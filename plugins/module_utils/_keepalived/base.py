# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every keepalived model has in common: options in, block out, block in. Private to this collection.

A model is a frozen dataclass whose fields are made with ``option()``. Each is declared once, with its kind and the
first version that knows it, and from that come the Ansible argument spec, the checks, the text and the way back.
"""

from __future__ import annotations

import typing as t
from dataclasses import field, fields, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import Kind, beyond_options
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import keywords

__all__ = ("Model", "Nested", "NestedList", "Option", "argument_spec", "option", "option_of", "wire_fields")

SomeModel = t.TypeVar("SomeModel", bound="Model")


class Option(t.NamedTuple):
    """How a field of a model is written: the keyword (and other names of it), its kind, the version it came with.

    ``wire`` marks what the members of a cluster see of each other, so that it changes on all of them together.
    ``after`` are keywords that keepalived must have read before; those of the other order mean something else to it.
    ``once`` marks those of which it takes the first line and complains of the others; else the last line counts.
    """

    kind: Kind
    keywords: tuple[str, ...] = ()
    since: Version | None = None
    required: bool = False
    title: bool = False
    wire: bool = False
    after: tuple[str, ...] = ()
    once: bool = False


def option(
    kind: Kind,
    *keywords: str,
    since: str = "",
    required: bool = False,
    title: bool = False,
    wire: bool = False,
    after: tuple[str, ...] = (),
    once: bool = False,
) -> t.Any:
    """Return a dataclass field for an option; the keyword is the name of the field unless it is given.

    ``title`` marks the words behind the keyword of the whole block, as the name of an instance.
    """
    made = Option(kind, keywords, Version.parse(since) if since else None, required, title, wire, after, once)
    return field(default=None, metadata={"option": made})  # pylint: disable=invalid-field-call


def _options(model: type[Model]) -> t.Iterator[tuple[str, Option]]:
    for one in fields(t.cast(t.Any, model)):
        yield one.name, one.metadata["option"]


def argument_spec(model: type[Model]) -> dict[str, t.Any]:
    """Return the Ansible argument spec of a model's options."""
    spec: dict[str, t.Any] = {}
    for name, one in _options(model):
        spec[name] = one.kind.describe()
        if one.required:
            spec[name]["required"] = True
        if any(part in name for part in ("pass", "secret", "key", "token")):
            spec[name].setdefault("no_log", False)
    return spec


def wire_fields(model: type[Model]) -> list[str]:
    """Return the names of the options that are seen on the wire."""
    return [name for name, one in _options(model) if one.wire]


def option_of(model: type[Model], keyword: str) -> Kind | None:
    """Return the kind of value that a keyword of a model takes, None where the model has no such keyword."""
    for name, one in _options(model):
        if keyword in (one.keywords or (name,)) and not one.title:
            return one.kind
    return None


class Model:
    """Base of the models. A field that is None was not said, and keepalived's own default holds."""

    keyword: t.ClassVar[str] = ""
    # The name of its table in grammar.py, where it is another than the keyword.
    table: t.ClassVar[str] = ""

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        """Return what this collection says where the user says nothing; never used for a block that was read."""
        return {}

    def validate(self, path: str) -> None:
        """Raise an InputError where options exclude each other."""

    @classmethod
    def from_options(
        cls: type[SomeModel],
        options: t.Mapping[str, t.Any],
        path: str = "",
        version: Version | None = None,
    ) -> SomeModel:
        """Return the model that the options describe.

        ``path`` is where they stand in the user's input; ``version`` is that of the host's keepalived (None: unknown,
        and then nothing is refused for its age). InputError for the first option that is wrong, unknown or too new.
        """
        if not isinstance(options, t.Mapping):
            raise InputError(path, f"{shown(options)} is not a mapping of options")
        given = {name: value for name, value in options.items() if value is not None}
        return cls._build({**cls.defaults(given), **given}, path, version)

    @classmethod
    def _build(cls: type[SomeModel], given: t.Mapping[str, t.Any], path: str, version: Version | None) -> SomeModel:
        known = dict(_options(cls))
        for name in given:
            if name not in known:
                raise InputError(join(path, name), f"there is no such option of {cls.keyword or cls.__name__}")
        values: dict[str, t.Any] = {}
        for name, one in known.items():
            where = join(path, name)
            if given.get(name) is None:
                if one.required:
                    raise InputError(where, f"it is missing, and {cls.keyword} needs it")
                continue
            values[name] = one.kind.accept(given[name], where, version)
            since = one.since or cls._since(one.keywords[0] if one.keywords else name)
            if version and since and version < since and values[name] is not None:
                raise InputError(where, f"it needs keepalived {since}, and this host has {version}")
        model = cls(**values)
        model.validate(path)
        return model

    @classmethod
    def _since(cls, keyword: str) -> Version | None:
        known = keywords(cls.table or cls.keyword).get(keyword)
        return known.since if known else None

    def to_block(self) -> Block:
        """Return the block that keepalived reads."""
        title: list[str] = []
        children: list[Block] = []
        for name, one in _options(type(self)):
            value = getattr(self, name)
            if value is None:
                continue
            lines = one.kind.write(one.keywords[0] if one.keywords else name, value)
            if one.title:
                title.extend(word for line in lines for word in line.args)
            else:
                children.extend(lines)
        return Block(self.keyword, tuple(title), tuple(children))

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
        last = {line.name: at for at, line in enumerate(lines)}
        for name, one in _options(cls):
            found = [] if one.title else [(at, x) for at, x in enumerate(lines) if x.name in (one.keywords or (name,))]
            for earlier in one.after if found else ():
                at, first = found[0]
                if last.get(earlier, -1) > at:
                    message = f"{first.name} stands before {earlier}, and means something else there: move it behind"
                    yield ConfigError(first.position, message)
            if len(found) > 1 and (one.once or one.kind.once):
                _at, second = found[1]
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
        for at, line in enumerate(written):
            if line.raw is None:
                lines.setdefault(line.name, []).append((at, line))
        values: dict[str, t.Any] = {}
        for name, one in _options(cls):
            placed = [] if one.title else [x for key in one.keywords or (name,) for x in lines.pop(key, ())]
            placed.sort(key=lambda place: place[0])
            found = [block] if one.title else [line for _at, line in placed]
            if not found:
                continue
            try:
                given = one.kind.read(found)
                values[name] = None if given is None else one.kind.accept(given, name, None)
            except (ValueError, InputError) as error:
                faults.append(ConfigError(found[-1].position, f"{cls.keyword}: {error}"))
            except ConfigError as error:
                faults.append(error)
        for (_at, left), *_others in lines.values():
            faults.append(ConfigError(left.position, f"{shown(left.name)} in {cls.keyword} is no option here"))
        for name, one in _options(cls):
            if one.required and values.get(name) is None:
                faults.append(ConfigError(block.position, f"{cls.keyword}: {name} is missing"))
                return None
        model = cls(**values)
        try:
            model.validate("")
        except InputError as error:
            faults.append(ConfigError(block.position, f"{cls.keyword} {error}"))
        return model


def join(path: str, name: str) -> str:
    """Return the path of an option inside the path of what holds it."""
    return f"{path}.{name}" if path else name


class Nested(Kind):
    """A block inside the block; keepalived adds up what several of the same keyword say."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def describe(self) -> dict[str, t.Any]:
        return {"type": "dict", "options": argument_spec(self.model)}

    def accept(self, value: t.Any, path: str, version: Version | None) -> Model:
        return value if isinstance(value, Model) else self.model.from_options(value, path, version)

    def write(self, keyword: str, value: Model) -> t.Iterator[Block]:
        yield value.to_block()

    def read(self, lines: t.Sequence[Block]) -> Model:
        inside = tuple(line for block in lines for line in block.children or ())
        return self.model.from_block(replace(lines[-1], children=inside))


class NestedList(Nested):
    """Any number of blocks of the same keyword."""

    def describe(self) -> dict[str, t.Any]:
        return {"type": "list", "elements": "dict", "options": argument_spec(self.model)}

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        if isinstance(value, str) or not isinstance(value, t.Sequence):
            raise InputError(path, f"{shown(value)} is not a list")
        return (
            tuple(super(NestedList, self).accept(one, f"{path}[{at}]", version) for at, one in enumerate(value)) or None
        )

    def write(self, keyword: str, value: t.Any) -> t.Iterator[Block]:
        for one in value:
            yield one.to_block()

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return [self.model.from_block(line) for line in lines]
