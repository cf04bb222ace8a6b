# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every nginx model has in common. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import first
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Option

__all__ = ("Model",)


class Model(model.Model):
    """Base of the models. A field that is None was not said, and nginx's own default holds."""

    daemon = "nginx"
    # The name of its table in version.py, where it has one.
    table: t.ClassVar[str] = ""

    @classmethod
    def since(cls, name: str, one: Option, value: t.Any) -> tuple[Version | None, str]:
        return first(cls.table or cls.keyword, name, value)
