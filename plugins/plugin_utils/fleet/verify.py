# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the hosts of a fleet, checked before any of them is touched. Private to this collection.

Each rule is a function from the plan to its faults, and is listed in RULES. A fault is told by an example of what
would happen.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault, Faults
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_addresses import (
    complete_clusters,
    unique_addresses,
    usable_addresses,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_backends import sound_sites
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_builds import (
    modules_of_builds,
    sound_builds,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_election import (
    distinct_priorities,
    flippable_weights,
    one_family,
    one_holder,
    own_priorities,
    router_ids,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_global import (
    harmless_options,
    same_checksums,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_groups import (
    moved_as_one,
    multicast_groups,
    routes_of_one_instance,
    same_groups,
    sync_group_members,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_health import (
    distinct_trackers,
    own_listener,
    somebody_answers,
    sound_checks,
    whole_paths,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_notify import notifications
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_options import accepted_options
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_passwords import passwords
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_service import (
    distinct_servers,
    known_upstreams,
    same_service,
    sites_with_targets,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_virtual_servers import (
    distinct_virtual_servers,
    free_ports,
    shared_virtual_addresses,
)

__all__ = ("RULES", "verify")

RULES: tuple[t.Callable[[Plan], Iterable[Fault]], ...] = (
    complete_clusters,
    usable_addresses,
    unique_addresses,
    router_ids,
    own_priorities,
    distinct_priorities,
    one_holder,
    one_family,
    passwords,
    harmless_options,
    same_checksums,
    flippable_weights,
    sync_group_members,
    same_groups,
    moved_as_one,
    multicast_groups,
    routes_of_one_instance,
    sound_checks,
    whole_paths,
    distinct_trackers,
    own_listener,
    somebody_answers,
    same_service,
    known_upstreams,
    sites_with_targets,
    distinct_servers,
    notifications,
    shared_virtual_addresses,
    distinct_virtual_servers,
    free_ports,
    sound_builds,
    modules_of_builds,
)


def verify(plan: Plan, faults: Faults) -> None:
    """Add every fault of the plan to ``faults``, rule by rule."""
    for rule in RULES:
        faults.add(rule(plan))
    faults.add(sound_sites(plan, faults.hosts()))
    faults.add(accepted_options(plan, faults.hosts()))
