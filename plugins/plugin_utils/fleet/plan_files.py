# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a host as files: those that it would have, and what is said of the rest. Private to this collection.

What only the host knows stands as a placeholder with a name, and no secret is in any of it.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import re
import typing as t
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import StandIn, hide, mask, sounds_secret
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.service_ports import PORTS_FILE, by_protocol
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.state import SECTIONS, WATCHER, checked
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.config import HttpdConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import DEBIAN_LAYOUT, NAME
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import files as keepalived_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import secrets as keepalived_secrets
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import FOLDER, homes
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import CONFIG_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import main_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import secrets as nginx_secrets
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import unreadable
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Instance, Plan

__all__ = ("SUMMARY", "digest", "plan_files")

Document = t.Dict[str, t.Any]
Files = t.Dict[str, str]

SUMMARY = "host.json"
"""What the host is, in the folder of each."""

ON_HOST = "files"
"""The folder with what lies on the host, by its path there."""

NGINX, HTTPD, KEEPALIVED = "/etc/nginx", DEBIAN_LAYOUT.root, "/etc/keepalived"

# A header that Apache httpd sets: what comes before its value, its name, and its value.
_HEADER = re.compile(r'^(\s*(?:Request)?Header (?:always )?\w+ "?([\w-]+)"? )(.+)$', re.MULTILINE)

INTERFACE = "INTERFACE_IN_"
PLACEHOLDERS = {
    INTERFACE: "the interface of the host that has an address in this subnet",
    "@EXEC_START@": "the command line that the unit has from its package",
    "vrrp_rt_priority": "the highest ordinary priority instead where root may not raise limits, as in most containers",
    "keepalive": "in an upstream: on the host it follows from the workers of nginx, where nobody says it",
    NAME: "what Apache httpd is called there: apache2, or httpd in Red Hat's family, which has other folders, too",
    f"{NGINX}/nginx.conf": "beside these settings, what the file of the host had before and they do not say",
}


def digest(salt: str) -> StandIn:
    """Return what stands for a secret: it differs where the secret does, and tells it to nobody without the salt.

    Without a salt it is the same for every secret, since a short one could be guessed from a digest.
    """

    def stand_in(secret: str) -> str:
        return f"secret-{hmac.new(salt.encode(), secret.encode(), hashlib.sha256).hexdigest()[:16]}"

    return stand_in if salt else mask


def plan_files(plan: Plan, host: str, stand_in: StandIn) -> Files:
    """Return the text of each file by its path below the folder of the host; raises HoldfastError."""
    roles = documents(plan, [host])[host]
    found: Files = {SUMMARY: _json(_summary(plan, host, roles))}
    for role, purposes in roles.items():
        # As it comes to a host. Ansible writes into what it validates, so no two elements may share a list.
        state = json.loads(json.dumps(purposes["state"]))
        given = {
            name: checked(name, section.options(), state[name]) for name, section in SECTIONS.items() if name in state
        }
        texts, rest = _rendered(plan, host, given, stand_in)
        found.update({f"{ON_HOST}{path}": text for path, text in texts.items()})
        found.update({f"{role}/{section}.json": _json(document, sort=True) for section, document in rest.items()})
    return dict(sorted(found.items()))


def _summary(plan: Plan, host: str, roles: Mapping[str, Document]) -> Document:
    preflights = [purposes["preflight"] for purposes in roles.values()]
    packages = [name for one in preflights for name in one.get("packages", ())]
    modules = [name for one in preflights for name in one.get("nginx_modules", ())]
    needed = {"packages": list(dict.fromkeys(packages)), "nginx_modules": modules, "placeholders": PLACEHOLDERS}
    if host not in plan.members:
        backend = plan.backend(host)
        names = ("address", "balancer_names", "loopback_addresses")
        return {"role": "backend", **{name: backend[name] for name in names}, **needed}
    balancer = plan.balancer(host)
    return {
        "role": plan.members[host].role,
        "address": balancer["address"],
        "cluster": balancer["cluster"],
        "members": balancer["members"],
        "addresses": balancer["vips"],
        "instances": {one.name: {"router_id": one.router_id, "priority": one.priority} for one in plan.instances[host]},
        "outage": balancer["outage"],
        **needed,
    }


