# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package manager is asked, and what becomes of its answers; those of dnf are dnf 4.14's own words."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import dnf
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt import Apt
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt_source import AptSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf import Dnf, locked
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf_source import DnfSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin

WOULD = (1, "", "Operation aborted.")
NO_MATCH = (1, "", "Error: Unable to find a match: nothere")
CONFLICT = (
    1,
    "",
    "Error: \n Problem: conflicting requests\n  - nothing provides nothere needed by nginx-1:1.20.1-14.el9.noarch\n"
    "(try to add '--skip-broken' to skip uninstallable packages)",
)
UNREACHABLE = (
    1,
    "",
    "Errors during downloading metadata for repository 'holdfast-nginx':\n"
    "  - Curl error (37): Couldn't read a file:// file for file:///root/gone/9/x86_64/repodata/repomd.xml\n"
    "Error: Failed to download metadata for repo 'holdfast-nginx': Cannot download repomd.xml: Cannot download "
    "repodata/repomd.xml: All mirrors were tried",
)
PIN = Pin("nginx", "1.20.*", "nginx_version")
SOURCE = DnfSource("https://mirror.example.com/packages/centos", "9", "a key")


class Programs:
    """Answers by the first word of dnf's own that is among the answers, one after the other; the last one stays."""

    def __init__(self, installed: str = "", **answers: list[tuple[int, str, str]]) -> None:
        self.installed = installed
        self.answers = answers
        self.commands: list[tuple[str, ...]] = []

    def __call__(self, *args: str, timeout: float = 0, stdin: str = "") -> Completed:
        if args[0] == "rpm":
            return Completed(args, 0 if self.installed else 1, self.installed or "package is not installed", "")
        self.commands.append(args)
        waiting = self.answers[next(word for word in args if word in self.answers)]
        return Completed(args, *(waiting.pop(0) if len(waiting) > 1 else waiting[0]))


