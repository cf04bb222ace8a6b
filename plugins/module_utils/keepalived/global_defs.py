# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""global_defs: what holds for the whole daemon. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.base import Model, option
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.fields import (
    Address,
    Command,
    Decimal,
    Flag,
    FlagOrWords,
    Integer,
    Interface,
    Lines,
    Script,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.trackers import LARGEST, SECONDS

__all__ = ("GlobalDefs",)


@dataclass(frozen=True)
class GlobalDefs(Model):
    """The block ``global_defs``."""

    keyword = "global_defs"

    router_id: str | None = option(Text())
    process_names: bool | None = option(Flag(), since="2.0.16")
    notification_email: tuple[str, ...] | None = option(Lines())
    notification_email_from: str | None = option(Text())
    smtp_server: tuple[str, ...] | None = option(Words(1, 2))
    smtp_helo_name: str | None = option(Text(), since="1.2.20")
    smtp_connect_timeout: int | None = option(Integer(1, SECONDS))
    smtp_alert: bool | None = option(Switch(), since="2.0.0")
    smtp_alert_vrrp: bool | None = option(Switch(), since="2.0.0")
    smtp_alert_checker: bool | None = option(Switch(), since="2.0.0")
    no_email_faults: bool | None = option(Flag(), since="2.0.0")
    startup_script: Command | None = option(Script(), since="2.1.0")
    startup_script_timeout: int | None = option(Integer(1, 1000), since="2.1.0")
    shutdown_script: Command | None = option(Script(), since="2.1.0")
    shutdown_script_timeout: int | None = option(Integer(1, 1000), since="2.1.0")
    enable_script_security: bool | None = option(Flag(), since="1.3.0")
    script_user: tuple[str, ...] | None = option(Words(1, 2), since="1.3.0")
    dynamic_interfaces: tuple[str, ...] | None = option(FlagOrWords(), since="2.0.0")
    default_interface: str | None = option(Interface(), since="1.2.24")
    vrrp_version: int | None = option(Integer(2, 3), since="1.2.20")
    vrrp_mcast_group4: str | None = option(Address())
    vrrp_mcast_group6: str | None = option(Address())
    vrrp_garp_master_delay: int | None = option(Integer(0, SECONDS), since="1.2.20")
    vrrp_garp_master_repeat: int | None = option(Integer(1, LARGEST), since="1.2.20")
    vrrp_garp_master_refresh: int | None = option(Integer(0, LARGEST), since="1.2.20")
    vrrp_garp_master_refresh_repeat: int | None = option(Integer(1, LARGEST), since="1.2.20")
    vrrp_garp_lower_prio_delay: int | None = option(Integer(0, SECONDS), since="1.2.20")
    vrrp_garp_lower_prio_repeat: int | None = option(Integer(0, LARGEST), since="1.2.20")
    vrrp_garp_interval: float | None = option(Decimal(0.000001, SECONDS), since="1.2.21")
    vrrp_gna_interval: float | None = option(Decimal(0.000001, SECONDS), since="1.2.21")
    vrrp_min_garp: bool | None = option(Switch(), since="2.0.12")
    vrrp_garp_extra_if: tuple[str, ...] | None = option(Words(1, 2), since="2.2.3")
    vrrp_down_timer_adverts: int | None = option(Integer(1, 100), since="2.2.3")
    vrrp_lower_prio_no_advert: bool | None = option(Switch(), since="1.2.20")
    vrrp_higher_prio_send_advert: bool | None = option(Switch(), since="1.3.5")
    vrrp_skip_check_adv_addr: bool | None = option(Flag(), since="1.2.20")
    vrrp_check_unicast_src: bool | None = option(Flag(), since="1.2.20")
    vrrp_strict: bool | None = option(Flag(), since="1.2.20")
    vrrp_owner_ignore_adverts: bool | None = option(Flag(), since="2.3.3")
    v3_checksum_as_v2: bool | None = option(Switch(), since="2.2.8")
    vrrp_iptables: tuple[str, ...] | None = option(FlagOrWords(2), since="1.2.20")
    vrrp_ipsets: tuple[str, ...] | None = option(FlagOrWords(5), since="1.2.20")
    nftables: tuple[str, ...] | None = option(FlagOrWords(), since="2.0.11")
    nftables_priority: int | None = option(Integer(-LARGEST, LARGEST), since="2.0.11")
    nftables_counters: bool | None = option(Flag(), since="2.0.11")
    nftables_ifindex: bool | None = option(Flag(), since="2.0.11")
    notify_fifo: str | None = option(Text(), since="1.3.6")
    notify_fifo_script: Command | None = option(Script(), since="1.3.6")
    vrrp_notify_fifo: str | None = option(Text(), since="1.3.6")
    vrrp_notify_fifo_script: Command | None = option(Script(), since="1.3.6")
    vrrp_notify_priority_changes: bool | None = option(Switch(), since="2.0.16")
    fifo_write_vrrp_states_on_reload: bool | None = option(Flag(), since="2.2.5")
    max_auto_priority: int | None = option(Integer(-1, 99), since="2.1.0")
    min_auto_priority_delay: int | None = option(Integer(1, 10000000), since="2.1.0")
    vrrp_priority: int | None = option(Integer(-20, 19), since="1.2.20")
    vrrp_rt_priority: int | None = option(Integer(1, 99), since="2.0.0")
    vrrp_rlimit_rttime: int | None = option(Integer(2, LARGEST), since="2.1.0")
    vrrp_no_swap: bool | None = option(Flag(), since="1.2.20")
    vrrp_cpu_affinity: tuple[str, ...] | None = option(Words(), since="2.0.17")
    vrrp_startup_delay: float | None = option(Decimal(0.001, SECONDS), since="2.0.14")
    vrrp_delay_after_boot: float | None = option(Decimal(0.001, SECONDS), since="2.4.0")
    log_unknown_vrids: bool | None = option(Flag(), since="2.0.16")
    vrrp_rx_bufs_policy: str | None = option(Text(), since="2.0.3")
    vrrp_rx_bufs_multiplier: int | None = option(Integer(1, LARGEST), since="2.0.3")
    vmac_prefix: str | None = option(Text(), since="2.2.0")
    vmac_addr_prefix: str | None = option(Text(), since="2.2.0")
    disable_local_igmp: bool | None = option(Flag(), since="2.2.0")
    lvs_flush: bool | None = option(Flag(), since="1.2.23")
    lvs_flush_on_stop: tuple[str, ...] | None = option(FlagOrWords(), since="2.2.0")
    lvs_sync_daemon: tuple[str, ...] | None = option(Words(), since="1.2.20")
    lvs_timeouts: tuple[str, ...] | None = option(Words(2, 6), since="1.2.24")
    checker_priority: int | None = option(Integer(-20, 19), since="1.2.20")
    checker_no_swap: bool | None = option(Flag(), since="1.2.20")
    checker_log_all_failures: bool | None = option(Switch(), since="2.0.11")
    no_checker_emails: bool | None = option(Switch(), since="2.0.0")
    rs_init_notifies: bool | None = option(Switch(), since="2.0.0")
    enable_snmp_vrrp: bool | None = option(Flag(), since="2.0.0")
    enable_snmp_checker: bool | None = option(Flag(), since="1.2.20")
    enable_snmp_rfc: bool | None = option(Flag(), since="1.2.20")
    enable_snmp_rfcv2: bool | None = option(Flag(), since="1.2.20")
    enable_snmp_rfcv3: bool | None = option(Flag(), since="1.2.20")
    enable_traps: bool | None = option(Flag())
    snmp_socket: str | None = option(Text(), since="1.2.20")
    enable_dbus: bool | None = option(Flag(), since="1.3.0")
    dbus_service_name: str | None = option(Text(), since="1.3.7")
    umask: str | None = option(Text(), since="2.0.9")
    random_seed: int | None = option(Integer(0, LARGEST), since="2.0.15")
    reload_check_config: tuple[str, ...] | None = option(FlagOrWords(), since="2.2.0")
    reload_time_file: str | None = option(Text(), since="2.1.0")
    reload_repeat: bool | None = option(Flag(), since="2.1.0")
    reload_file: tuple[str, ...] | None = option(FlagOrWords(), since="2.2.0")
    include_check: tuple[str, ...] | None = option(FlagOrWords(4), since="2.2.0")
    use_symlink_paths: bool | None = option(Switch(), since="2.3.0")
    data_use_instance: bool | None = option(Flag(), since="2.2.3")
    state_dump_file: str | None = option(Text(), since="2.3.3")
    stats_dump_file: str | None = option(Text(), since="2.3.3")
    json_dump_file: str | None = option(Text(), since="2.3.3")
    json_version: int | None = option(Integer(1, 2), since="2.2.8")
