# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics say what keepalived has told and what the kernel has, in the words of the known exporter."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.metrics import Counted, text
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_harness import NotifyHarness

from harness.waiting import eventually

INSTANCE: dict[str, t.Any] = {
    "name": "VI_1",
    "interface": "eth0",
    "router_id": 100,
    "address": "10.0.0.11",
    "vips": ["10.0.0.100", "10.0.0.101"],
    "advertised": 1,
}
OWN = 'iname="VI_1",intf="eth0",vrid="100"'
LINE = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [0-9.]+')


def metrics(states: dict[str, str], counted: Counted | None = None, **more: t.Any) -> list[str]:
    """Return the lines but for comments, each of which a collector understands."""
    given: dict[str, t.Any] = {"runs": True, "held": {}, "unfit": {}, "instance": INSTANCE, **more}
    written = text([given.pop("instance")], states, counted or Counted(), **given)
    assert written.endswith("\n")
    lines = [line for line in written.split("\n")[:-1] if not line.startswith("#")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return lines


@pytest.mark.parametrize(
    ("said", "runs", "number"),
    [("master", True, 2), ("backup", True, 1), ("fault", True, 3), ("stop", True, 0), ("master", False, 0)],
)
def test_a_state_has_the_number_that_keepalived_has_for_it(said: str, runs: bool, number: int) -> None:
    lines = metrics({"instance VI_1": said}, runs=runs)
    assert f'keepalived_vrrp_state{{{OWN},ip_address="10.0.0.100"}} {number}' in lines
    assert f'keepalived_vrrp_excluded_state{{{OWN},ip_address="10.0.0.101"}} {number}' in lines
    assert f"keepalived_up {int(runs)}" in lines


def test_what_is_held_is_what_the_kernel_has() -> None:
    lines = metrics({"instance VI_1": "master"}, held={"10.0.0.100": "eth0"})
    assert f'holdfast_address_held{{{OWN},ip_address="10.0.0.100"}} 1' in lines
    assert f'holdfast_address_held{{{OWN},ip_address="10.0.0.101"}} 0' in lines


def test_an_interface_that_nobody_says_is_that_of_the_own_address() -> None:
    lines = metrics({}, held={"10.0.0.11": "ens3"}, instance={**INSTANCE, "interface": ""})
    assert 'keepalived_become_master_total{iname="VI_1",intf="ens3",vrid="100"} 0' in lines


def test_changes_are_counted_and_their_time_is_told() -> None:
    counted = Counted()
    for moment, (before, after) in enumerate([("", "backup"), ("backup", "master"), ("master", "master")]):
        counted.take({"event": after, "instance": "VI_1", "previous": before}, 1000.5 + moment)
    counted.take({"event": "master", "group": "G"}, 2000)
    lines = metrics({"instance VI_1": "master"}, counted)
    assert f"keepalived_become_master_total{{{OWN}}} 1" in lines
    assert f"keepalived_release_master_total{{{OWN}}} 0" in lines
    assert f"holdfast_vrrp_state_since_seconds{{{OWN}}} 1001.5" in lines
    counted.take({"event": "fault", "instance": "VI_1", "previous": "master"}, 1010.0)
    assert f"keepalived_release_master_total{{{OWN}}} 1" in metrics({}, counted)


def test_trackers_and_what_is_raised_have_a_line_each() -> None:
    states = {"split_brain VI_1": "raised", "watcher ": "cleared", "group G": "master"}
    lines = metrics(states, unfit={"nginx_crash": True, "nginx_stop": False})
    assert 'holdfast_unfit{tracker="nginx_crash"} 1' in lines
    assert 'holdfast_unfit{tracker="nginx_stop"} 0' in lines
    assert [line for line in lines if line.startswith("holdfast_raised")] == [
        'holdfast_raised{event="split_brain",iname="VI_1"} 1',
        'holdfast_raised{event="watcher",iname=""} 0',
    ]


def test_a_name_that_looks_like_the_end_of_a_label_is_none() -> None:
    metrics({}, instance={**INSTANCE, "name": 'a"b\\c\nd'})


def test_every_metric_has_a_type_before_its_first_line() -> None:
    written = text([INSTANCE], {}, Counted(), runs=True, held={}, unfit={"nginx_stop": False})
    typed: set[str] = set()
    for line in written.split("\n")[:-1]:
        if line.startswith("# TYPE "):
            assert line.split()[2] not in typed
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            assert re.split(r"[{ ]", line)[0] in typed


def test_the_service_keeps_the_file_and_leaves_none_behind(harness: NotifyHarness) -> None:
    file, tracks = harness.folder / "holdfast.prom", harness.folder / "track"
    tracks.mkdir()
    (tracks / "nginx_crash").write_text("1\n")
    own = {**INSTANCE, "interface": "", "address": "127.0.0.1", "vips": ["127.0.0.1"]}
    harness.configure(metrics={"file": str(file), "track_dir": str(tracks), "instances": [own]})
    process = harness.start()
    harness.write('INSTANCE "VI_1" MASTER 100')
    labels = '{iname="VI_1",intf="lo",vrid="100"'
    counted = f"keepalived_become_master_total{labels}}} 1"
    eventually(lambda: file.exists() and counted in file.read_text(), within=10, saying="it is counted")
    assert f'holdfast_address_held{labels},ip_address="127.0.0.1"}} 1' in file.read_text()
    assert 'holdfast_unfit{tracker="nginx_crash"} 1' in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    process.terminate()
    process.wait(10)
    assert not file.exists()
    assert [one.name for one in harness.folder.iterdir() if "prom" in one.name] == []
