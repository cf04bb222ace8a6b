# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keywords keepalived knows in which block, and since when. Private to this collection.

Facts from the sources of keepalived 1.2.13 to 2.4.3 (``install_keyword`` calls) and from trying each keyword without a
value on 2.2.7 and 2.3.3. A word of a table reads: the keyword, then

``:NAME``   it opens a block with the keywords of the table NAME
``{}``      it opens a block of items that are no keywords;  ``{1}``  so does this, with a name before it
``!``       its words are read with the rules of a shell: it is a command line
``=``       keepalived ends at once when no value follows
``@1.2.3``  the first version that knows it (none: older than 1.2.14);  ``<1.2.3`` the first that does not any more
``?WORD``   only in a keepalived whose "Config options" have this word
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build

__all__ = ("CHILDREN", "CRASHING", "MAIN", "ROOT", "Keyword", "is_read", "keywords", "lacking", "lookup", "readers")

ROOT = ""

# keepalived's processes in the order in which its test lets them read: the main process the files themselves, the
# others a copy in which the comments are already gone.
MAIN = "main"
CHILDREN = ("checker", "vrrp", "bfd")

# Who reads a root block or word; what is not here is read by vrrp alone. The others skip it.
_READERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "child_wait_time",
            "global_defs",
            "instance",
            "linkbeat_use_polling",
            "namespace_with_ipsets",
            "net_namespace",
            "net_namespace_ipvs",
            "use_pid_dir",
        ),
        (MAIN,),
    ),
    **dict.fromkeys(("SSL", "virtual_server", "virtual_server_group"), ("checker",)),
    **dict.fromkeys(("track_file", "vrrp_track_file"), ("checker", "vrrp")),
    "bfd_instance": CHILDREN,
}

