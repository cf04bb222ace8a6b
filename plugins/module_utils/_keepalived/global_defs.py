# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""global_defs: what holds for the whole daemon. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Command,
    Decimal,
    Flag,
    FlagOrWords,
    Interface,
    Lines,
    Phrase,
    Script,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import LARGEST, SECONDS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Integer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import option

__all__ = ("GlobalDefs",)

# A script that does not say its user is run as the one that keepalived knows when it reads the script's line.
_USER = ("enable_script_security", "script_user")


@dataclass(frozen=True)
class GlobalDefs(Model):
    """The block ``global_defs``."""

    keyword = "global_defs"

    router_id: str | None = option(Text())
    process_names: bool | None = option(Flag())
    notification_email: tuple[str, ...] | None = option(Lines())
    notification_email_from: str | None = option(Text())
    smtp_server: tuple[str, ...] | None = option(Words(1, 2))
    smtp_helo_name: str | None = option(Text())
    smtp_connect_timeout: int | None = option(Integer(1, SECONDS))
    smtp_alert: bool | None = option(Switch())
    smtp_alert_vrrp: bool | None = option(Switch())
    smtp_alert_checker: bool | None = option(Switch())
    no_email_faults: bool | None = option(Flag())
    enable_script_security: bool | None = option(Flag())
    script_user: tuple[str, ...] | None = option(Words(1, 2))
    startup_script: Command | None = option(Script(), after=_USER)
    startup_script_timeout: int | None = option(Integer(1, 1000))
    shutdown_script: Command | None = option(Script(), after=_USER)
    shutdown_script_timeout: int | None = option(Integer(1, 1000))
    dynamic_interfaces: tuple[str, ...] | None = option(FlagOrWords())
    default_interface: str | None = option(Interface())
    vrrp_version: int | None = option(Integer(2, 3))
    vrrp_mcast_group4: str | None = option(Address())
    vrrp_mcast_group6: str | None = option(Address())
    vrrp_garp_master_delay: int | None = option(Integer(0, SECONDS))
    vrrp_garp_master_repeat: int | None = option(Integer(1, LARGEST))
    vrrp_garp_master_refresh: int | None = option(Integer(0, LARGEST))
    vrrp_garp_master_refresh_repeat: int | None = option(Integer(1, LARGEST))
    vrrp_garp_lower_prio_delay: int | None = option(Integer(0, SECONDS))
    vrrp_garp_lower_prio_repeat: int | None = option(Integer(0, LARGEST))
    vrrp_garp_interval: float | None = option(Decimal(0.000001, SECONDS))
    vrrp_gna_interval: float | None = option(Decimal(0.000001, SECONDS))
    vrrp_min_garp: bool | None = option(Switch())
    vrrp_garp_extra_if: tuple[str, ...] | None = option(Words(1, 2))
    vrrp_down_timer_adverts: int | None = option(Integer(1, 100))
    vrrp_lower_prio_no_advert: bool | None = option(Switch())
    vrrp_higher_prio_send_advert: bool | None = option(Switch())
    vrrp_skip_check_adv_addr: bool | None = option(Flag())
    vrrp_check_unicast_src: bool | None = option(Flag())
    vrrp_strict: bool | None = option(Flag())
    vrrp_owner_ignore_adverts: bool | None = option(Flag())
    v3_checksum_as_v2: bool | None = option(Switch())
    nftables: tuple[str, ...] | None = option(FlagOrWords(), once=True)
    # A keepalived without iptables takes vrrp_iptables for nftables, and its first table is the one that counts.
    vrrp_iptables: tuple[str, ...] | None = option(FlagOrWords(2), after=("nftables",), once=True)
    vrrp_ipsets: tuple[str, ...] | None = option(FlagOrWords(5))
    nftables_priority: int | None = option(Integer(-LARGEST, LARGEST), after=("nftables", "vrrp_iptables"))
    nftables_counters: bool | None = option(Flag())
    nftables_ifindex: bool | None = option(Flag())
    notify_fifo: tuple[str, ...] | None = option(Words(1, 3), after=_USER, once=True)
    notify_fifo_script: Command | None = option(Script(), after=_USER)
    vrrp_notify_fifo: tuple[str, ...] | None = option(Words(1, 3), after=_USER, once=True)
    vrrp_notify_fifo_script: Command | None = option(Script(), after=_USER)
    vrrp_notify_priority_changes: bool | None = option(Switch())
    fifo_write_vrrp_states_on_reload: bool | None = option(Flag())
    max_auto_priority: int | None = option(Integer(-1, 99))
    min_auto_priority_delay: int | None = option(Integer(1, 10000000))
    vrrp_priority: int | None = option(Integer(-20, 19))
    vrrp_rt_priority: int | None = option(Integer(1, 99))
    vrrp_rlimit_rttime: int | None = option(Integer(2, LARGEST))
    vrrp_no_swap: bool | None = option(Flag())
    vrrp_cpu_affinity: tuple[str, ...] | None = option(Words())
    vrrp_startup_delay: float | None = option(Decimal(0.001, SECONDS))
    vrrp_delay_after_boot: float | None = option(Decimal(0.001, SECONDS))
    log_unknown_vrids: bool | None = option(Flag())
    vrrp_rx_bufs_policy: str | None = option(Phrase())
    vrrp_rx_bufs_multiplier: int | None = option(Integer(1, LARGEST))
    vmac_prefix: str | None = option(Text(), once=True)
    vmac_addr_prefix: str | None = option(Text(), once=True)
    disable_local_igmp: bool | None = option(Flag())
    lvs_flush: bool | None = option(Flag())
    lvs_flush_on_stop: tuple[str, ...] | None = option(FlagOrWords(), "lvs_flush_on_stop", "lvs_flush_onstop")
    lvs_sync_daemon: tuple[str, ...] | None = option(Words(), once=True)
    lvs_timeouts: tuple[str, ...] | None = option(Words(2, 6))
    checker_priority: int | None = option(Integer(-20, 19))
    checker_no_swap: bool | None = option(Flag())
    checker_log_all_failures: bool | None = option(Switch())
    no_checker_emails: bool | None = option(Switch())
    rs_init_notifies: bool | None = option(Switch())
    enable_snmp_vrrp: bool | None = option(Flag(), "enable_snmp_vrrp", "enable_snmp_keepalived")
    enable_snmp_checker: bool | None = option(Flag())
    enable_snmp_rfc: bool | None = option(Flag())
    enable_snmp_rfcv2: bool | None = option(Flag())
    enable_snmp_rfcv3: bool | None = option(Flag())
    enable_traps: bool | None = option(Flag())
    snmp_socket: str | None = option(Text(), once=True)
    enable_dbus: bool | None = option(Flag())
    dbus_service_name: str | None = option(Text())
    umask: str | None = option(Phrase())
    random_seed: int | None = option(Integer(0, LARGEST))
    reload_check_config: tuple[str, ...] | None = option(FlagOrWords())
    reload_time_file: str | None = option(Text())
    reload_repeat: bool | None = option(Flag())
    reload_file: tuple[str, ...] | None = option(FlagOrWords())
    include_check: tuple[str, ...] | None = option(FlagOrWords(4))
    use_symlink_paths: bool | None = option(Switch())
    data_use_instance: bool | None = option(Switch())
    state_dump_file: str | None = option(Text())
    stats_dump_file: str | None = option(Text())
    json_dump_file: str | None = option(Text())
    json_version: int | None = option(Integer(1, 2))
    vrrp_netlink_cmd_rcv_bufs: int | None = option(Integer(0, LARGEST))
    vrrp_netlink_cmd_rcv_bufs_force: bool | None = option(Switch())
    vrrp_netlink_monitor_rcv_bufs: int | None = option(Integer(0, LARGEST))
    vrrp_netlink_monitor_rcv_bufs_force: bool | None = option(Switch())
    process_monitor_rcv_bufs: int | None = option(Integer(0, LARGEST))
    process_monitor_rcv_bufs_force: bool | None = option(Switch())
    lvs_netlink_cmd_rcv_bufs: int | None = option(Integer(0, LARGEST))
    lvs_netlink_cmd_rcv_bufs_force: bool | None = option(Switch())
    lvs_netlink_monitor_rcv_bufs: int | None = option(Integer(0, LARGEST))
    lvs_netlink_monitor_rcv_bufs_force: bool | None = option(Switch())
    lvs_notify_fifo: tuple[str, ...] | None = option(Words(1, 3), after=_USER, once=True)
    lvs_notify_fifo_script: Command | None = option(Script(), after=_USER)
    process_name: str | None = option(Text(longest=15))
    vrrp_process_name: str | None = option(Text(longest=15), after=("process_names",))
    checker_process_name: str | None = option(Text(longest=15), after=("process_names",))
    bfd_process_name: str | None = option(Text(longest=15), after=("process_names",))
    checker_rt_priority: int | None = option(Integer(1, 99))
    checker_cpu_affinity: tuple[str, ...] | None = option(Words())
    checker_rlimit_rttime: int | None = option(Integer(2, LARGEST))
    bfd_priority: int | None = option(Integer(-20, 19))
    bfd_no_swap: bool | None = option(Flag())
    bfd_rt_priority: int | None = option(Integer(1, 99))
    bfd_cpu_affinity: tuple[str, ...] | None = option(Words())
    bfd_rlimit_rttime: int | None = option(Integer(2, LARGEST))
    nftables_ipvs: tuple[str, ...] | None = option(FlagOrWords(), once=True)
    nftables_ipvs_priority: int | None = option(Integer(-LARGEST, LARGEST), after=("nftables_ipvs",))
    nftables_ipvs_start_fwmark: int | None = option(Integer(1, LARGEST), after=("nftables_ipvs",))
    snmp_vs_stats_update_interval: float | None = option(Decimal(0.001, 30))
    snmp_rs_stats_update_interval: float | None = option(Decimal(0.001, 30))
    dbus_no_interface_name: str | None = option(Text())
    config_save_dir: str | None = option(Text())
    tmp_config_directory: str | None = option(Text(), once=True)
    iproute_usr_dir: str | None = option(Text())
    iproute_etc_dir: str | None = option(Text())
