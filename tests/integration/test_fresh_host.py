# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host without nginx and keepalived: what is shown before they are installed, and what stops a deployment."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import ADDRESS, PEER, VIP, Args, Host

OPS = 1000
SITES: Args = {
    "upstreams": [{"name": "blog", "servers": [{"address": "10.89.77.21"}, {"address": "10.89.77.22"}]}],
    "servers": [{"server_name": ["site.example"], "upstream": "blog"}],
}
INSTANCE: Args = {
    "name": "VI_1",
    "virtual_router_id": 51,
    "virtual_ipaddress": [f"{VIP}/24"],
    "unicast_src_ip": ADDRESS,
    "unicast_peer": [PEER],
}
MODULES: dict[str, Args] = {
    "nginx_config": SITES,
    "nginx_upstream": SITES["upstreams"][0],
    "keepalived_config": {"instances": [INSTANCE]},
    "vrrp_instance": INSTANCE,
}


@pytest.mark.parametrize("module", MODULES)
def test_check_mode_shows_what_will_be_and_writes_nothing(fresh: Host, module: str) -> None:
    before = fresh.listing("/etc", "/var", "/run", "/tmp")
    shown = fresh.ok(module, MODULES[module], check=True)
    assert (shown["changed"], shown["validated"], shown["staged_with"]) == (True, "model", None)
    assert {one["action"] for one in shown["files"]} == {"created"}
    assert [one["after_header"] for one in shown["diff"]] == [one["path"] for one in shown["files"]]
    assert fresh.listing("/etc", "/var", "/run", "/tmp") == before


@pytest.mark.parametrize(
    ("module", "daemon"), [(name, name.split("_")[0].replace("vrrp", "keepalived")) for name in MODULES]
)
def test_nothing_untested_is_written(fresh: Host, module: str, daemon: str) -> None:
    before = fresh.listing("/etc", "/var")
    assert fresh.refused(module, MODULES[module]) == f"{daemon} is not installed on this host: install it first"
    assert fresh.listing("/etc", "/var") == before


def test_the_rules_hold_without_a_daemon(fresh: Host) -> None:
    twice = [{"name": name, "server_name": ["site.example"], "listen": ["80"]} for name in ("a", "b")]
    assert fresh.refused("nginx_config", {"servers": twice}, check=True) == (
        'servers[1]: nginx ignores this server "site.example" at *:80, as servers[0] has both '
        "[conflicting-server-name]. Nothing was changed."
    )


def test_info_says_that_there_is_nothing(fresh: Host) -> None:
    found = fresh.ok("vrrp_info", {})
    assert (found["installed"], found["running"], found["instances"], found["held"]) == (False, False, [], [])


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("module", [*MODULES, "preflight", "vrrp_info"])
def test_without_root_nothing_begins(fresh: Host, module: str, check: bool) -> None:
    assert fresh.refused(module, MODULES.get(module, {}), check=check, user=OPS) == (
        "this needs root: set ansible_become: true for the host, or log in as root"
    )


@pytest.mark.parametrize(
    ("module", "args", "unknown"),
    [
        ("nginx_upstream", dict(SITES["upstreams"][0], fair=True), "fair"),
        (
            "nginx_config",
            {"upstreams": [dict(SITES["upstreams"][0], servers=[{"address": "x", "wieght": 1}])]},
            "wieght",
        ),
        ("vrrp_instance", dict(INSTANCE, prioritty=1), "prioritty"),
        ("keepalived_config", {"instances": [dict(INSTANCE, vips=[VIP])]}, "vips"),
    ],
)
def test_an_unknown_option_is_named(fresh: Host, module: str, args: Args, unknown: str) -> None:
    words = fresh.refused(module, args)
    assert words.startswith("Unsupported parameters")
    assert unknown in words


@pytest.fixture
def taken(fresh: Host) -> t.Iterator[Host]:
    """The host, with a program of somebody else on port 80."""
    fresh.run("systemd-run -q --unit=test-taker python3 -m http.server 80")
    fresh.eventually(lambda: "python3" in fresh.run("ss -Hltnp 'sport = 80'"), "a program takes the port")
    yield fresh
    fresh.run("systemctl stop test-taker")


