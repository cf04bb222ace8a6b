# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible argument specs of everything that can be said of nginx. Private to this collection.

They are made from the models, where each option is declared once. ``X_OPTIONS`` is for a module that has one X at its
top level; in NGINX_OPTIONS, which is all that the collection owns on a host, they are suboptions of lists.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import KINDS, NGINX_CONF
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import MODELS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import HTTP_ONLY, Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import argument_spec

__all__ = ("NGINX_OPTIONS", "UPSTREAM_OPTIONS")

UPSTREAM_OPTIONS = argument_spec(Upstream)


def _suboptions(model: t.Any, context: str) -> dict[str, t.Any]:
    left_out = ("context", *(HTTP_ONLY if context == "stream" else ())) if model is Upstream else ()
    return {name: spec for name, spec in argument_spec(model).items() if name not in left_out}


NGINX_OPTIONS: dict[str, dict[str, t.Any]] = {
    "nginx_conf": {"type": "str", "choices": list(NGINX_CONF)},
    **{name: {"type": "dict", "options": argument_spec(model)} for name, model in MODELS.items()},
    **{
        one.option: {"type": "list", "elements": "dict", "options": _suboptions(one.model, one.context)}
        for one in KINDS
    },
}
