# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that a configuration needs and the nginx of this host does not load yet. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dynamic import (
    BUILT_IN,
    NGINX_ORG,
    family,
    lacking,
    libraries,
    packages_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.takeover import foreign_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import Build, parse_build

__all__ = ("Lacking", "look", "packages_for")

STATIC = "--add-module="


class Lacking(t.NamedTuple):
    """Files on this host that only have to be loaded, and names of modules of which there is none."""

    here: list[str]
    absent: list[str]


def look(names: t.Iterable[str], build: Build, tree: t.Sequence[Block], root: str) -> Lacking:
    """Return which of these modules nginx lacks; ``tree`` is what its main file says, includes laid in."""
    folder = build.paths.get("modules-path") or os.path.join(build.paths.get("prefix", root), "modules")
    found = Lacking([], [])
    for name in lacking(names, build, tree):
        there = [path for path in (os.path.join(folder, one) for one in libraries(name)) if os.path.exists(path)]
        found.here.extend(there)
        if not there:
            found.absent.append(name)
    return found


def packages_for(
    names: t.Sequence[str], *, root: str = "/etc/nginx", of_nginx_org: bool = False, runner: Runner = run
) -> list[str]:
    """Return the packages by which this host gets the modules of these names that its nginx lacks.

    ``of_nginx_org`` says where an nginx that is not there yet will come from. HoldfastError for a module that no
    package of this system brings.
    """
    if not names:
        return []
    daemon = NginxDaemon(root=root, runner=runner)
    build = parse_build(daemon.build.output) if daemon.installed() else None
    absent = list(names) if build is None else look(names, build, foreign_tree(daemon, ()).tree, root).absent
    system = NGINX_ORG if build is None and of_nginx_org else family(build, runner)
    if build is None:
        absent = [name for name in absent if name not in BUILT_IN.get(system, ())]
    homeless = [name for name in absent if not packages_of([name], system)]
    # What was built in under another name, its own test knows.
    if homeless and STATIC not in daemon.build.output:
        raise HoldfastError(
            f"no package of this system brings nginx the module {' and '.join(homeless)}, which balancer_sites, "
            "balancer_streams or nginx.conf need: install an nginx that has it, or do without"
        )
    return packages_of(absent, system)
