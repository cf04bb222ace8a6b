# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the packages of a family of systems have Apache httpd, and what they call it. Private to this collection.

Only the host knows its family. What is written for any host has NAME and TLS_PACKAGE, which the host fills in.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import RED_HAT, of_this_host

__all__ = (
    "DEBIAN_LAYOUT",
    "LAYOUTS",
    "NAME",
    "RED_HAT_LAYOUT",
    "TLS_PACKAGE",
    "Layout",
    "filled",
    "layout_of_this_host",
)

NAME = "@HTTPD@"
"""Stands for the name of the package, of its program, its unit and its folders."""
TLS_PACKAGE = "@HTTPD_TLS@"
"""Stands for the package with the module ssl; for nothing where httpd's own has it."""


class Layout(t.NamedTuple):
    """What a package has where. Files and folders without a slash in front are below ``root``.

    ``main`` are the files that are read first, ``folders`` those whose files follow, in this order. ``loads`` is the
    one in which modules are loaded, ``own`` our file of modules and listeners, ``sites`` how a file of a site begins.
    ``test`` and ``test_copy`` are httpd's own test, of the live tree and of one elsewhere (``{copy}``).
    """

    name: str
    main: tuple[str, ...]
    folders: tuple[str, ...]
    loads: str
    own: str
    sites: str
    modules: str
    group: str
    pid_file: str
    error_log: str
    access_log: str
    test: tuple[str, ...]
    test_copy: tuple[str, ...]
    tls_package: str = ""

    @property
    def root(self) -> str:
        return f"/etc/{self.name}"

    @property
    def unit(self) -> str:
        return f"{self.name}.service"

    @property
    def main_file(self) -> str:
        return os.path.join(self.root, self.main[0])


DEBIAN_LAYOUT = Layout(
    name="apache2",
    main=("apache2.conf", "ports.conf"),
    folders=("mods-enabled", "conf-enabled", "sites-enabled"),
    loads="mods-enabled",
    own="conf-enabled/holdfast.conf",
    sites="sites-enabled/00-holdfast-",
    modules="/usr/lib/apache2/modules",
    group="www-data",
    pid_file="/run/apache2/apache2.pid",
    error_log="/var/log/apache2/error.log",
    access_log="/var/log/apache2/access.log",
    test=("apachectl", "-t"),
    test_copy=("env", "APACHE_CONFDIR={copy}", "apachectl", "-t"),
)

RED_HAT_LAYOUT = Layout(
    name="httpd",
    main=("conf/httpd.conf",),
    folders=("conf.modules.d", "conf.d"),
    loads="conf.modules.d",
    own="conf.modules.d/holdfast.conf",
    sites="conf.d/00-holdfast-",
    modules="modules",
    group="apache",
    pid_file="/run/httpd/httpd.pid",
    error_log="/var/log/httpd/error_log",
    access_log="/var/log/httpd/access_log",
    # apachectl takes no options of httpd there any more.
    test=("httpd", "-t"),
    test_copy=("httpd", "-t", "-d", "{copy}", "-f", "{copy}/conf/httpd.conf"),
    tls_package="mod_ssl",
)
"""Folders, group and program are those of https://github.com/rpm-devel/httpd: httpd.spec at
1d6f4e42164dc1a9ff85836c6a48fa0ed060ba30, httpd.service at db52ed907cc5402db8822309b0719f68136758fa. The file of its
process and the names of its logs are to be seen on a real host.
"""

LAYOUTS = (DEBIAN_LAYOUT, RED_HAT_LAYOUT)


def layout_of_this_host() -> Layout:
    """Return the layout of the family of this host."""
    return RED_HAT_LAYOUT if of_this_host().family == RED_HAT else DEBIAN_LAYOUT


def filled(text: str) -> str:
    """Return a text with what Apache httpd and its package for TLS are called on this host."""
    if NAME not in text and TLS_PACKAGE not in text:
        return text
    layout = layout_of_this_host()
    return text.replace(NAME, layout.name).replace(TLS_PACKAGE, layout.tls_package)
