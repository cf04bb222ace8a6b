# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sites of a backend serve: where it comes from, and where it goes. Private to this collection.

A site says it in ``content``, and the short form in ``backend_content``. It fills the root of its site.
"""

from __future__ import annotations

import os
import re
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_pages import SITES, configured, pages
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import specs
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import meant, wrong_option

__all__ = ("FORMS", "SHORT", "accept_content", "contents")

Variables = Mapping[str, t.Any]
Tree = t.Dict[str, t.Any]

SHORT = "backend_content"
FORMS = ("folder", "archive", "template")
"""What the content can come from; a site says one of them."""

_OF_AN_ARCHIVE = ("remote_src", "strip_components")
_MODE = re.compile(r"0[0-7]{3}")
_MOST_STRIPPED = 100


def contents(variables: Variables) -> list[Tree]:
    """Return the trees that the host has to have, as the section ``content`` of ``host_state`` takes them.

    Two sites with one root and the same content are one tree.
    """
    found: dict[str, Tree] = {}
    for place, path, content in _contents(variables):
        known = {name: value for name, value in content.items() if value is not None}
        found.setdefault(path, {"path": path, "where": place, **meant(known, specs()[SHORT])})
    return list(found.values())


def accept_content(variables: Variables, folder: str, controller: Controller) -> None:
    """Raise InputError for the first content that cannot be brought; ``folder`` is that of the inventory."""
    roots: dict[str, Mapping[str, t.Any]] = {}
    for place, path, content in _contents(variables):
        _accept(place, content, folder, controller)
        index = place.partition("[")[2].partition("]")[0]
        where = f"{SITES}[{index}].root" if index else "backend_root"
        if not path.startswith("/") or os.path.normpath(path) != path or path.count("/") < 2:
            message = f"{values.shown(path)} cannot be replaced as a whole: use a folder of its own, as /srv/shop"
            raise InputError(where, message)
        if index and variables[SITES][int(index)].get("page"):
            raise InputError(place, "the site has a page as well, which is all of its content: say one of them")
        if roots.get(path, content) != content:
            raise InputError(where, f"{path} has other content by a site before: give each a root of its own")
        for other in roots:
            if other != path and _is_below(path, other) | _is_below(other, path):
                raise InputError(where, f"{path} and {other} lie in each other, and each is replaced as a whole")
        roots[path] = content
    for where, path in _beside(variables):
        for root in roots:
            if path == root or _is_below(path, root):
                raise InputError(where, f"{path} lies in {root}, which is replaced as a whole: add it to its content")


def _contents(variables: Variables) -> Iterator[tuple[str, str, Mapping[str, t.Any]]]:
    """Yield the path of each content, the folder that it fills, and its options; InputError where it is no mapping."""
    for index, site in enumerate(configured(variables)):
        place = f"{SITES}[{index}].content" if variables[SITES] else SHORT
        if site.get("content"):
            yield place, str(site.get("root") or variables["backend_root"]), values.mapping(site["content"], place)


def _beside(variables: Variables) -> Iterator[tuple[str, str]]:
    """Yield where the inventory names a path on the host that is no content, and the path."""
    for name in ("backend_files", "backend_folders"):
        for index, one in values.mappings(variables[name]):
            yield f"{name}[{index}].path", os.path.normpath(str(one.get("path")))
    for path in pages(variables, ""):
        yield SITES, path


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def _accept(place: str, content: Mapping[str, t.Any], folder: str, controller: Controller) -> None:
    error = wrong_option(content, specs()[SHORT], place)
    if error:
        raise error
    forms = [form for form in FORMS if content.get(form)]
    if len(forms) != 1:
        had = " and ".join(forms) or "none of them"
        raise InputError(place, f"comes from one of {', '.join(FORMS)}, and this has {had}")
    [form] = forms
    for name in _OF_AN_ARCHIVE:
        if content.get(name) and form != "archive":
            raise InputError(f"{place}.{name}", f"is for an archive, and this is a {form}: leave it out")
    values.integer(content.get("strip_components") or 0, f"{place}.strip_components", 0, _MOST_STRIPPED)
    for name in ("mode", "folder_mode"):
        if content.get(name) is not None and not _MODE.fullmatch(str(content[name])):
            message = f'{values.shown(content[name])} is no permission: write it in quotes, as "0644"'
            raise InputError(f"{place}.{name}", message)
    source = str(content[form])
    if values.boolean(content.get("remote_src") or False, f"{place}.remote_src"):
        if not source.startswith("/"):
            raise InputError(f"{place}.{form}", f"{values.shown(source)} is no whole path of an archive on the host")
        return
    try:
        controller.find(source, folder, form != "archive")
    except OSError as error:
        raise InputError(f"{place}.{form}", str(error)) from None