def test_a_port_in_use_is_found_with_the_program_that_has_it(taken: Host) -> None:
    words = (
        "port 80 is in use by python3: stop it (systemctl disable --now ...) or let the site listen elsewhere"
        " | Nothing was changed."
    )
    for check in (True, False):
        assert taken.refused("preflight", {"ports": [80, 81]}, check=check) == words
    assert not taken.ok("preflight", {"ports": [81]})["changed"]
    assert not taken.ok("preflight", {"ports": [80], "programs": ["nginx", "python3"]})["changed"]


def test_everything_that_is_wrong_is_named_at_once(taken: Host) -> None:
    words = taken.refused(
        "preflight",
        {"ports": [80], "instances": [dict(INSTANCE, virtual_ipaddress=["172.29.19.18/24"])], "packages": ["no-such"]},
    ).split(" | ")
    assert len(words) == 4
    assert words[0].startswith("port 80 is in use by python3: ")
    assert "172.29.19.18 lies in no subnet of this host" in words[1]
    assert words[2].startswith("no-such cannot be had from this host's package sources (")
    assert words[2].endswith("): make `apt-get update && apt-get install no-such` work")
    assert words[3] == "Nothing was changed."


def test_processes_that_cannot_be_watched_are_told_before_anything_is_installed(fresh: Host) -> None:
    for check in (True, False):
        words = fresh.refused("preflight", {"track_processes": True}, check=check)
        assert words.startswith("keepalived cannot watch processes here: ")
    assert not fresh.ok("preflight", {"track_processes": False})["changed"]


def test_packages_are_fetched_and_not_installed(fresh: Host) -> None:
    packages = {"packages": ["nginx", "keepalived"]}
    for check in (True, False):
        assert fresh.ok("preflight", packages, check=check)["missing"] == packages["packages"]
    assert fresh.attempt("command -v nginx keepalived").stdout == ""


@pytest.fixture
def cut_off(fresh: Host) -> t.Iterator[Host]:
    """The host, with package sources where nobody answers and nothing fetched before."""
    fresh.run(
        "mkdir /root/apt && mv /var/lib/apt/lists /var/cache/apt/archives /etc/apt/sources.list.d /root/apt/ &&"
        "mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial /etc/apt/sources.list.d &&"
        "echo 'deb http://127.0.0.1:9/debian bookworm main' >/etc/apt/sources.list.d/nowhere.list"
    )
    yield fresh
    fresh.run(
        "rm -rf /var/lib/apt/lists /var/cache/apt/archives /etc/apt/sources.list.d &&"
        "mv /root/apt/lists /var/lib/apt/ && mv /root/apt/archives /var/cache/apt/ &&"
        "mv /root/apt/sources.list.d /etc/apt/ && rmdir /root/apt"
    )


@pytest.mark.parametrize("check", [True, False])
def test_a_package_source_out_of_reach_is_known_before_anything_is_changed(cut_off: Host, check: bool) -> None:
    words = cut_off.refused("preflight", {"packages": ["nginx", "keepalived"]}, check=check)
    assert words.startswith("nginx and keepalived cannot be had from this host's package sources (")
    assert words.endswith(": make `apt-get update && apt-get install nginx keepalived` work | Nothing was changed.")
    assert "W: Failed to fetch http://127.0.0.1:9/debian/dists/bookworm/InRelease" in words
    assert cut_off.attempt("command -v nginx keepalived").stdout == ""