@pytest.fixture(autouse=True)
def _has_the_plugin_of_locks(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    (tmp_path / "versionlock.conf").touch()
    monkeypatch.setattr(dnf, "LOCKS_PLUGIN", str(tmp_path / "versionlock.conf"))


@pytest.mark.parametrize(
    ("check", "how"), [(True, ["--cacheonly", "--assumeno"]), (False, ["--assumeyes", "--downloadonly"])]
)
def test_what_is_missing_is_downloaded_or_in_check_mode_only_asked_for(check: bool, how: list[str]) -> None:
    programs = Programs(install=[WOULD if check else (0, "Complete!", "")])
    assert Dnf(programs).download(["nginx"], check_mode=check) == ["nginx"]
    assert programs.commands == [("dnf", *how, "install", "nginx")]


def test_what_is_installed_is_not_asked_for() -> None:
    assert Dnf(Programs("1:1.20.1-14.el9 CentOS (none)")).download(["nginx"], check_mode=False, pins=[PIN]) == []


@pytest.mark.parametrize("wanted", ["1.20.*", "1:1.20.1-14.el9", "1.20.1-14.el9", "1:1.20.*", "1.20.1"])
def test_a_version_need_not_say_its_epoch_or_its_release(wanted: str) -> None:
    installed = Programs("1:1.20.1-14.el9 CentOS (none)")
    assert Dnf(installed).download(["nginx"], check_mode=False, pins=[PIN._replace(version=wanted)]) == []
    other = Programs("1:1.22.0-3.el9 CentOS (none)", install=[(0, "", "")])
    assert Dnf(other).download(["nginx"], check_mode=False, pins=[PIN._replace(version=wanted)]) == ["nginx"]
    assert other.commands[0][-1] == f"nginx-{wanted}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NO_MATCH, "Error: Unable to find a match: nothere"),
        (CONFLICT, "Error: Problem: conflicting requests - nothing provides nothere needed by nginx-1:1.20.1-14"),
        (UNREACHABLE, "Error: Failed to download metadata for repo 'holdfast-nginx': Cannot download repomd.xml"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_had_is_told_in_one_line(answer: tuple[int, str, str], reason: str, check: bool) -> None:
    with pytest.raises(HoldfastError) as caught:
        Dnf(Programs(install=[answer])).download(["nginx", "nothere"], check_mode=check)
    told = str(caught.value)
    assert told.startswith(f"nginx and nothere cannot be had from this host's package sources ({reason}")
    assert told.endswith("make `dnf install nginx nothere` work")
    assert "\n" not in told


def test_in_check_mode_new_lists_are_read_apart_where_those_of_the_host_do_not_suffice() -> None:
    programs = Programs(install=[NO_MATCH, WOULD])
    assert Dnf(programs).download(["nginx"], check_mode=True) == ["nginx"]
    assert programs.commands[1][1].startswith("--setopt=cachedir=/tmp/holdfast-dnf-")


def test_a_version_that_nobody_has_is_told_with_those_that_there_are() -> None:
    programs = Programs(install=[NO_MATCH], repoquery=[(0, "1:1.22.0-3.el9\n1:1.26.3-1.el9\n", "")])
    with pytest.raises(HoldfastError) as caught:
        Dnf(programs).download(["nginx"], check_mode=False, pins=[PIN])
    assert str(caught.value) == (
        "nginx_version: the package sources of this host have no version 1.20.* of nginx, but 1:1.26.3-1.el9, "
        "1:1.22.0-3.el9: use one of these, or add a source that has it"
    )


def test_the_plugin_that_keeps_a_version_is_one_more_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnf, "LOCKS_PLUGIN", "/no/such/file")
    programs = Programs(install=[WOULD])
    assert Dnf(programs).download(["nginx"], check_mode=True, pins=[PIN]) == ["nginx", dnf.LOCKS_PACKAGE]
    assert programs.commands[0][-2:] == ("nginx-1.20.*", dnf.LOCKS_PACKAGE)


def test_a_repository_is_tried_beside_those_of_the_host_and_refused_where_out_of_reach() -> None:
    programs = Programs(makecache=[(0, "", "")], install=[WOULD])
    assert Dnf(programs).download(["nginx"], check_mode=True, source=SOURCE) == ["nginx"]
    assert any(word.startswith("--setopt=reposdir=/tmp/holdfast-dnf-") for word in programs.commands[1])
    with pytest.raises(HoldfastError) as caught:
        Dnf(Programs(makecache=[UNREACHABLE])).download(["nginx"], check_mode=True, source=SOURCE)
    assert str(caught.value).startswith(
        "nginx_source: https://mirror.example.com/packages/centos cannot be a package source of this host (Error: "
    )


def test_a_lock_stands_beside_those_of_others_and_goes_with_its_variable() -> None:
    others = "# Added lock on Mon Jan  1 2024\nkernel-0:5.14.0-70.el9.*\n"
    once = locked(others, "nginx", "nginx-1.20.*")
    assert once == f"{others}# nginx_version of holdfast.nginx_ha: edits by hand are lost.\nnginx-1.20.*\n"
    assert locked(once, "nginx", "nginx-1.20.*") == once
    both = locked(once, "keepalived", "keepalived-2.2.8")
    assert locked(both, "nginx", "nginx-1.22.*").count("nginx-1.2") == 1
    assert locked(locked(both, "nginx", ""), "keepalived", "") == others
    assert locked("", "nginx", "nginx-1.20.*").split("\n")[1:] == ["nginx-1.20.*", ""]


def test_what_apt_reads_of_a_version_and_a_source_is_there_or_gone() -> None:
    pinned = Apt().files("nginx", PIN, None)
    assert pinned["/etc/apt/preferences.d/holdfast-nginx"] == (
        "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"
        "Package: nginx src:nginx\n"
        "Pin: version 1.20.*\n"
        "# Above 1000, so that it goes before a newer one that is installed; apt_preferences(5).\n"
        "Pin-Priority: 1001\n"
    )
    assert {path for path, text in pinned.items() if text is None} == set(AptSource.FILES)
    assert Apt().files("keepalived", None, None) == {"/etc/apt/preferences.d/holdfast-keepalived": None}
