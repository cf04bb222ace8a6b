# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside a node for the tests: it takes requests, a line of JSON each, and answers with a line of JSON.

A module of the collection runs as Ansible would run it, in a process of its own; Ansible's shared code is loaded once.
Standard library and ansible.module_utils only.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
import typing as t

from ansible.module_utils import basic

MODULES = "ansible_collections.holdfast.nginx_ha.plugins.modules."
PROFILE = "legacy"  # ansible-core from 2.19 on wants to know how to write the result


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        answer = run_module(request) if "module" in request else run_command(request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def run_command(request: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    done = subprocess.run(request["command"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return {"rc": done.returncode, "stdout": done.stdout.decode("utf-8", "replace"), "stderr": done.stderr.decode()}


def run_module(request: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the module printed as JSON; ``killed`` is the signal that ended it before it could."""
    with tempfile.TemporaryFile(dir="/dev/shm") as output, tempfile.TemporaryFile(dir="/dev/shm") as errors:
        child = os.fork()
        if not child:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            _be_module(request)
        _child, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return {"killed": os.WTERMSIG(status)}
        output.seek(0)
        errors.seek(0)
        printed = output.read().decode()
        try:
            answer: dict[str, t.Any] = json.loads(printed)
        except ValueError:
            return {"crashed": printed + errors.read().decode("utf-8", "replace")}
        return answer


def _be_module(request: t.Mapping[str, t.Any]) -> t.NoReturn:
    code = 0
    try:
        if request.get("user"):
            os.setgid(request["user"])
            os.setuid(request["user"])
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": request["args"]}).encode()
        if hasattr(basic, "_ANSIBLE_PROFILE"):
            basic._ANSIBLE_PROFILE = PROFILE
        exec(request.get("prelude", ""), {})
        runpy.run_module(MODULES + request["module"], run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
