# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever goes wrong with a change of a real keepalived, it goes on as before, and the person is told why."""

from __future__ import annotations

import shlex
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from real_hosts import ADDRESS, PEER, VIP, Args, Host

FOLDER = "/etc/keepalived/holdfast.d"
VI_1 = f"{FOLDER}/30-vrrp_instance-VI_1.conf"


def instance(name: str = "VI_1", number: int = 51, vip: str = VIP, **more: t.Any) -> dict[str, t.Any]:
    """Return the options of an instance of this host."""
    options = {"name": name, "virtual_router_id": number, "virtual_ipaddress": [f"{vip}/24"]}
    return dict(options, unicast_src_ip=ADDRESS, unicast_peer=[PEER], **more)


@pytest.fixture
def holding(host: Host) -> Host:
    """A host whose keepalived holds the address."""
    host.ok("keepalived_config", {"instances": [instance()]})
    host.run("systemctl start keepalived")
    host.eventually(lambda: VIP in host.run("ip -br address show eth0"), "keepalived holds the address")
    return host


def running(host: Host) -> Args:
    """Return what must not change while changes are refused."""
    return {
        "states": host.states(),
        "processes": host.run("pgrep -x keepalived"),
        "reloads": host.run("journalctl -q -u keepalived | grep -c Reloading || true"),
        "address": VIP in host.run("ip -br address show eth0"),
    }


def leftovers(host: Host) -> str:
    """Return what a change that is over must not leave: a journal, stages, files that wait to be renamed."""
    return host.run(
        "find /var/lib/holdfast /run/holdfast-* /etc/keepalived /tmp/keepalived.json "
        "-name 'journal*' -o -name 'holdfast-stage-*' -o -name '*.holdfast-new' -o -name keepalived.json 2>/dev/null"
        " || true"
    )


def test_what_keepalived_rejects_a_hundred_times_leaves_the_old_instance(holding: Host) -> None:
    before, files = running(holding), holding.listing("/etc", "/run", "/var", "/tmp")
    assert before["states"]["VI_1"]["state"] == "MASTER"
    for number in range(100):
        bad = {"instances": [instance(priority=number + 2, track_file=["nowhere"])]}
        words = holding.refused("keepalived_config", bad)
        assert words.startswith(
            "keepalived refuses the configuration, nothing was changed: "
            f"instances[0].track_file.nowhere: ({VI_1}: Line "
        )
        assert words.endswith("(VI_1) track file nowhere not found, ignoring...")
        assert VIP in holding.run("ip -br address show eth0")
    assert running(holding) == before
    assert holding.listing("/etc", "/run", "/var", "/tmp") == files


@pytest.mark.parametrize("check", [True, False])
def test_a_tree_that_others_broke_is_named_without_a_change_of_ours(holding: Host, check: bool) -> None:
    holding.write(f"{FOLDER}/50-foreign.conf", "# mine\nfrobnicate on\n")
    words = holding.refused("keepalived_config", {"instances": [instance()]}, check=check)
    assert words == (
        "keepalived refuses the configuration, nothing was changed: "
        f"({FOLDER}/50-foreign.conf: Line 2) Unknown keyword 'frobnicate'"
    )


def test_a_keepalived_that_dies_of_a_reload_gets_the_old_files_back(holding: Host) -> None:
    old = holding.read(VI_1)
    # Stopped, it can neither reload nor say what it runs with; then it dies while the module waits for its word:
    # when SIGHUP, the lowest bit of what is pending, has come (proc(5)).
    told = 'until grep -q "^ShdPnd:.*[13579bdf]$" /proc/$pid/status; do sleep 0.02; done'
    holding.run(
        f"systemd-run -q sh -c 'pid=$(cat /run/keepalived.pid); kill -STOP $pid; {told}; pkill -x -KILL keepalived'"
    )
    holding.eventually(lambda: "T" in holding.run("ps -o state= $(cat /run/keepalived.pid)"), "keepalived is stopped")
    words = holding.refused("keepalived_config", {"instances": [instance(priority=99)]})
    assert words == (
        "keepalived did not take the new configuration, the old one was put back: "
        "it ended while reading the new configuration (see: journalctl -u keepalived)"
    )
    assert holding.read(VI_1) == old
    assert leftovers(holding) == ""
    holding.run("systemctl restart keepalived")
    assert holding.states()["VI_1"]["base_priority"] == 100