def _rendered(plan: Plan, host: str, given: Mapping[str, Document], stand_in: StandIn) -> tuple[Files, Document]:
    """Return the files of a role by their paths on the host, and the sections that are no files."""
    texts: Files = {}
    rest: Document = {}
    for section, options in given.items():
        if section == "files":
            texts.update(_files(options, stand_in))
            absent = [one["path"] for one in options["files"] if one["content"] is None]
            rest[section] = {"folders": options["folders"], "absent": absent, "modes": _modes(options)}
        elif section == "nginx":
            texts.update(_nginx(json.dumps(options, sort_keys=True), stand_in))
            if options["service_ports"] is not None:
                texts[PORTS_FILE] = _json(by_protocol(options["service_ports"]))
        elif section == "httpd":
            httpd = HttpdConfig.from_options(options)
            beside = {name: file.text for name, file in httpd.beside.items()}
            for name, text in {**httpd.files(), **beside}.items():
                redact = nginx_secrets.redact if name in beside else _without_headers
                texts[f"{HTTPD}/{name}"] = redact(text, stand_in)
        elif section == "keepalived":
            config = _keepalived({name: options[name] for name in CONFIG_OPTIONS}, plan.instances[host])
            for name, text in keepalived_files.files(config).items():
                texts[f"{KEEPALIVED}/{FOLDER}/{name}"] = keepalived_secrets.redact(text, stand_in)
            here = homes(config.instances or ())
        elif section == "watcher":
            addresses = [{"address": address, "interface": interface} for address, interface in here.items()]
            texts[WATCHER] = _json(unreadable({**options["document"], "addresses": addresses}, stand_in))
        else:
            rest[section] = unreadable(options, stand_in)
    return texts, rest


def _without_headers(text: str, stand_in: StandIn) -> str:
    """Return a text of httpd without the values of headers that sound secret, and what else may be."""

    def shown(found: re.Match[str]) -> str:
        return found[1] + (stand_in(found[3]) if sounds_secret(found[2]) else found[3])

    return hide(_HEADER.sub(shown, text), stand_in)


def _files(options: Document, stand_in: StandIn) -> Files:
    return {one["path"]: _shown(one, stand_in) for one in options["files"] if one["content"] is not None}


def _shown(file: Document, stand_in: StandIn) -> str:
    """Return the text of a file; of one that may hold secrets, what of it can be read without them."""
    if file["shown"]:
        return str(file["content"])
    try:
        return _json(unreadable(json.loads(file["content"]), stand_in))
    except ValueError:
        return f"{stand_in(file['content'])}\n"


def _modes(options: Document) -> Document:
    return {one["path"]: one["mode"] for one in options["files"] if one["content"] is not None}


@functools.lru_cache(maxsize=256)
def _nginx(written: str, stand_in: StandIn) -> Files:
    """Return nginx's files; ``written`` are the options as JSON. Thousands of hosts serve the same.

    What depends on nginx's version is written as every version reads it.
    """
    document = json.loads(written)
    config = NginxConfig.from_options({name: document[name] or [] for name in NGINX_OPTIONS}, folder=NGINX)
    texts = {
        **nginx_files.files(config),
        **{name: file.text for name, file in nginx_files.site_files(config).items()},
    }
    if config.main_file:
        streams = any(name.startswith(nginx_files.FOLDERS["stream"]) for name in texts)
        texts["nginx.conf"] = main_file.text(config.main_file, (), NGINX, has_streams=streams)
    return {f"{NGINX}/{name}": nginx_secrets.redact(text, stand_in) for name, text in texts.items()}


def _keepalived(document: Document, instances: t.Iterable[Instance]) -> KeepalivedConfig:
    """Return what keepalived does, the interface of an instance that does not say it named by the subnet."""
    config = KeepalivedConfig.from_options(document)
    default = config.global_defs.default_interface if config.global_defs else None
    subnets = {one.name: f"{INTERFACE}{one.anchor.network}" for one in instances}
    placed = tuple(
        one if one.interface or default else replace(one, interface=_own_device(one) or subnets[one.name])
        for one in config.instances or ()
    )
    return replace(config, instances=placed).with_interfaces(())


def _own_device(instance: VrrpInstance) -> str | None:
    vips = instance.virtual_ipaddress or instance.virtual_ipaddress_excluded or ()
    return vips[0].dev if vips else None


def _json(document: t.Any, *, sort: bool = False) -> str:
    return json.dumps(document, indent=4, sort_keys=sort) + "\n"
