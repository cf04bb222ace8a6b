# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a module to keepalived's files on the host. Private to this collection.

The collection owns ``holdfast.d`` below keepalived's folder. The main file stays whose it is, and gets one line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import (
    ConfigError,
    Finding,
    HoldfastError,
    InputError,
    errors,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import main_pid
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.interfaces import unknown_interfaces
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    KeepalivedConfig,
    SyncGroup,
    VrrpInstance,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import bearable, may_raise_limits
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.takeover import (
    Foreign,
    clashes,
    foreign_instances,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.wire import joint_changes
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import (
    host_addresses,
    interface_names,
    need_root,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packaged import is_as_packaged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted, read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Result,
    Transaction,
)

__all__ = ("FOLDER", "apply", "homes", "live_instances", "refuse_unfit", "running_otherwise")

FOLDER = "holdfast.d"
MODE = 0o600  # a password of VRRP version 2 may be inside
_INCLUDE = "include {root}/" + FOLDER + "/*.conf"
# What these rules look for may be in files that are not ours: keepalived's own test judges it.
_ELSEWHERE = ("tracker-undefined", "script-security", "group-member-unknown")
_MAIN = "# holdfast.nginx_ha: what keepalived does on this host lies in the folder below.\n"


def live_instances(root: str) -> list[VrrpInstance]:
    """Return the instances in the files that the collection owns on this host; what cannot be read is left out."""
    result = []
    with contextlib.suppress(FileNotFoundError):
        for name in sorted(os.listdir(os.path.join(root, FOLDER))):
            if name.startswith("30-") and name.endswith(".conf"):
                path = os.path.join(root, FOLDER, name)
                with contextlib.suppress(ConfigError, HoldfastError):
                    text = (read_state(path).content or b"").decode(errors="replace")
                    result += [VrrpInstance.from_block(block) for block in parse(text, path) if not block.is_comment]
    return result


def apply(
    options: t.Mapping[str, t.Any],
    *,
    owner: str,
    check_mode: bool,
    single: str = "",
    drift: str = "overwrite",
    stage_only: bool = False,
    adopt: bool = False,
    root: str = "/etc/keepalived",
) -> tuple[Result, KeepalivedConfig]:
    """Make keepalived run what these options describe; see Transaction.apply for what can go wrong.

    ``options`` are those of KeepalivedConfig. With ``adopt`` everything else in the main file goes.
    ``single`` is the name of the only vrrp_instance that is meant; where the options do not hold it, it goes, and all
    others stay as they are. Returns what happened, and the configuration with everything derived.
    """
    need_root()
    adopt = adopt or _is_example(root)
    try:
        version = KeepalivedDaemon(root=root).version
        config, findings = _configured(options, root=root, version=version, adopt=adopt, single=single)
    except InputError as error:
        raise InputError(_as_written(error.path, single), error.message) from None
    defs, spared = bearable(config.global_defs, may_raise=may_raise_limits())
    config = dataclasses.replace(config, global_defs=defs)
    findings += spared
    daemon = KeepalivedDaemon(root=root, places=lambda: _places(config, root, single))
    owned: dict[str, Wanted | None] = {
        os.path.join(root, FOLDER, name): Wanted(text.encode(), MODE) for name, text in files.files(config).items()
    }
    if single:
        owned = _only(single, owned, root)
    shared = {}
    if any(owned.values()):
        main = read_state(daemon.main_file)
        shared[daemon.main_file] = _main_file(None if adopt else main.content, main.mode or 0o644, root)
    with Transaction(daemon, check_mode=check_mode) as change:
        act = change.stage if stage_only else change.apply
        return act(
            Request(
                owner,
                owned,
                shared=shared,
                keep=shared if adopt else (),
                prune=not single,
                drift=drift,
                findings=[
                    dataclasses.replace(finding, where=_as_written(finding.where, single)) for finding in findings
                ],
            )
        ), config


def homes(instances: t.Iterable[VrrpInstance]) -> dict[str, str]:
    """Return every virtual address and the interface that has it; empty where the instance does not say."""
    return {
        str(item.ip): item.dev or instance.interface or ""
        for instance in instances
        for item in (*(instance.virtual_ipaddress or ()), *(instance.virtual_ipaddress_excluded or ()))
    }


def refuse_unfit(instances: t.Sequence[t.Mapping[str, t.Any]], *, root: str, adopt: bool) -> t.Sequence[VrrpInstance]:
    """Return the instances with all that is derived on this host; HoldfastError where it cannot run them.

    Nothing is tested or written.
    """
    adopt = adopt or _is_example(root)
    config, findings = _configured({"instances": instances}, root=root, version=None, adopt=adopt)
    wrong = errors(findings)
    if wrong:
        raise HoldfastError("; ".join(str(finding) for finding in wrong))
    return config.instances or ()


def running_otherwise(
    planned: t.Sequence[VrrpInstance],
    groups: t.Sequence[t.Mapping[str, t.Any]],
    members: t.Collection[str],
    *,
    root: str,
    adopt: bool,
) -> str:
    """Return why the running keepalived must not be changed on this host alone; empty where it can, or does not run.

    ``members`` are the addresses of the other members of its cluster. With ``adopt`` what others wrote counts too.
    """
    if main_pid() is None:
        return ""
    instances, live_groups = _live(root, None if adopt else os.path.join(root, FOLDER))
    wanted_groups = [SyncGroup.from_options(group) for group in groups]
    changes = joint_changes(instances, planned, members, live_groups=live_groups, wanted_groups=wanted_groups)
    if not members or not changes:
        return ""
    listed = "; ".join(f"{name}: {', '.join(options)}" for name, options in changes.items())
    return (
        f"keepalived runs here with another configuration than the inventory says ({listed}), and made node by node "
        "this change would give the addresses two holders: run the playbook holdfast.nginx_ha.together, which makes it "
        "on all nodes in the same instant"
    )


def _is_example(root: str) -> bool:
    """Return whether the main file is the example that a package of Red Hat's family brings, which is nobody's.

    It has instances of its own; keepalived.conf in %files of keepalived.spec, as in
    https://github.com/openeuler-mirror/keepalived at 08182efd55872d7d832e7529525ef8785903bf25.
    """
    path = os.path.join(root, "keepalived.conf")
    content = read_state(path).content
    return content is not None and FOLDER.encode() not in content and is_as_packaged(path, "keepalived")


def _live(root: str, folder: str | None) -> tuple[list[VrrpInstance], list[SyncGroup]]:
    """Return the instances and groups that keepalived reads now, from this folder alone where one is given."""
    instances: list[VrrpInstance] = []
    groups: list[SyncGroup] = []
    with contextlib.suppress(ConfigError):  # keepalived's own test will say so
        for block in read_tree(os.path.join(root, "keepalived.conf")).blocks:
            if folder is None or block.position.file.startswith(folder + "/"):
                # What somebody else wrote is read as far as it goes.
                if block.name == VrrpInstance.keyword:
                    instances += filter(None, [VrrpInstance.read(block, [])])
                elif block.name == SyncGroup.keyword:
                    groups += filter(None, [SyncGroup.read(block, [])])
    return instances, groups


def _configured(
    options: t.Mapping[str, t.Any], *, root: str, version: Version | None, adopt: bool, single: str = ""
) -> tuple[KeepalivedConfig, list[Finding]]:
    """Return the configuration with everything derived on this host, and what the rules say of it."""
    live = live_instances(root)
    held = {item.address for instance in live for item in instance.virtual_ipaddress or ()}
    held |= {item.address for instance in live for item in instance.virtual_ipaddress_excluded or ()}
    foreign: list[Foreign] = []
    with contextlib.suppress(ConfigError):  # keepalived's own test will say so
        tree = read_tree(os.path.join(root, "keepalived.conf"))
        foreign = foreign_instances(tree.blocks, os.path.join(root, FOLDER))
    held.update(address for item in foreign for address in item.addresses)
    addresses = host_addresses()
    config = KeepalivedConfig.from_options(options, version=version).with_interfaces(addresses, held)
    result = unknown_interfaces(config, interface_names())
    result += [] if adopt else clashes(config.instances or (), foreign)
    beside = [item for item in live if single and item.name != single]
    return config, result or _judged(config, beside, addresses, held)


def _judged(
    config: KeepalivedConfig,
    beside: t.Sequence[VrrpInstance],
    addresses: t.Sequence[HostAddress],
    held: t.Collection[str],
) -> list[Finding]:
    """Return what the rules say of a configuration; ``beside`` are our instances that stay as they are."""
    if not config.instances:
        beside = ()
    whole = dataclasses.replace(config, instances=(*beside, *(config.instances or ())))
    result = []
    for item in check(whole, addresses, held):
        # The first one that is configured comes after those that are there.
        list_name, _sign, rest = item.where.partition("[")
        index, _sign, option = rest.partition("]")
        if list_name == "instances" and beside:
            if int(index) < len(beside):
                continue
            item = dataclasses.replace(item, where=f"instances[{int(index) - len(beside)}]{option}")
        if item.rule not in _ELSEWHERE:
            result.append(item)
    return result


def _only(name: str, owned: dict[str, Wanted | None], root: str) -> dict[str, Wanted | None]:
    """Return what concerns one instance: its file, and the first file where there is none yet."""
    path, first = (os.path.join(root, FOLDER, item) for item in (files.instance_file(name), files.GLOBAL_FILE))
    only: dict[str, Wanted | None] = {path: owned.get(path)}
    if only[path] and not read_state(first).exists:
        only[first] = owned[first]
    return only


def _as_written(path: str, single: str) -> str:
    """Return an input path as the user of the module wrote it: that of a single instance has no list around it."""
    return path[len("instances[0].") :] if single else path


def _places(config: KeepalivedConfig, root: str, single: str) -> dict[str, dict[int, str]]:
    """Return which input each line of the owned files comes from."""
    paths = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        for index, model in enumerate(value if isinstance(value, tuple) else ()):
            block = model.to_block()
            paths[block.name, block.args] = f"{field.name}[{index}]"
    result = {}
    for name, text in files.files(config).items():
        lines: dict[int, str] = {}
        for block in parse(text):
            _place(block, paths.get((block.name, block.args), block.name), lines)
        result[os.path.join(root, FOLDER, name)] = {line: _as_written(path, single) for line, path in lines.items()}
    return result


def _place(block: Block, path: str, lines: dict[int, str]) -> None:
    lines[block.position.line] = path
    for child in block.children or ():
        _place(child, f"{path}.{child.name}", lines)


def _main_file(content: bytes | None, mode: int, root: str) -> Wanted:
    """Return the main file with our line, last; a file of our own where there is none."""
    line = _INCLUDE.format(root=root).encode()
    if content is None or not content.strip():
        return Wanted(_MAIN.encode() + line + b"\n", mode)
    if line in (own.strip() for own in content.split(b"\n")):
        return Wanted(content, mode)
    return Wanted(content.rstrip(b"\n") + b"\n\n" + _MAIN.encode() + line + b"\n", mode)