_CHECKER = "alpha delay_before_retry= delay_loop=@1.3.7 log_all_failures@2.0.11 retry= warmup="
_CONNECTION = "bind_if= bind_port= bindto= connect_ip= connect_port= connect_timeout= fwmark= " + _CHECKER
_CHECKS = (
    "BFD_CHECK:bfd_check@2.0.0 DNS_CHECK:dns_check@1.3.0 FILE_CHECK:file_check@2.1.0 HTTP_GET:http_get"
    " MISC_CHECK:misc_check PING_CHECK:connection@2.1.0 SMTP_CHECK:smtp_check SSL_GET:ssl_get TCP_CHECK:connection"
    " UDP_CHECK:udp_check@2.1.0"
)
_TABLES: dict[str, str] = {
    ROOT: """
        SSL:SSL bfd_instance:bfd_instance=@2.0.0?BFD child_wait_time=@2.0.0 garp_group:garp_group@1.2.21
        global_defs:global_defs instance@1.2.24 interface_up_down_delays{}@2.2.3 linkbeat_interfaces{}@2.0.13
        linkbeat_use_polling namespace_with_ipsets@1.3.0 net_namespace@1.2.24 net_namespace_ipvs@2.1.0
        static_ipaddress{} static_routes{} static_rules{}@1.2.20 track_file:track_file=@2.1.0
        track_group:track_group@2.0.3 use_pid_dir@1.2.24 virtual_server:virtual_server= virtual_server_group{1}=
        vrrp_instance:vrrp_instance vrrp_script:vrrp_script= vrrp_sync_group:vrrp_sync_group
        vrrp_track_file:track_file=@2.0.0 vrrp_track_process:vrrp_track_process=@2.0.11
        """,
    "global_defs": """
        bfd_cpu_affinity@2.0.17 bfd_no_swap@2.0.0 bfd_priority@2.0.0 bfd_process_name=@2.0.16 bfd_rlimit_rtime=@2.0.0
        bfd_rlimit_rttime=@2.1.0 bfd_rt_priority@2.0.0 checker_cpu_affinity@2.0.17 checker_log_all_failures@2.0.11
        checker_no_swap@1.2.20 checker_priority@1.2.20 checker_process_name=@2.2.0 checker_rlimit_rtime=@2.0.0
        checker_rlimit_rttime=@2.1.0 checker_rt_priority@2.0.0 config_save_dir=@2.2.3 data_use_instance@2.2.3
        dbus_no_interface_name@2.3.0?DBUS dbus_service_name@1.3.7?DBUS default_interface@1.2.24
        disable_local_igmp@2.2.0 dynamic_interfaces@2.0.0 enable_dbus@1.3.0?DBUS enable_script_security@1.3.0
        enable_snmp_checker@1.2.20?SNMP_CHECKER enable_snmp_keepalived@1.2.20?SNMP_VRRP
        enable_snmp_rfc@1.2.20?SNMP_RFCV2 enable_snmp_rfcv2@1.2.20?SNMP_RFCV2 enable_snmp_rfcv3@1.2.20?SNMP_RFCV3
        enable_snmp_vrrp@2.0.0?SNMP_VRRP enable_traps fifo_write_vrrp_states_on_reload@2.2.5 include_check@2.2.0
        iproute_etc_dir@2.3.2 iproute_usr_dir@2.3.2 json_dump_file@2.3.3?JSON json_version@2.2.8?JSON
        log_unknown_vrids@2.0.16 lvs_flush@1.2.23 lvs_flush_on_stop@2.2.0 lvs_flush_onstop@2.0.15
        lvs_netlink_cmd_rcv_bufs@2.0.0 lvs_netlink_cmd_rcv_bufs_force@2.0.0 lvs_netlink_monitor_rcv_bufs@2.0.0
        lvs_netlink_monitor_rcv_bufs_force@2.0.0 lvs_notify_fifo@1.3.6 lvs_notify_fifo_script!@1.3.6
        lvs_process_name=@2.0.16 lvs_sync_daemon@1.2.20 lvs_timeouts@1.2.24 max_auto_priority@2.1.0
        min_auto_priority_delay@2.1.0 nftables@2.0.11?NFTABLES nftables_counters@2.0.11?NFTABLES
        nftables_ifindex@2.0.11?NFTABLES nftables_ipvs@2.2.2?NFTABLES nftables_ipvs_priority=@2.2.2?NFTABLES
        nftables_ipvs_start_fwmark=@2.2.2?NFTABLES nftables_priority=@2.0.11?NFTABLES no_checker_emails@2.0.0
        no_email_faults@2.0.0 notification_email{} notification_email_from notify_fifo@1.3.6 notify_fifo_script!@1.3.6
        plugin_dir<1.2.20 process_monitor_rcv_bufs@2.0.11 process_monitor_rcv_bufs_force@2.0.11 process_name=@2.0.16
        process_names@2.0.16 random_seed=@2.0.15 reload_check_config@2.2.0 reload_file@2.2.0 reload_repeat@2.1.0
        reload_time_file@2.1.0 router_id rs_init_notifies@2.0.0 script_user@1.3.0 shutdown_script!@2.1.0
        shutdown_script_timeout@2.1.0 smtp_alert@2.0.0 smtp_alert_checker@2.0.0 smtp_alert_vrrp@2.0.0
        smtp_connect_timeout= smtp_helo_name@1.2.20 smtp_server= snmp_rs_stats_update_interval=@2.3.0 snmp_socket@1.2.20
        snmp_vs_stats_update_interval=@2.3.0 startup_script!@2.1.0 startup_script_timeout@2.1.0 state_dump_file@2.3.3
        stats_dump_file@2.3.3 tmp_config_directory@2.2.0 umask=@2.0.9 use_symlink_paths@2.3.0 v3_checksum_as_v2@2.2.8
        vmac_addr_prefix=@2.2.0 vmac_prefix=@2.2.0 vrrp_check_unicast_src@1.2.20 vrrp_cpu_affinity@2.0.17
        vrrp_delay_after_boot@2.4.0 vrrp_down_timer_adverts=@2.2.3 vrrp_garp_extra_if@2.2.3 vrrp_garp_interval=@1.2.21
        vrrp_garp_lower_prio_delay=@1.2.20 vrrp_garp_lower_prio_repeat=@1.2.20 vrrp_garp_master_delay=@1.2.20
        vrrp_garp_master_refresh=@1.2.20 vrrp_garp_master_refresh_repeat=@1.2.20 vrrp_garp_master_repeat=@1.2.20
        vrrp_gna_interval=@1.2.21 vrrp_higher_prio_send_advert@1.3.5 vrrp_ipsets@1.2.20?LIBIPSET vrrp_iptables@1.2.20
        vrrp_lower_prio_no_advert@1.2.20 vrrp_mcast_group4= vrrp_mcast_group6= vrrp_min_garp@2.0.12
        vrrp_netlink_cmd_rcv_bufs@2.0.0 vrrp_netlink_cmd_rcv_bufs_force@2.0.0 vrrp_netlink_monitor_rcv_bufs@2.0.0
        vrrp_netlink_monitor_rcv_bufs_force@2.0.0 vrrp_no_swap@1.2.20 vrrp_notify_fifo@1.3.6
        vrrp_notify_fifo_script!@1.3.6 vrrp_notify_priority_changes@2.0.16 vrrp_owner_ignore_adverts@2.3.3
        vrrp_priority@1.2.20 vrrp_process_name=@2.0.16 vrrp_rlimit_rtime=@2.0.0 vrrp_rlimit_rttime=@2.1.0
        vrrp_rt_priority@2.0.0 vrrp_rx_bufs_multiplier@2.0.3 vrrp_rx_bufs_policy@2.0.3
        vrrp_skip_check_adv_addr@1.2.20 vrrp_startup_delay=@2.0.14 vrrp_strict@1.2.20 vrrp_version=@1.2.20
        vrrp_vmac_garp_intvl@2.2.0
        """,
    "vrrp_instance": """
        accept@1.2.17 advert_int= auth_hmac:auth_hmac@2.4.0 authentication:authentication check_unicast_src@2.1.0 debug=
        dont_track_primary down_timer_adverts=@2.2.3 garp_extra_if@2.2.3 garp_lower_prio_delay=@1.2.20
        garp_lower_prio_repeat=@1.2.20 garp_master_delay= garp_master_refresh= garp_master_refresh_repeat=@1.2.14
        garp_master_repeat=@1.2.14 higher_prio_send_advert@1.3.5 interface= kernel_rx_buf_size@2.0.3
        linkbeat_use_polling@2.0.0 lower_prio_no_advert@1.2.20 lvs_sync_daemon_interface= mcast_dst_ip=@2.2.5
        mcast_src_ip= native_ipv6 no_accept@1.3.0 no_virtual_ipaddress@2.2.8 nopreempt notify!= notify_backup!=
        notify_deleted!@2.1.0 notify_fault!= notify_master!= notify_master_rx_lower_pri!=@2.0.6
        notify_priority_changes@2.0.16 notify_stop!= old_unicast_checksum@1.3.7 owner_ignore_adverts@2.3.3 preempt
        preempt_delay= priority= promote_secondaries@1.3.0 skip_check_adv_addr@1.2.20 smtp_alert state=
        strict_mode@1.2.20
        thread_timer_expired@2.3.2 timer_expired_backup@2.2.8 track_bfd{}@2.0.0?BFD track_file{}@2.0.0
        track_interface{} track_process{}@2.0.11 track_script{} track_src_ip@2.0.0 unicast_fault_no_peer@2.2.5
        unicast_peer{} unicast_src_ip= unicast_ttl=@2.1.0 use_ipvlan@2.0.17 use_vmac use_vmac_addr@2.2.0
        v3_checksum_as_v2@2.2.8 version=@1.2.17 virtual_ipaddress{} virtual_ipaddress_excluded{} virtual_router_id=
        virtual_routes{} virtual_rules{}@1.2.20 vmac_garp_intvl@2.2.0 vmac_xmit_base vrf=@2.2.5
        """,
    "authentication": "auth_pass= auth_type=",
    "auth_hmac": "active_key@2.4.0 anti_replay@2.4.0 key@2.4.0 mode@2.4.0 time_window@2.4.0",
    "vrrp_sync_group": """
        global_tracking group{} notify!= notify_backup!= notify_fault!= notify_master!= notify_priority_changes@2.2.0
        notify_stop!=@2.0.0 smtp_alert sync_group_tracking_weight@2.0.0 track_bfd{}@2.0.0?BFD track_file{}@2.0.0
        track_interface{}@2.0.0 track_process{}@2.0.11 track_script{}@2.0.0
        """,
    "vrrp_script": "fall= init_fail@1.3.2 interval= rise= script! timeout= user=@1.3.0 weight=",
    "vrrp_track_process": """
        delay=@2.0.11 fork_delay=@2.0.16 full_command@2.0.11 param_match@2.0.16 process=@2.0.11 quorum=@2.0.11
        quorum_max=@2.0.16 terminate_delay=@2.0.16 weight@2.0.11
        """,
    "track_file": "file init_file weight",
    "track_group": "group{}@2.0.3",
    "garp_group": "garp_interval=@1.2.21 gna_interval=@1.2.21 interface=@1.2.21 interfaces{}@1.2.21",
    "bfd_instance": """
        checker hoplimit= idle_tx= max_hops= min_rx= min_tx= multihop@2.3.2 multiplier= neighbor_ip= neighbour_ip=
        passive source_ip= ttl= vrrp weight=
        """,
    "SSL": "ca certificate key password",
    "virtual_server": """
        alpha connect_timeout=@2.0.13 delay_before_retry=@1.3.7 delay_loop= flag-1@1.3.0 flag-2@1.3.0 flag-3@1.3.0
        ha_suspend hashed@1.3.0 hysteresis= inhibit_on_failure@1.3.7 ip_family=@1.2.20 lb_algo= lb_kind= lvs_method=
        lvs_sched= mh-fallback@2.0.20 mh-port@2.0.20 nat_mask<1.2.20 omega ops persistence_engine=@1.2.20
        persistence_granularity= persistence_timeout protocol= quorum= quorum_down!= quorum_up!=
        real_server:real_server=
        retry=@1.3.7 sh-fallback@1.3.0 sh-port@1.3.0 smtp_alert@2.0.0 snmp_name@2.2.3?SNMP_CHECKER sorry_server=
        sorry_server_inhibit sorry_server_lvs_method@1.3.6 virtualhost warmup=@1.3.7 weight=@1.3.7
        """,
    "real_server": """
        alpha@1.3.7 connect_timeout=@2.0.13 delay_before_retry=@1.3.7 delay_loop=@1.3.7 inhibit_on_failure lthreshold=
        lvs_method=@1.3.6 notify_down!= notify_up!= retry=@1.3.7 smtp_alert@2.0.0 snmp_name@2.2.3?SNMP_CHECKER
        uthreshold=
        virtualhost@1.3.6 warmup=@1.3.7 weight= """
    + _CHECKS,
    "connection": _CONNECTION,
    "bfd_check": "alpha name",
    "dns_check": "name= type= " + _CONNECTION,
    "file_check": "track_file= weight",
    "http_get": """
        enable_sni@1.4.3 fast_recovery@2.0.17 http_protocol@2.0.17 nb_get_retry= url:url
        virtualhost@1.3.6 """
    + _CONNECTION,
    "ssl_get": """
        enable_sni@1.4.3 fast_recovery@2.0.17 http_protocol@2.0.17 nb_get_retry= tls_compliant@2.2.8 url:ssl_url
        virtualhost@1.3.6 """
    + _CONNECTION,
    "url": """
        digest= path= regex@2.0.7?REGEX regex_max_offset@2.0.7?REGEX regex_min_offset@2.0.7?REGEX
        regex_no_match@2.0.7?REGEX regex_options@2.0.7?REGEX regex_stack@2.0.7?REGEX status_code
        virtualhost@1.3.6
        """,
    "ssl_url": """
        digest= path= regex@2.0.7?REGEX regex_max_offset@2.0.7?REGEX regex_min_offset@2.0.7?REGEX
        regex_no_match@2.0.7?REGEX regex_options@2.0.7?REGEX regex_stack@2.0.7?REGEX status_code tls_compliant@2.2.8
        virtualhost@1.3.6
        """,
    "misc_check": "misc_dynamic misc_path! misc_timeout= user@1.3.0 " + _CHECKER,
    "smtp_check": "helo_name host:connection " + _CONNECTION,
    "udp_check": "max_reply_length=@2.2.0 min_reply_length=@2.2.0 payload@2.2.0 require_reply " + _CONNECTION,
}
# keepalived crashes at a command that it cannot read behind these, and drops the line of any other.
CRASHING = ("misc_path", "script")

