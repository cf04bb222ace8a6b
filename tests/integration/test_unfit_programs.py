# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that root shall run for a check is looked at on the host, before anything is changed there."""

from __future__ import annotations

import pytest
from real_hosts import Host

HOME = "/opt/checks"
PROGRAM = f"{HOME}/ready"
WHERE = "keepalived_checks[0].command"


@pytest.fixture
def made(fresh: Host) -> Host:
    """A program that is fit."""
    fresh.run(f"rm -rf {HOME} && mkdir -p {HOME} && printf '#!/bin/sh\\nexit 0\\n' >{PROGRAM} && chmod 0755 {PROGRAM}")
    return fresh


@pytest.mark.parametrize("check", [False, True])
def test_a_fit_program_is_taken(made: Host, check: bool) -> None:
    scripts = {WHERE: PROGRAM, "keepalived_vrrp_scripts[0].script": "/usr/bin/pgrep"}
    assert not made.ok("preflight", {"scripts": scripts}, check=check)["changed"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (f"rm {PROGRAM}", f"{PROGRAM} does not exist: bring it onto the host first"),
        (f"rm {PROGRAM}; mkdir {PROGRAM}", f"{PROGRAM} is no file: name a program"),
        (f"chmod 0644 {PROGRAM}", f"root cannot run {PROGRAM}: chmod a+x {PROGRAM}"),
        (f"chmod 0757 {PROGRAM}", f"{PROGRAM} can be written by others than root: chmod go-w"),
        (f"chgrp ops {PROGRAM}; chmod 0775 {PROGRAM}", f"{PROGRAM} can be written by others than root: chmod go-w"),
        (f"chown ops {PROGRAM}", f"{PROGRAM} does not belong to root: chown root"),
        (f"chmod 0777 {HOME}", f"{HOME} can be written by others than root: chmod go-w {HOME}"),
        (
            f"mkdir {HOME}/open; chmod 0777 {HOME}/open; mv {PROGRAM} {HOME}/open/; ln -s {HOME}/open/ready {PROGRAM}",
            f"{HOME}/open can be written by others than root",
        ),
        (
            f"sed -i 's|/bin/sh|/opt/no/python|' {PROGRAM}",
            f"{PROGRAM} wants /opt/no/python, which is not there",
        ),
        (
            f"sed -i 's|/bin/sh|/usr/bin/env nodejs|' {PROGRAM}",
            f"{PROGRAM} wants nodejs, which is not there: install it",
        ),
        (f"sed -i 's|$|\\r|' {PROGRAM}", f"{PROGRAM} ends its lines as Windows does"),
    ],
)
def test_an_unfit_program_is_told_with_its_variable(made: Host, harm: str, words: str) -> None:
    made.run(harm)
    told = made.refused("preflight", {"scripts": {WHERE: PROGRAM}})
    assert told.startswith(f"{WHERE}: {words}")
    assert told.endswith(" | Nothing was changed.")


def test_all_unfit_programs_are_told_at_once(made: Host) -> None:
    told = made.refused("preflight", {"scripts": {"a": "/no/a", "b": PROGRAM, "c": "c"}})
    assert told == (
        "a: /no/a does not exist: bring it onto the host first | c: c is no absolute path: write it out | "
        "Nothing was changed."
    )


def test_a_program_below_a_sticky_folder_is_not_taken_for_one_that_others_can_replace(made: Host) -> None:
    made.run(f"mv {PROGRAM} /tmp/ready")
    assert not made.ok("preflight", {"scripts": {WHERE: "/tmp/ready"}})["changed"]


def test_a_link_in_a_folder_that_others_can_write_is_one_that_they_can_turn(made: Host) -> None:
    made.run(f"mkdir {HOME}/open; chmod 0777 {HOME}/open; ln -s {PROGRAM} {HOME}/open/link")
    told = made.refused("preflight", {"scripts": {WHERE: f"{HOME}/open/link"}})
    assert told.startswith(f"{WHERE}: {HOME}/open can be written by others than root")