def test_a_reload_that_does_not_take_is_undone(holding: Host) -> None:
    # The child that speaks VRRP is stopped: it reads nothing new, and answers nobody.
    child = holding.run("pgrep -P $(cat /run/keepalived.pid)").strip()
    holding.run(f"kill -STOP {child}")
    quick = (
        "from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Transaction;"
        "Transaction.__init__.__kwdefaults__['timeout'] = 3.0"
    )
    words = holding.refused("keepalived_config", {"instances": [instance(priority=99)]}, prelude=quick)
    assert words == (
        "keepalived did not take the new configuration, the old one was put back: vrrp_instance VI_1 is not there; "
        "the old files of keepalived are back, and it does not run as they say: vrrp_instance VI_1 is not there. "
        "Restart it: systemctl restart keepalived"
    )
    holding.run(f"kill -CONT {child}")
    state = holding.states()["VI_1"]
    assert (state["state"], state["base_priority"]) == ("MASTER", 100)
    assert leftovers(holding) == ""


def test_a_pid_file_that_names_another_program_gets_nobody_killed(holding: Host) -> None:
    holding.run("systemctl stop keepalived; systemd-run -q --unit=test-innocent sleep 100")
    holding.run("systemctl show --value -p MainPID test-innocent >/run/keepalived.pid")
    done = holding.ok("keepalived_config", {"instances": [instance(priority=99)]})
    assert (done["changed"], done["reloaded"]) == (True, False)
    assert holding.run("systemctl is-active test-innocent; systemctl stop test-innocent") == "active\n"


def test_killed_at_any_point_the_next_run_mends_it(holding: Host) -> None:
    def wanted(priority: int) -> Args:
        return {"instances": [instance(priority=priority)]}

    steps = holding.steps("keepalived_config", wanted(101))
    repaired = []
    for step in (2, *range(steps * 2 // 3, steps + 1, 2)):
        holding.ok("keepalived_config", wanted(100))
        assert holding.killed("keepalived_config", wanted(101), step), step
        assert VIP in holding.run("ip -br address show eth0")
        repaired.append(holding.ok("keepalived_config", wanted(101))["repaired"])
        assert holding.states()["VI_1"]["base_priority"] == 101
        assert leftovers(holding) == ""
        assert not holding.ok("keepalived_config", wanted(101))["changed"]
    assert any(repaired), "no kill fell between the first and the last change"


def test_two_runs_at_once_come_one_after_the_other(holding: Host) -> None:
    with holding.beside() as beside, ThreadPoolExecutor(2) as pool:
        names = ["VI_2", "VI_3"]
        options = [instance(name, 52 + at, f"10.89.77.{101 + at}") for at, name in enumerate(names)]
        runs = [pool.submit(one.ok, "vrrp_instance", args) for one, args in zip((holding, beside), options)]
        assert all(run.result()["reloaded"] for run in runs)
    assert sorted(holding.states()) == ["VI_1", "VI_2", "VI_3"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            instance(vip="172.29.19.18"),
            "172.29.19.18 lies in no subnet of this host (10.89.77.0/24 on eth0, 127.0.0.0/8 on lo): "
            "correct the address, or say the interface",
        ),
        (
            instance(vip=ADDRESS),
            f"{ADDRESS} is an address that eth0 of this host has of its own: "
            "choose a free address of the subnet as the virtual one",
        ),
        (
            dict(instance(), unicast_src_ip="10.89.77.13"),
            f"unicast_src_ip 10.89.77.13 is no address of eth0, where {VIP} lies "
            "(10.89.77.0/24 on eth0): correct one of the two, or say the interface",
        ),
        (instance(number=256), "256 is not from 1 to 255"),
    ],
)
def test_what_this_host_cannot_hold_is_refused_before_anything_is_changed(host: Host, args: Args, words: str) -> None:
    before = host.listing("/etc", "/var")
    for check in (True, False):
        path, _sign, said = host.refused("vrrp_instance", args, check=check).partition(": ")
        assert said == words
    in_a_list = {"instances": [instance("VI_9", 59, "10.89.77.109"), args]}
    assert host.refused("keepalived_config", in_a_list) == f"instances[1].{path}: {words}"
    assert host.refused("preflight", in_a_list) == f"instances[1].{path}: {words} | Nothing was changed."
    assert host.listing("/etc", "/var") == before


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"interface": "gone0"}, "interface"),
        ({"track_interface": ["eth0", {"name": "gone0", "weight": -20}]}, "track_interface[1]"),
        ({"virtual_ipaddress_excluded": ["10.89.78.1/24 dev gone0"]}, "virtual_ipaddress_excluded[0].dev"),
    ],
    ids=["interface", "tracker", "address"],
)
def test_an_interface_that_is_not_there_is_refused_before_keepalived_could_end_over_it(
    host: Host, more: Args, path: str
) -> None:
    before = host.listing("/etc", "/var")
    there = ", ".join(sorted(host.run("ls /sys/class/net").split()))
    args = {"instances": [dict(instance(), **more)]}
    for module in ("keepalived_config", "preflight"):
        words = host.refused(module, args)
        assert f"instances[0].{path}: gone0 is no interface of this host ({there}): " in words
    assert host.listing("/etc", "/var") == before


