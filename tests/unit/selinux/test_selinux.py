# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands SELinux gets. No host with SELinux is at hand; the programs here are stand-ins with its words."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import (
    Ports,
    is_enabled,
    labelled,
    labelled_ports,
    switched_on,
)


class Programs:
    """Stand-ins that answer by the first word of the command, and note every command."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.commands: list[str] = []

    def __call__(self, *args: str, timeout: float = 0, stdin: str = "") -> Completed:
        self.commands.append(" ".join(args))
        rc, words = self.answers.get(args[0], (0, ""))
        return Completed(args, rc, words if rc == 0 else "", "" if rc == 0 else words)


@pytest.mark.parametrize(("check", "flags"), [(False, "-R -v"), (True, "-R -v -n")])
def test_what_is_there_gets_its_labels(tmp_path: pathlib.Path, check: bool, flags: str) -> None:
    programs = Programs(restorecon=(0, f"Would relabel {tmp_path} from a to b\n"))
    assert labelled([str(tmp_path), "/no/such/folder"], check=check, runner=programs) != []
    assert programs.commands == [f"restorecon {flags} {tmp_path}"]


def test_labels_that_are_right_change_nothing(tmp_path: pathlib.Path) -> None:
    assert labelled([str(tmp_path)], check=False, runner=Programs()) == []


@pytest.mark.parametrize(
    ("answer", "sentence"), [((NOT_FOUND, ""), "install policycoreutils"), ((255, "denied"), "denied")]
)
def test_labels_that_cannot_be_set_end_the_play(tmp_path: pathlib.Path, answer: tuple[int, str], sentence: str) -> None:
    with pytest.raises(HoldfastError, match=sentence):
        labelled([str(tmp_path)], check=False, runner=Programs(restorecon=answer))


@pytest.mark.parametrize(
    ("said", "check", "off", "commands"),
    [
        ((0, "x --> off\n"), False, ["x"], ["getsebool x", "setsebool -P x=on"]),
        ((0, "x --> off\n"), True, ["x"], ["getsebool x"]),
        ((0, "x --> on\n"), False, [], ["getsebool x"]),
        ((1, "getsebool:  SELinux boolean x does not exist\n"), False, [], ["getsebool x"]),
    ],
)
def test_a_boolean_is_switched_on_once(said: t.Any, check: bool, off: list[str], commands: list[str]) -> None:
    programs = Programs(getsebool=said)
    assert switched_on(["x"], check=check, runner=programs) == off
    assert programs.commands == commands


def test_a_host_without_selinux_is_left_alone(tmp_path: pathlib.Path) -> None:
    assert not is_enabled(str(tmp_path / "enforce"))


# In the form of semanage-port(8); no host with SELinux is at hand.
PORTS = """\
http_cache_port_t              tcp      8080, 8118, 8123, 10001-10010
http_cache_port_t              udp      3130
http_port_t                    tcp      8181, 80, 81, 443, 488, 8008, 8009, 8443, 9000
http_port_t                    udp      80, 443
ssh_port_t                     tcp      22
"""


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ([Ports(80, 80), Ports(8443, 8443)], None),
        ([Ports(8181, 8181), Ports(10001, 10003), Ports(443, 443, "udp")], []),
        ([Ports(22, 22), Ports(8008, 8008, "udp"), Ports(7000, 7010)], ["tcp 22", "udp 8008", "tcp 7000-7010"]),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_port_that_the_policy_does_not_know_as_one_of_a_web_server_is_told_to_it(
    ports: list[Ports], told: list[str] | None, check: bool
) -> None:
    programs = Programs(semanage=(0, PORTS))
    assert labelled_ports(ports, check=check, runner=programs) == [f"http_port_t {one}" for one in told or ()]
    added = [f"semanage port --add --type http_port_t --proto {one}" for one in told or () if not check]
    assert programs.commands == (["semanage port --list --noheading"] if told is not None else []) + added


def test_a_port_of_another_type_is_changed() -> None:
    def semanage(*args: str, timeout: float = 0) -> Completed:
        done.append(args[2])
        refused = args[2] == "--add"
        return Completed(args, int(refused), PORTS, "ValueError: Port tcp/22 already defined" if refused else "")

    done: list[str] = []
    assert labelled_ports([Ports(22, 22)], check=False, runner=semanage) == ["http_port_t tcp 22"]
    assert done == ["--list", "--add", "--modify"]


def test_without_semanage_it_is_said_which_package_has_it() -> None:
    with pytest.raises(HoldfastError, match="install policycoreutils-python-utils"):
        labelled_ports([Ports(7000, 7000)], check=True, runner=Programs(semanage=(NOT_FOUND, "")))