# The words of an item that keepalived reads the next one of, and ends at once where there is none.
_ROUTE = """
    advmss anycast as blackhole broadcast congctl cwnd dev dsfield fastopen_no_cookie features from gw hoplimit
    initcwnd initrwnd local metric mtu multicast nat oif or preference priority prohibit protocol quickack realms
    reordering rto_min rtt rttvar scope src ssthresh table throw to tos track_group ttl-propagate unicast unreachable
    via vrf window xresolve
    """
_RULE = """
    dev dport dsfield from fwmark goto iif ipproto lookup oif order preference priority protocol realms sport
    suppress_ifgroup suppress_prefixlength table to tos track_group tunnel-id uidrange
    """
_VALUED = {
    # A number is a type of route, as unicast is.
    **dict.fromkeys(("static_routes", "virtual_routes"), re.compile("|".join((r"\d+", *_ROUTE.split())))),
    **dict.fromkeys(("static_rules", "virtual_rules"), re.compile("|".join(_RULE.split()))),
}
# What may come between such a word and its value.
_BETWEEN = ("inet", "inet6", "lock")
# What else may come there; at any other word keepalived drops the item, and reads no further.
_ALONE = re.compile(r"[\da-fA-F]*[.:][\da-fA-F.:/]*|all|any|default|inet6?|l3mdev|nexthop|no_track|not|onlink")
_WORD = re.compile(
    r"(?P<name>[\w-]+)(?P<items>\{1?\})?(?::(?P<table>\w+))?(?P<script>!)?(?P<value>=)?"
    r"(?:@(?P<since>[\d.]+))?(?:<(?P<until>[\d.]+))?(?:\?(?P<feature>\w+))?"
)