FOREIGN = """# written by somebody
vrrp_instance {name} {{
    interface eth0
    virtual_router_id {number}
    version 3
    advert_int 0.1
    unicast_peer {{
        10.89.77.13
    }}
    virtual_ipaddress {{
        {vip}/24 dev eth0
    }}
}}
"""


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize(
    ("name", "number", "vip", "option", "what"),
    [
        ("FOREIGN", 200, VIP, "virtual_ipaddress", f"the address {VIP}"),
        ("FOREIGN", 51, "10.89.77.200", "virtual_router_id", "router 51 on eth0"),
        ("VI_1", 200, "10.89.77.200", "name", "a vrrp_instance VI_1"),
    ],
)
def test_an_instance_of_somebody_else_stops_everything(
    host: Host, included: bool, name: str, number: int, vip: str, option: str, what: str
) -> None:
    main = "/etc/keepalived/keepalived.conf"
    path = "/etc/keepalived/conf.d/site.conf" if included else main
    host.run("mkdir -p /etc/keepalived/conf.d")
    host.write(main, "include conf.d/{site,other}.conf\n")
    host.write(path, FOREIGN.format(name=name, number=number, vip=vip))
    host.run("systemctl start keepalived")
    host.eventually(lambda: vip in host.run("ip -br address show eth0"), "the foreign instance works")
    before, files = running(host), host.listing("/etc", "/var")
    words = (
        f"{option}: keepalived on this host has {what} already, from vrrp_instance {name} at {path}:2, which this "
        "collection did not write: choose another, remove that one, or take over with adopt: true, which replaces "
        "the main file and keeps a copy of it [foreign-instance]"
    )
    for check in (True, False):
        assert host.refused("vrrp_instance", instance(), check=check) == f"{words}. Nothing was changed."
        for module in ("keepalived_config", "preflight"):
            assert f"instances[0].{words}" in host.refused(module, {"instances": [instance()]}, check=check)
    assert host.listing("/etc", "/var") == files
    assert running(host) == before
    assert host.ok("preflight", {"instances": [instance()], "adopt": True})["changed"] is False


def test_taking_over_keeps_the_old_main_file_and_the_address(host: Host) -> None:
    main, kept = "/etc/keepalived/keepalived.conf", "/var/lib/holdfast/keepalived/adopted"
    foreign = FOREIGN.format(name="FOREIGN", number=51, vip=VIP)
    host.write(main, foreign)
    host.run("systemctl start keepalived")
    host.eventually(lambda: VIP in host.run("ip -br address show eth0"), "the foreign instance works")
    ours = {"instances": [instance()], "adopt": True}

    shown = host.ok("keepalived_config", ours, check=True)
    assert host.attempt(f"test -e {kept}").rc == 1
    done = host.ok("keepalived_config", ours)
    assert done["diff"] == shown["diff"]
    assert [one["before"] for one in done["diff"] if one["before_header"] == main] == [foreign]
    assert "FOREIGN" not in host.read(main)
    assert host.run(f"cat {kept}/keepalived.conf.*") == foreign
    assert host.run(f"stat -c %a {kept} {kept}/*").split() == ["700", "600"]
    assert list(host.states()) == ["VI_1"]
    host.eventually(lambda: VIP in host.run("ip -br address show eth0"), "our instance has the address")
    assert not host.ok("keepalived_config", ours)["changed"]
    assert host.run(f"ls {kept} | wc -l") == "1\n"


