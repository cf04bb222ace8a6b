# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived_config and vrrp_instance on a real keepalived: what they say is what it then does."""

from __future__ import annotations

import json
import typing as t

import pytest
from real_hosts import ADDRESS, PEER, VIP, Args, Host

MAIN = "/etc/keepalived/keepalived.conf"
FOLDER = "/etc/keepalived/holdfast.d"
VI_1 = f"{FOLDER}/30-vrrp_instance-VI_1.conf"
INCLUDE = f"# holdfast.nginx_ha: what keepalived does on this host lies in the folder below.\ninclude {FOLDER}/*.conf\n"
PASSWORD = "s3cr3tpw"
FOREIGN = """# written by somebody
global_defs {
    router_id somebody
}
vrrp_instance FOREIGN {
    interface eth0
    virtual_router_id 200
    version 3
    advert_int 0.1
    unicast_peer {
        10.89.77.13
    }
    virtual_ipaddress {
        10.89.77.200/24
    }
}"""


def instance(name: str = "VI_1", number: int = 51, vip: str = VIP, **more: t.Any) -> dict[str, t.Any]:
    """Return the options of an instance of this host."""
    options = {"name": name, "virtual_router_id": number, "virtual_ipaddress": [f"{vip}/24"]}
    return dict(options, unicast_src_ip=ADDRESS, unicast_peer=[PEER], **more)


def start(host: Host) -> None:
    """Start keepalived and wait until it holds the address."""
    host.run("systemctl start keepalived")
    host.eventually(lambda: VIP in host.run("ip -br address show eth0"), "keepalived holds the address")


def files_of(result: Args) -> dict[str, str]:
    return {one["path"]: one["action"] for one in result["files"]}


def run_four_times(host: Host, module: str, args: Args, *, reloaded: bool) -> Args:
    """Check, run, check again, run again; return what the first run said."""
    before = host.listing("/etc", "/var", "/run", "/tmp")
    checked = host.ok(module, args, check=True)
    assert host.listing("/etc", "/var", "/run", "/tmp") == before
    done = host.ok(module, args)
    assert done["changed"]
    assert done["reloaded"] == reloaded
    assert done["diff"] == checked["diff"]
    assert done["files"] == checked["files"]
    assert done["validated"] == checked["validated"] == "daemon"
    for check in (True, False):
        again = host.ok(module, args, check=check)
        assert not again["changed"]
        assert not again["reloaded"]
        assert again["diff"] == again["files"] == []
    return done


def test_an_instance_is_added_changed_and_removed(host: Host) -> None:
    done = run_four_times(host, "vrrp_instance", instance(), reloaded=False)
    first = f"{FOLDER}/00-global_defs.conf"
    assert files_of(done) == {MAIN: "created", first: "created", VI_1: "created"}
    assert host.read(MAIN) == INCLUDE
    assert host.run(f"stat -c %a {MAIN} {VI_1} {FOLDER}").split() == ["644", "600", "755"]
    assert [one["after"] for one in done["diff"]] == [host.read(path) for path in (first, VI_1, MAIN)]

    start(host)
    done = run_four_times(host, "vrrp_instance", instance(priority=120), reloaded=True)
    assert files_of(done) == {VI_1: "changed"}
    state = host.states()["VI_1"]
    assert (state["state"], state["base_priority"], state["present"]) == ("MASTER", 120, [VIP])

    done = run_four_times(host, "vrrp_instance", instance(name="VI_2", number=52, vip="10.89.77.101"), reloaded=True)
    assert files_of(done) == {f"{FOLDER}/30-vrrp_instance-VI_2.conf": "created"}
    assert sorted(host.states()) == ["VI_1", "VI_2"]

    done = run_four_times(host, "vrrp_instance", {"name": "VI_2", "state": "absent"}, reloaded=True)
    assert files_of(done) == {f"{FOLDER}/30-vrrp_instance-VI_2.conf": "removed"}
    assert list(host.states()) == ["VI_1"]
    assert VIP in host.run("ip -br address show eth0")


def test_what_is_not_there_is_removed_without_a_trace(host: Host) -> None:
    before = host.listing("/etc", "/var")
    assert not host.ok("vrrp_instance", {"name": "VI_1", "state": "absent"})["changed"]
    assert host.listing("/etc", "/var") == before


def test_a_reload_is_over_when_the_module_says_so(host: Host) -> None:
    host.ok("keepalived_config", {"instances": [instance()]})
    start(host)
    for priority in range(101, 116):
        options = instance(priority=priority, virtual_ipaddress_excluded=[f"10.89.77.{priority}/24"])
        assert host.ok("keepalived_config", {"instances": [options]})["reloaded"]
        state = host.states()["VI_1"]
        assert state["base_priority"] == priority
        assert state["excluded_addresses"] == [f"10.89.77.{priority}"]
        assert VIP in host.run("ip -br address show eth0")


def test_the_last_instance_can_go(host: Host) -> None:
    host.ok("keepalived_config", {"instances": [instance()]})
    start(host)
    done = host.ok("keepalived_config", {"instances": []})
    assert files_of(done) == {VI_1: "removed"}
    assert host.states() == {}
    host.eventually(lambda: VIP not in host.run("ip -br address show eth0"), "the address goes with its instance")


