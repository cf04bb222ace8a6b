# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of Apache httpd that this collection owns on a host. Private to this collection.

One file loads the modules that the package did not switch on, and says where to listen; each of the others is a virtual
host. They sort before those of the package, as the first virtual host of a port answers for all names that no other one
has. Where they lie, the layout says.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import DEBIAN_LAYOUT, Layout
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.listen import Listener
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.site import VirtualHost, virtual_host
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.text import line
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import site_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import SiteFile
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import elements

__all__ = ("HTTPD_OPTIONS", "RAW", "HttpdConfig")

RAW = "httpd_directives"
"""The option of a site that nginx has not: lines of httpd."""

HTTPD_OPTIONS: dict[str, dict[str, t.Any]] = {
    "servers": {
        "type": "list",
        "elements": "dict",
        "options": {
            **NGINX_OPTIONS["servers"]["options"],
            RAW: {"type": "list", "elements": "str"},
        },
    }
}

OWNED = "# This file is owned by holdfast.nginx_ha. What is changed here by hand is lost at the next run.\n"


class Site(t.NamedTuple):
    """A virtual host with the name of its site and the path of its input."""

    name: str
    path: str
    host: VirtualHost


@dataclass(frozen=True)
class HttpdConfig:
    """The virtual hosts in the order in which httpd shall read them, and the files that their sites bring along."""

    sites: tuple[Site, ...] = ()
    beside: t.Mapping[str, SiteFile] = field(default_factory=dict)
    layout: Layout = DEBIAN_LAYOUT

    @classmethod
    def from_options(
        cls, options: t.Mapping[str, t.Any], layout: Layout = DEBIAN_LAYOUT, folder: str = ""
    ) -> HttpdConfig:
        """Return what HTTPD_OPTIONS describe; InputError for what cannot be right or has no equal in httpd.

        ``folder`` is that of httpd, in which the files lie; without one it is that of the layout.
        """
        sites = elements(options.get("servers") or (), "servers")
        plain = [{name: value for name, value in site.items() if name != RAW} for site in sites]
        config = NginxConfig.from_options({"servers": plain}, folder=folder or layout.root)
        blocks = [block for context in config.to_blocks() for block in context.children or ()]
        hosts = []
        for index, (site, model, block) in enumerate(zip(sites, config.models["servers"], blocks)):
            place = f"servers[{index}].{RAW}"
            raw = [_raw(text, f"{place}[{at}]") for at, text in enumerate(elements(site.get(RAW) or (), place))]
            hosts.append(Site(model.name, f"servers[{index}]", virtual_host(block, layout.access_log, raw)))
        return cls(tuple(sorted(hosts, key=lambda one: not one.host.is_default)), site_files(config), layout)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where the sites listen, each once; one address goes where all addresses are listened to."""
        every = list(dict.fromkeys(listener for site in self.sites for listener in site.host.listeners))
        return tuple(one for one in every if not any(other.covers(one) for other in every if other != one))

    def files(self, others: t.Sequence[Listener] = ()) -> dict[str, str]:
        """Return the text of each file, by its name below the folder of httpd.

        ``others`` are the listeners of other files, which are not repeated. HoldfastError where one of them leaves no
        room for one of ours.
        """
        if not self.sites:
            return {}
        modules = dict.fromkeys(name for site in self.sites for name in site.host.modules)
        lines = [each for name in modules for each in _loaded(name, self.layout.modules)]
        for listener in self.listeners:
            if any(other.covers(listener) for other in others):
                continue
            hinders = next((other for other in others if other.collides(listener)), None)
            if hinders:
                raise HoldfastError(
                    f"{hinders.where} lets Apache httpd listen on {hinders.host}:{hinders.port}, and beside that it "
                    f"cannot on port {listener.port} of all addresses: remove that line, or say the address in listen"
                )
            lines.append(line("Listen", f"{listener.host}:{listener.port}" if listener.host else str(listener.port)))
        found = {self.layout.own: OWNED + "".join(f"{each}\n" for each in lines)}
        found.update({self._file(number): OWNED + site.host.text for number, site in enumerate(self.sites)})
        return found

    def places(self) -> dict[str, str]:
        """Return which input each of the files of virtual hosts comes from."""
        return {self._file(number): site.path for number, site in enumerate(self.sites)}

    def _file(self, number: int) -> str:
        return f"{self.layout.sites}{number:03}-{self.sites[number].name}.conf"


def _raw(text: str, path: str) -> str:
    if any(sign in text for sign in "\r\n\0"):
        raise InputError(path, "is more than one line: write each as an element of the list")
    return text


def _loaded(module: str, folder: str) -> t.Iterator[str]:
    """Yield the lines that load a module where nobody has done so."""
    yield f"<IfModule !{module}_module>"
    yield f"    LoadModule {module}_module {folder}/mod_{module}.so"
    yield "</IfModule>"