# A program that takes the name as often as it can, as a folder that is not empty.
MAKER = """
import os
while True:
    try:
        os.mkdir("/tmp/keepalived.json")
        open("/tmp/keepalived.json/file", "w").close()
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    "obstacle",
    [
        "mkdir /tmp/keepalived.json",
        "mkdir -p /tmp/keepalived.json/$(printf 'd/%.0s' $(seq 1500))",
        "ln -s /etc /tmp/keepalived.json",
        "ln -s /etc/nowhere /tmp/keepalived.json",
        "mkfifo /tmp/keepalived.json",
        "echo '[]' >/tmp/keepalived.json",
        "exec systemd-cat python3 /dev/shm/maker",
    ],
    ids=["folder", "deep", "link", "dangling", "pipe", "file", "again and again"],
)
def test_no_user_can_stop_a_change_by_a_file_in_tmp(holding: Host, obstacle: str) -> None:
    holding.write("/dev/shm/maker", MAKER)
    holding.run("chmod 0644 /dev/shm/maker")
    holding.run(f"systemd-run -q --unit=test-maker --uid=ops --remain-after-exit sh -c {shlex.quote(obstacle)}")
    holding.eventually(lambda: holding.attempt("ls -d /tmp/keepalived.json").rc == 0, "the name is taken")
    try:
        for priority in (99, 98):
            assert holding.ok("keepalived_config", {"instances": [instance(priority=priority)]})["reloaded"]
            assert holding.states()["VI_1"]["base_priority"] == priority
    finally:
        holding.run("systemctl stop test-maker; rm -rf /tmp/keepalived.json /tmp/.holdfast-*")


def test_what_keepalived_cannot_write_is_told_and_it_may_have_a_place_of_its_own(holding: Host) -> None:
    unit, place = "/run/systemd/system/keepalived.service.d", "/run/test-place"
    holding.run("mount -o remount,size=1m /tmp; cat /dev/zero >/tmp/filler 2>/dev/null || true")
    try:
        words = holding.refused("vrrp_info", {})
        assert words == "keepalived cannot write its state to /tmp/keepalived.json: no room is left there, make some"
        holding.run(f"mkdir -p {unit} {place}")
        holding.write(f"{unit}/test.conf", f"[Service]\nEnvironment=TMPDIR={place}\n")
        holding.run("systemctl daemon-reload; systemctl restart keepalived")
        holding.eventually(lambda: "VI_1" in holding.states(), "keepalived says what it has")
        assert holding.ok("keepalived_config", {"instances": [instance(priority=99)]})["reloaded"]
    finally:
        holding.run(f"rm -rf /tmp/filler {unit} {place}; mount -o remount,size=50% /tmp; systemctl daemon-reload")


def test_an_undo_that_was_killed_and_failed_is_tried_until_it_succeeds(holding: Host) -> None:
    old, staged = holding.read(VI_1), {"instances": [instance(priority=99)], "stage_only": True}
    commit = {"daemon": "keepalived", "state": "committed"}
    holding.ok("keepalived_config", staged)
    holding.ok("staged_change", dict(commit, confirm_within=4))
    assert holding.states()["VI_1"]["base_priority"] == 99
    # Nothing can be put in the place of a file that is a mount.
    holding.run(f"mount --bind {VI_1} {VI_1}")
    holding.run("systemctl kill --signal=KILL holdfast-undo-keepalived; systemctl kill holdfast-undo-keepalived")
    told = "journalctl -q --since -1min -t holdfast-undo | grep -c 'could not be undone, tried again' || true"
    holding.eventually(lambda: int(holding.run(told)) >= 2, "it is tried again", within=30)
    words = holding.refused("staged_change", {"daemon": "keepalived", "state": "confirmed"})
    assert words.startswith("the change of keepalived can no longer be confirmed: it undoes itself")
    holding.run(f"umount {VI_1}")
    holding.eventually(lambda: leftovers(holding) == "", "it is undone", within=30)
    assert holding.read(VI_1) == old
    assert holding.states()["VI_1"]["base_priority"] == 100
    assert (
        holding.run(
            "systemctl list-units --failed --plain --no-legend; ls /etc/systemd/system/*/holdfast-undo* || true"
        )
        == ""
    )
    holding.ok("keepalived_config", staged)
    holding.ok("staged_change", dict(commit, confirm_within=30))
    holding.ok("staged_change", {"daemon": "keepalived", "state": "confirmed"})
    assert holding.states()["VI_1"]["base_priority"] == 99
    assert leftovers(holding) == ""