def test_a_foreign_main_file_keeps_everything_and_gets_one_line(host: Host) -> None:
    host.write(MAIN, FOREIGN)
    host.run(f"chmod 640 {MAIN}; systemctl start keepalived")
    host.eventually(lambda: "10.89.77.200" in host.run("ip -br address show eth0"), "the foreign instance works")
    assert host.ok("vrrp_instance", instance())["reloaded"]
    assert host.read(MAIN) == f"{FOREIGN}\n\n{INCLUDE}"
    assert host.run(f"stat -c %a {MAIN}") == "640\n"
    assert sorted(host.states()) == ["FOREIGN", "VI_1"]
    host.eventually(lambda: VIP in host.run("ip -br address show eth0"), "ours works beside it")
    assert "10.89.77.200" in host.run("ip -br address show eth0")

    host.ok("vrrp_instance", instance(priority=90))
    host.ok("vrrp_instance", {"name": "VI_1", "state": "absent"})
    assert host.read(MAIN) == f"{FOREIGN}\n\n{INCLUDE}"
    assert list(host.states()) == ["FOREIGN"]


def test_only_own_files_are_pruned(host: Host) -> None:
    two = [instance(), instance(name="VI_2", number=52, vip="10.89.77.101")]
    done = host.ok("keepalived_config", {"instances": two})
    assert done["addresses"] == [
        {"address": VIP, "interface": "eth0"},
        {"address": "10.89.77.101", "interface": "eth0"},
    ]
    host.write(f"{FOLDER}/50-foreign.conf", "# mine\n")
    done = host.ok("keepalived_config", {"instances": two[1:]})
    assert files_of(done) == {VI_1: "removed"}
    assert host.run(f"ls {FOLDER}").split() == [
        "00-global_defs.conf",
        "30-vrrp_instance-VI_2.conf",
        "50-foreign.conf",
    ]


def test_an_edit_by_hand_is_kept_refused_or_taken_back(host: Host) -> None:
    wanted = {"instances": [instance(priority=110)]}
    host.ok("keepalived_config", wanted)
    host.run(f"sed -i s/110/111/ {VI_1}")
    assert host.ok("vrrp_info", {})["drifted"] == [VI_1]
    words = host.refused("keepalived_config", dict(wanted, drift="fail"))
    assert words == f"{VI_1} was edited by hand: take the edit into the inventory, or allow to overwrite it"
    kept = host.ok("keepalived_config", dict(wanted, drift="keep"))
    assert (kept["drifted"], kept["changed"]) == ([VI_1], False)
    assert "priority 111" in host.read(VI_1)
    done = host.ok("keepalived_config", wanted)
    assert done["drifted"] == [VI_1]
    assert "priority 111" in done["diff"][0]["before"]
    assert "priority 110" in host.read(VI_1)
    assert host.ok("vrrp_info", {})["drifted"] == []


@pytest.mark.parametrize("module", ["vrrp_instance", "keepalived_config"])
def test_a_password_is_nowhere_to_be_read(host: Host, module: str) -> None:
    def args(password: str, **more: t.Any) -> Args:
        secret = instance(version=2, authentication={"auth_type": "PASS", "auth_pass": password}, **more)
        return secret if module == "vrrp_instance" else {"instances": [secret]}

    results: list[Args] = [host.ok(module, args(PASSWORD), check=True), host.ok(module, args(PASSWORD))]
    start(host)
    results += [host.ok(module, args("0therone")), host.ok(module, args(PASSWORD)), host.ok("vrrp_info", {})]
    results += [host.module(module, args(PASSWORD, track_script=["missing"])), host.ok(module, args(PASSWORD))]
    assert [one["changed"] for one in results if "changed" in one] == [True, True, True, True, False, False]
    assert "auth_pass ********" in json.dumps(results[0])
    assert PASSWORD not in json.dumps(results)
    assert "0therone" not in json.dumps(results)
    assert PASSWORD in host.read(VI_1)
    readable = host.run(f"grep -rlsE '{PASSWORD}|0therone' /etc /run /var/lib/holdfast /tmp /var/tmp || true").split()
    assert readable == [VI_1]
    assert host.run(f"stat -c '%a %U' {VI_1}") == "600 root\n"


def test_a_new_password_is_what_keepalived_runs_with(host: Host) -> None:
    def args(password: str) -> Args:
        return instance(version=2, authentication={"auth_type": "PASS", "auth_pass": password})

    host.ok("vrrp_instance", args(PASSWORD))
    start(host)
    for number in range(10):
        assert host.ok("vrrp_instance", args(f"pass{number}"))["reloaded"]
        dump = host.run(
            "rm -f /tmp/keepalived.json; kill -$(keepalived --signum=JSON) $(cat /run/keepalived.pid);"
            "until grep -q auth_data.*} /tmp/keepalived.json 2>/dev/null; do :; done; cat /tmp/keepalived.json"
        )
        assert f'"auth_data":"pass{number}"' in dump
