# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every nginx model has in common. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import first
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Option

__all__ = ("Model",)


class Model(model.Model):
    """Base of the models. A field that is None was not given, and nginx's own default holds."""

    daemon = "nginx"
    # The name of its table in version.py, where it is another than the keyword.
    table: t.ClassVar[str] = ""
    # The options that are no field: several make one, or one of nginx's words can be read back and not be said.
    inputs: t.ClassVar[t.Mapping[str, Option]] = {}
    # The plain directives, which make up the field ``settings``.
    plain: t.ClassVar[t.Mapping[str, Kind]] = {}

    @classmethod
    def options(cls) -> t.Iterator[tuple[str, Option]]:
        yield from super().options()
        yield from cls.inputs.items()
        for name, kind in cls.plain.items():
            yield name, Option(kind)

    @classmethod
    def taken_settings(cls, taken: dict[str, t.Any]) -> dict[str, t.Any]:
        """Take the values of the plain directives out of those of all options, and return them."""
        found = {name: taken.pop(name) for name in cls.plain if name in taken}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def since(cls, name: str, item: Option, value: t.Any) -> tuple[Version | None, str]:
        return first(cls.table or cls.keyword, name, value)
