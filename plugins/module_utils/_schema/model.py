# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of what a daemon reads: options in, block out, block in. Private to this collection.

A model is a frozen dataclass whose fields are made with ``option()``. Each is declared once, with its kind and the
first version that knows it, and from that come the Ansible argument spec, the checks, the text and the way back.
"""

from __future__ import annotations

import typing as t
from dataclasses import field, fields, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind, elements

__all__ = ("Model", "Nested", "NestedList", "Option", "argument_spec", "join", "option")

SomeModel = t.TypeVar("SomeModel", bound="Model")


class Option(t.NamedTuple):
    """How a field of a model is written: the keyword (and other names of it), its kind, the version it came with.

    ``default`` is what this collection says where the user says nothing, or an empty text; the argument spec has it.
    ``wire`` marks what the members of a cluster see of each other, so that it changes on all of them together.
    ``after`` are keywords that the daemon must have read before; those of the other order mean something else to it.
    ``once`` marks those of which it takes the first line and complains of the others; else the last line counts.
    """

    kind: Kind
    keywords: tuple[str, ...] = ()
    since: Version | None = None
    required: bool = False
    default: t.Any = None
    title: bool = False
    wire: bool = False
    after: tuple[str, ...] = ()
    once: bool = False


def option(
    kind: Kind,
    *keywords: str,
    since: str = "",
    required: bool = False,
    default: t.Any = None,
    title: bool = False,
    wire: bool = False,
    after: tuple[str, ...] = (),
    once: bool = False,
) -> t.Any:
    """Return a dataclass field for an option; the keyword is the name of the field unless it is given.

    ``title`` marks the words behind the keyword of the whole block, as the name of an instance.
    """
    made = Option(kind, keywords, Version.parse(since) if since else None, required, default, title, wire, after, once)
    return field(default=None, metadata={"option": made})  # pylint: disable=invalid-field-call


def argument_spec(model: type[Model]) -> dict[str, t.Any]:
    """Return the Ansible argument spec of a model's options."""
    spec: dict[str, t.Any] = {}
    for name, item in model.options():
        spec[name] = item.kind.describe()
        if item.required:
            spec[name]["required"] = True
        if item.default is not None:
            spec[name]["default"] = item.default
        if item.kind.secret or any(part in name for part in ("pass", "secret", "key", "token")):
            spec[name]["no_log"] = item.kind.secret
    return spec


class Model:
    """Base of the models. A field that is None was not given, and the daemon's own default holds."""

    daemon: t.ClassVar[str] = ""
    keyword: t.ClassVar[str] = ""

    @classmethod
    def options(cls) -> t.Iterator[tuple[str, Option]]:
        """Yield name and option of every field that is one."""
        for item in fields(t.cast(t.Any, cls)):
            if "option" in item.metadata:
                yield item.name, item.metadata["option"]

    @classmethod
    def since(cls, name: str, item: Option, value: t.Any) -> tuple[Version | None, str]:
        """Return the first version of the daemon that knows an option with this value, None for all, and its name."""
        return item.since, name

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

        ``path`` is their path in the user's input; ``version`` is that of the host's daemon (None: unknown, and
        then nothing is refused for its age). InputError for the first option that is wrong, unknown or too new.
        """
        if not isinstance(options, t.Mapping):
            raise InputError(path, f"{shown(options)} is not a mapping of options")
        given = {name: value for name, value in options.items() if value is not None}
        model = cls(**cls.fields_of(cls.accepted({**cls.defaults(given), **given}, path, version), path, version))
        model.validate(path)
        return model

    @classmethod
    def accepted(cls, given: t.Mapping[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        """Return the values of the options; what is absent is not there, or None."""
        known = _known(cls)
        for name in given:
            if name not in known:
                raise InputError(join(path, name), f"there is no such option of {cls.keyword or cls.__name__}")
        values: dict[str, t.Any] = {}
        for name, item in known.items():
            value = given.get(name)
            if value is None and item.default is None and not item.required:
                continue  # as most of a server's are
            where = join(path, name)
            if value is None or (value == "" and item.default is not None):
                value = item.default
            if value is None:
                if item.required:
                    raise InputError(where, f"it is missing, and {cls.keyword} needs it")
                continue
            value = values[name] = item.kind.accept(value, where, version)
            since, what = cls.since(name, item, value)
            if version and since and version < since and value is not None:
                wanted = f"{shown(what)} needs {cls.daemon} {since} or newer"
                raise InputError(where, f"{wanted}, and this host has {version}; remove it or upgrade")
        return values

    @classmethod
    def fields_of(cls, taken: dict[str, t.Any], path: str, version: Version | None) -> dict[str, t.Any]:
        """Return the fields of the model for the values of its options, where these are not the same."""
        return taken

    def to_block(self) -> Block:
        """Return the block that the daemon reads."""
        title: list[str] = []
        children: list[Block] = []
        for name, item in _known(type(self)).items():
            value = getattr(self, name)
            if value is None:
                continue
            lines = item.kind.write(item.keywords[0] if item.keywords else name, value)
            if item.title:
                title.extend(word for line in lines for word in line.args)
            else:
                children.extend(lines)
        return Block(self.keyword, tuple(title), tuple(children))

    @classmethod
    def from_block(cls: type[SomeModel], block: Block) -> SomeModel:
        """Return the model of a block; ConfigError where the block holds what the model cannot express."""
        raise NotImplementedError


def _known(model: type[Model]) -> t.Mapping[str, Option]:
    """Return the options of a model; a balancer has thousands of models, and a server some 150 options."""
    if model not in _KNOWN:
        _KNOWN[model] = dict(model.options())
    return _KNOWN[model]


_KNOWN: dict[type[Model], t.Mapping[str, Option]] = {}


def join(path: str, name: str) -> str:
    """Return the path of an option inside the path of what holds it."""
    return f"{path}.{name}" if path else name


class Nested(Kind):
    """A block inside the block; what several of the same keyword say is added up."""

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

    repeats = True

    def describe(self) -> dict[str, t.Any]:
        return {"type": "list", "elements": "dict", "options": argument_spec(self.model)}

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        take = super().accept
        return (
            tuple(take(element, f"{path}[{index}]", version) for index, element in enumerate(elements(value, path)))
            or None
        )

    def write(self, keyword: str, value: t.Any) -> t.Iterator[Block]:
        for item in value:
            yield item.to_block()

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return [self.model.from_block(line) for line in lines]