class Keyword(t.NamedTuple):
    """What is known of a keyword in one kind of block."""

    name: str
    table: str | None
    has_items: bool
    is_named: bool
    is_script: bool
    needs_value: bool
    since: Version | None
    until: Version | None
    feature: str | None

    @property
    def has_body(self) -> bool:
        return self.has_items or self.table is not None

    def known_to(self, build: Build) -> bool:
        """True where this keepalived knows the keyword; one that tells nothing of its features has them all."""
        if (self.since and build.version < self.since) or (self.until and build.version >= self.until):
            return False
        return not (self.feature and build.features) or self.feature in build.features


def _read(word: str) -> Keyword:
    result = t.cast("re.Match[str]", _WORD.fullmatch(word))
    since, until = (Version.parse(result.group(key)) if result.group(key) else None for key in ("since", "until"))
    return Keyword(
        result.group("name"),
        result.group("table"),
        result.group("items") is not None,
        result.group("items") == "{1}",
        result.group("script") is not None,
        result.group("value") is not None,
        since,
        until,
        result.group("feature"),
    )


_CACHE: dict[str, dict[str, Keyword]] = {}


def keywords(table: str) -> t.Mapping[str, Keyword]:
    """Return the keywords of a kind of block by their name."""
    if table not in _CACHE:
        _CACHE[table] = {item.name: item for item in map(_read, _TABLES.get(table, "").split())}
    return _CACHE[table]


def lookup(*path: str) -> Keyword | None:
    """Return a keyword by the blocks around it and its name, as in ``("vrrp_instance", "state")``."""
    table: str | None = ROOT
    result: Keyword | None = None
    for name in path:
        result = keywords(table).get(name) if table is not None else None
        if result is None:
            return None
        table = result.table
    return result


def readers(name: str) -> tuple[str, ...]:
    """Return which processes read a root block or word."""
    return _READERS.get(name, ("vrrp",))


def is_read(process: str, table: str, name: str) -> bool:
    """Tell whether a process that reads the block reads the value too: of a bfd_instance most do not."""
    return table != "bfd_instance" or process == ("vrrp" if name == "weight" else "bfd")


def lacking(name: str, item: t.Sequence[str]) -> str:
    """Return the last word of an item in the block of this name where its value is missing, nothing otherwise."""
    if name == "virtual_server_group":
        return "fwmark" if tuple(item) == ("fwmark",) else ""
    valued = _VALUED.get(name)
    if valued is None:
        return ""
    awaits = ""
    for word in item:
        if awaits:
            awaits = word if word in _BETWEEN else ""
        elif valued.fullmatch(word):
            awaits = word
        elif not _ALONE.fullmatch(word):
            return ""
    return awaits
