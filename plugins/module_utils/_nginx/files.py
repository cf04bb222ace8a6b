# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a configuration becomes. Private to this collection.

``files(config)`` returns relative file name -> text, to lie in the folder of nginx.conf (mostly /etc/nginx):

* ``conf.d/holdfast-NN-KIND-NAME.conf`` for what belongs to http,
* ``holdfast-stream.d/holdfast-NN-KIND-NAME.conf`` for what belongs to stream,
* ``holdfast-users.d/SITE`` and ``holdfast-pages.d/SITE/`` for what a site brings along.

NN puts definitions before what uses them where nginx includes ``*.conf``. Among servers, the name decides which one
comes first, so say ``default_server`` in ``listen`` where it matters. ``config`` is a model.config.NginxConfig.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import Kind, NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import SiteFile

__all__ = ("FOLDERS", "beginning", "file_name", "files", "site_files")

FOLDERS: t.Mapping[str, str] = {"http": "conf.d", "stream": "holdfast-stream.d"}

OWNED = "This file is owned by holdfast.nginx_ha. What is changed here by hand is lost at the next run."


def files(config: NginxConfig) -> dict[str, str]:
    """Return the text of every file, in the order in which nginx reads them."""
    return {
        file_name(kind, model.name): render([comment(OWNED), config.block(model)])
        for kind, _path, model in config.elements()
    }


def site_files(config: NginxConfig) -> dict[str, SiteFile]:
    """Return what sites bring along, by the same names."""
    models = (model for _kind, _path, model in config.elements())
    return {file.name: file for model in models if isinstance(model, Server) for file in model.files}


def file_name(kind: Kind, name: str) -> str:
    """Return the name, relative to the folder of nginx.conf, of the file of one model."""
    return f"{beginning(kind)}{name}.conf"


def beginning(kind: Kind) -> str:
    """Return what the names of all files of a kind begin with."""
    return f"{FOLDERS[kind.context]}/holdfast-{kind.order}-{kind.title}-"
