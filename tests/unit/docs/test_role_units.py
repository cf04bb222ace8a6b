# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every service of the collection is locked up, and nginx loses only what leaves its view of the host as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROLES = Path(__file__).parents[3] / "roles"
TEMPLATES = ROLES / "keepalived" / "templates"
SERVICES = sorted(ROLES.glob("*/templates/holdfast-*.service.j2"))
ALWAYS = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service",
}
# A mount namespace, a device policy, NoNewPrivileges: what a site of somebody's finds or starts could be gone, and the
# test that nginx runs outside of its unit would not know.
HITS_CONFIGURATIONS = re.compile(
    r"(?m)^(Protect\w+|Private\w+|ReadOnlyPaths|InaccessiblePaths|ReadWritePaths|TemporaryFileSystem|Bind\w+|Root\w+|"
    r"DevicePolicy|DeviceAllow|NoNewPrivileges|SystemCallFilter|SystemCallArchitectures|MemoryDenyWriteExecute|"
    r"RestrictAddressFamilies|IPAddressDeny|MemoryMax|TasksMax|User|Group|UMask)="
)
# What nginx needs for some configuration or other (capabilities(7)).
NEEDED = {
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID"),
    *("CAP_SETUID", "CAP_NET_BIND_SERVICE", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_NICE", "CAP_SYS_RESOURCE"),
    *("CAP_IPC_LOCK", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SETPCAP", "CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON"),
}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_is_locked_up(path: Path) -> None:
    text = path.read_text()
    said = dict(line.split("=", 1) for line in text.split("\n") if "=" in line and not line.startswith("#"))
    assert {name: said.get(name, "").split(" ")[0] for name in ALWAYS} == ALWAYS
    assert "CapabilityBoundingSet" in said


@pytest.mark.parametrize("name", ["nginx-drop-in.conf.j2", "keepalived-drop-in.conf.j2"])
def test_what_belongs_to_others_too_sees_the_host_as_it_is(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert not HITS_CONFIGURATIONS.search(text)
    dropped = {word for line in re.findall(r"(?m)^CapabilityBoundingSet=~(.+)$", text) for word in line.split()}
    assert not dropped & NEEDED


def test_keepalived_keeps_all_that_its_scripts_may_need() -> None:
    assert not re.search(
        r"(?m)^(CapabilityBoundingSet|Restrict\w+|Lock\w+)=", (TEMPLATES / "keepalived-drop-in.conf.j2").read_text()
    )
