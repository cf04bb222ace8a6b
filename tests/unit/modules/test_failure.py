# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a task has returned, what is told of it is one line for a person."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import ELSEWHERE, HIDDEN, LONGEST, failure

CASES: dict[str, tuple[t.Any, str]] = {
    "a sentence": (
        {"failed": True, "msg": "No package matching 'x' is available."},
        "No package matching 'x' is available",
    ),
    "many lines": ({"msg": "'apt-get' failed: E: a\nE: b\n\n"}, "'apt-get' failed: E: a E: b"),
    "a command": (
        {
            "msg": "non-zero return code",
            "cmd": ["rsyslogd", "-N1"],
            "rc": 1,
            "stderr": "error in line 3\n",
            "stdout": "x",
        },
        "`rsyslogd -N1` ended with 1: error in line 3",
    ),
    "a command that prints what is wrong": (
        {"msg": "non-zero return code", "cmd": "false x", "rc": 1, "stderr": "", "stdout": "sorry"},
        "`false x` ended with 1: sorry",
    ),
    "a silent command": (
        {"msg": "non-zero return code", "cmd": ["false"], "rc": 1, "stderr": "", "stdout": ""},
        "`false` ended with 1: it printed nothing",
    ),
    "a program that is not there": (
        {"msg": "Error executing command: [Errno 2] No such file or directory: b'x'", "cmd": "x", "rc": 2},
        "Error executing command: [Errno 2] No such file or directory: b'x'",
    ),
    "a module that crashed": (
        {
            "msg": "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error",
            "module_stderr": "Traceback (most recent call last):\n  File x\nOSError: No space left on device\n",
            "module_stdout": "",
            "rc": 1,
        },
        "MODULE FAILURE: No start of json char found See stdout/stderr for the exact error: OSError: No space left on "
        "device",
    ),
    "waiting in vain": (
        {"failed": True, "attempts": 20, "instances": []},
        "it was tried 20 times, and what was waited for did not come",
    ),
    "a verdict without a word": ({"failed": True, "failed_when_result": True}, "it says no more than that"),
    "a loop": (
        {
            "msg": "One or more items failed",
            "results": [
                {"item": "a", "msg": "fine"},
                {"item": "b", "failed": True, "msg": "is wrong."},
                {"item": {"name": "c", "say": "long"}, "failed": True, "msg": "is wrong too"},
                {"item": {"unit": "d"}, "failed": True, "msg": "and more"},
            ],
        },
        "b: is wrong; c: is wrong too; and more",
    ),
    "a loop that was ended from outside": ({"msg": "it stopped", "results": []}, "it stopped"),
    "a host that is out of reach": (
        {"unreachable": True, "msg": "Task failed: Failed to connect to the host via ssh: No route to host"},
        "Failed to connect to the host via ssh: No route to host",
    ),
    "a secret": ({"failed": True, "_ansible_no_log": True, "msg": "geheim"}, HIDDEN),
    "a censored secret": ({"censored": "the output has been hidden"}, HIDDEN),
    "a secret in a loop": (
        {"results": [{"item": "geheim", "failed": True, "_ansible_no_log": True, "msg": "geheim"}]},
        HIDDEN,
    ),
    "another host": ({}, ELSEWHERE),
    "nothing": (None, ELSEWHERE),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_told(name: str) -> None:
    result, expected = CASES[name]
    assert failure(result) == expected


def test_a_novel_has_an_end() -> None:
    told = failure({"msg": "word " * 1000})
    assert len(told) <= LONGEST
    assert told.endswith(" ...")


def test_a_role_that_ends_says_where_and_what_to_do() -> None:
    whole = failure({"msg": "No package 'x' is available."}, "nginx", "Install the package")
    assert whole == (
        "The role nginx did not come to its end, at \"Install the package\": No package 'x' is available. "
        "Mend that and run it again: it goes on from there."
    )
    assert failure({"msg": whole}, "backend", "Report what failed") == whole
    assert "Install" not in failure({}, "nginx", "Install the package")
