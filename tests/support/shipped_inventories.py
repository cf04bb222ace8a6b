# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of the folder ``inventory``: read by Ansible, planned, and rendered as both daemons read them."""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import files as keepalived_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse as parse_keepalived
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import main_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse as parse_nginx
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import Documents, documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import Examined, examine
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed
from documented import ROOT
from inventory_builder import SPECS

__all__ = ("INVENTORIES", "Shipped", "keepalived_text", "nginx_text", "shipped")

INVENTORIES = sorted(path.parent for path in (ROOT / "inventory").rglob("hosts.yml"))
"""Every folder that is a whole inventory."""

INTERFACE, PREFIX_LENGTH = "eth0", 24
"""Of every host in them."""

FOLDER = "/etc/nginx"

# Ansible templates the variables, as it does for the planner; in letters that no callback wraps.
VARIABLES = "dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars)))"
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [
        {
            "ansible.builtin.debug": {
                "msg": f"READ {{{{ {{'groups': groups, 'hosts': {VARIABLES}}} | to_json | b64encode }}}} ENDS"
            },
            "run_once": True,
        }
    ],
}
READ = re.compile(r"READ ([A-Za-z0-9+/=]+) ENDS")


@dataclass(frozen=True)
class Shipped:
    """An inventory that is shipped, and what the planner makes of it."""

    groups: t.Mapping[str, t.Sequence[str]]
    variables: t.Mapping[str, t.Mapping[str, t.Any]]
    examined: Examined

    def documents(self, host: str) -> Documents:
        """Return the finished plan of a host."""
        return documents(self.examined.plan, [host])[host]

    def nginx(self, host: str) -> tuple[Block, ...]:
        """Return what nginx of a host reads, the files that nginx.conf includes laid in; nothing where it has none."""
        roles = self.documents(host)
        served = roles["balancer" if "balancer" in roles else "backend"]["state"].get("nginx")
        return parse_nginx(nginx_text(served)) if served else ()

    def keepalived(self, host: str) -> tuple[Block, ...]:
        """Return what keepalived of a host reads."""
        address = HostAddress(INTERFACE, str(self.variables[host]["ansible_host"]), PREFIX_LENGTH)
        return parse_keepalived(keepalived_text(self.documents(host)["keepalived"]["state"]["keepalived"], address))


@functools.lru_cache(maxsize=None)
def shipped(folder: Path) -> Shipped:
    """Return the inventory of a folder."""
    with tempfile.TemporaryDirectory() as made:
        play = Path(made) / "play.yml"
        play.write_text(yaml.safe_dump([PLAY]))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(folder), str(play)],
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    found = READ.search(done.stdout)
    if found is None:
        raise AssertionError(f"{folder} cannot be read:\n{done.stdout}{done.stderr}")
    read = json.loads(base64.b64decode(found[1]))
    return Shipped(read["groups"], read["hosts"], examine(read["hosts"], read["groups"], SPECS))


def nginx_text(served: t.Mapping[str, t.Any]) -> str:
    """Return one text for all that options of ``nginx_config`` become, over a nginx.conf that says nothing itself."""
    said = {name: value for name, value in served.items() if name in NGINX_OPTIONS}
    config = NginxConfig.from_options(typed(said, {name: NGINX_OPTIONS[name] for name in said}, "nginx"))
    assert config.main_file is not None
    before = main_file.standard(FOLDER, "www-data", "/run/nginx.pid")
    text = main_file.text(config.main_file, before, FOLDER, has_streams=bool(said.get("stream_servers")))
    files = nginx_files.files(config)
    for folder in nginx_files.FOLDERS.values():
        include = re.compile(rf"^\s*include {FOLDER}/{folder}/\*\.conf;$", re.MULTILINE)
        inside = "\n".join(one for name, one in files.items() if name.startswith(f"{folder}/"))
        text = inside.join(include.split(text))
    return text


def keepalived_text(options: t.Mapping[str, t.Any], address: HostAddress) -> str:
    """Return one text for all that options of ``keepalived_config`` become on a host with this address."""
    said = {name: value for name, value in options.items() if name not in ("adopt", "drift")}
    return "\n".join(keepalived_files.files(KeepalivedConfig.from_options(said).with_interfaces([address])).values())