def test_check_mode_looks_into_new_package_lists_and_keeps_the_old_ones(cut_off: Host) -> None:
    cut_off.run(
        "mkdir -p /root/repo && printf '%s\\n' 'Package: tiny' 'Version: 1' 'Architecture: all' 'Filename: ./tiny.deb'"
        " 'Size: 1' 'Description: a package' >/root/repo/Packages &&"
        "echo 'deb [trusted=yes] file:/root/repo ./' >/etc/apt/sources.list.d/nowhere.list"
    )
    before = cut_off.listing("/etc", "/var", "/tmp")
    assert cut_off.ok("preflight", {"packages": ["tiny"]}, check=True)["missing"] == ["tiny"]
    assert cut_off.listing("/etc", "/var", "/tmp") == before


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"interface": "eth9"}, "interface"),
        ({"interface": "eth0", "track_interface": ["eth9"]}, "track_interface[0]"),
        ({"interface": "eth0", "virtual_ipaddress": [f"{VIP}/24 dev eth9"]}, "virtual_ipaddress[0].dev"),
    ],
)
def test_an_interface_that_is_not_there_is_told_before_anything_is_changed(
    fresh: Host, options: Args, where: str
) -> None:
    told = fresh.refused("preflight", {"instances": [{**INSTANCE, **options}]})
    assert told.startswith(f"instances[0].{where}: eth9 is no interface of this host (eth0, lo")


REPOSITORY = """
mkdir -p /repository && cd /repository
for version in 1.0-1 1.1-1 2.0-1; do
    mkdir -p thing/DEBIAN
    printf '%s\\n' 'Package: thing' "Version: $version" 'Architecture: all' 'Maintainer: a <a@example.com>' \\
        'Description: x' >thing/DEBIAN/control
    file=thing_$version.deb
    dpkg-deb --build thing $file >/dev/null
    { dpkg-deb --field $file; echo "Filename: ./$file"; echo "Size: $(stat -c %s $file)"
      echo "SHA256: $(sha256sum <$file | cut -d' ' -f1)"; echo; } >>Packages
done
list=/etc/apt/sources.list.d/thing.list
echo 'deb [trusted=yes] file:/repository ./' >$list
apt-get update -q -o APT::Get::List-Cleanup=0 -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::SourceList=$list
apt-get install -q -y thing
"""


@pytest.fixture
def of_versions(fresh: Host) -> t.Iterator[Host]:
    """A host on which a package is installed in the newest of the three versions that its sources have."""
    fresh.run(REPOSITORY)
    yield fresh
    fresh.run("apt-get purge -q -y thing; rm -rf /repository /etc/apt/sources.list.d/thing.list")


def test_a_package_of_another_version_is_missing_and_had_from_the_sources(of_versions: Host) -> None:
    def pinned(version: str) -> Args:
        return {"packages": ["thing"], "pins": [{"package": "thing", "version": version, "path": "nginx_version"}]}

    before = of_versions.listing("/etc", "/usr")
    for check in (True, False):
        assert of_versions.ok("preflight", pinned("2.0-1"), check=check)["missing"] == []
        assert of_versions.ok("preflight", pinned("1.*"), check=check)["missing"] == ["thing"]
        assert of_versions.refused("preflight", pinned("3.*"), check=check) == (
            "nginx_version: the package sources of this host have no version 3.* of thing, but 2.0-1, 1.1-1, 1.0-1: "
            "use one of these, or add a source that has it | Nothing was changed."
        )
    assert of_versions.listing("/etc", "/usr") == before


@pytest.mark.parametrize("check", [True, False])
def test_a_system_that_is_not_supported_is_refused_before_all_else(fresh: Host, check: bool) -> None:
    fresh.run(
        "printf 'ID=fedora\\nVERSION_ID=42\\nPRETTY_NAME=\"Fedora Linux 42\"\\n' >/run/other; "
        "mount --bind /run/other /usr/lib/os-release"
    )
    try:
        assert fresh.refused("preflight", {"packages": ["nginx-that-is-not"]}, check=check) == (
            "this host runs Fedora Linux 42, and this collection supports Debian 11, 12, 13 and Ubuntu 22.04, 24.04 "
            "and Red Hat Enterprise Linux, CentOS Stream, Rocky Linux, AlmaLinux, Oracle Linux 8, 9, 10: use one "
            "of these. Nothing was changed."
        )
    finally:
        fresh.run("umount /usr/lib/os-release")
