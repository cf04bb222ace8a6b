# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx would serve, judged as a whole before a host is asked. Private to this collection.

Each option by itself is judged in rules_options; here is what several of them say together.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import undefined
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import MAIN_FILE, SERVICE
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed

__all__ = ("Judged", "in_inventory", "judged")

_VARIABLES = {option: variable for variable, option in SERVICE.items()}
_OF_MAIN_FILE = {option: variable for variable, option in MAIN_FILE.items()}
_IN_MAIN_FILE = re.compile(rf"^({'|'.join(_OF_MAIN_FILE)})(?=\.\w+$)")
_OPTION = re.compile(rf"(?:(?<![\w.])|\bnginx\.)({'|'.join(_VARIABLES)})(?=\[\d)")

# What a file of somebody else on the host may define.
_OF_THE_HOST = ("undefined-name",)
# Of a name that is on no host yet a model has said the same.
_TOLD_BY_MODELS = ("upstream-without-servers", "only-backup-servers", "backup-without-effect")


class Judged(t.NamedTuple):
    """What cannot be, and the names that the inventory does not define: kind, name, and the path of who uses it."""

    errors: tuple[InputError, ...]
    undefined: tuple[tuple[str, str, str], ...]


def judged(served: Mapping[str, t.Any]) -> Judged:
    """Return what is to be said of options of ``nginx_config``; of those that cannot be together, this alone.

    Thousands of hosts serve the same, and it takes milliseconds to judge.
    """
    options = {option: value for option, value in served.items() if option in NGINX_OPTIONS}
    return _judged(json.dumps(options, sort_keys=True))


@functools.lru_cache(maxsize=256)
def _judged(text: str) -> Judged:
    options = json.loads(text)
    try:
        spec = {option: NGINX_OPTIONS[option] for option in options}
        blocks = NginxConfig.from_options(typed(options, spec, "nginx")).to_blocks()
    except InputError as error:
        return Judged((InputError(in_inventory(error.path), in_inventory(error.message)),), ())
    found = [
        InputError(in_inventory(one.where), f"{in_inventory(one.message)} [{one.rule}]")
        for one in errors(check(blocks))
        if one.rule not in (*_OF_THE_HOST, *_TOLD_BY_MODELS)
    ]
    names = [
        (one.kind, one.name, in_inventory(where(one.block)))
        for block in blocks
        for one in undefined(block.children or ())
    ]
    return Judged(tuple(found), tuple(dict.fromkeys(names)))


def in_inventory(text: str) -> str:
    """Return the text with the options of the module that it names as variables of the inventory."""
    text = _IN_MAIN_FILE.sub(lambda match: _OF_MAIN_FILE[match[1]], text)
    return _OPTION.sub(lambda match: _VARIABLES[match[1]], text)
