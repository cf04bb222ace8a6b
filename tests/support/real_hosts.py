# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away hosts with systemd for tests that change a real nginx and a real keepalived, one module call at a time.

They stand beside the lab and need nothing of it but its image: no network at all, an ``eth0`` whose other end is in
the host itself, and packages from apt's own cache. A module runs through an agent in the host, in some 0.1 s.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

import ansible

from harness.waiting import eventually
from lab import machine
from lab.command import ROOT
from lab.fleet import CAPABILITIES, PRIVILEGED, UNPRIVILEGED
from lab.image import ensure_image
from lab.podman import podman

__all__ = ("ADDRESS", "PACKAGES", "PEER", "SUBNET", "VIP", "Agent", "Done", "Host", "hosts")

SUBNET, ADDRESS, PEER, VIP = "10.89.77.0/24", "10.89.77.11", "10.89.77.12", "10.89.77.100"
PACKAGES = ("nginx", "libnginx-mod-stream", "keepalived")
# The ansible-core whose side on the host is used; another one where the test command names it.
ANSIBLE = os.environ.get("HOLDFAST_ANSIBLE", str(Path(ansible.__file__).parent))
LABEL = "holdfast.test"
HOME = "/opt/holdfast-test"
PRISTINE = "/root/pristine"
# Runs before a module: it ends at the STEP-th thing that it does to the system, and counts these in a file.
KILLED_AT = """
import os, signal, sys
seen, counter = 0, os.open("/dev/shm/steps", os.O_WRONLY | os.O_CREAT, 0o600)
def count(event, args):
    global seen
    if not event.startswith(("open", "os.", "subprocess.Popen", "shutil.")) or event in ("os.listdir", "os.scandir"):
        return
    if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        return
    seen += 1
    os.pwrite(counter, b"%5d" % seen, 0)
    if seen == STEP:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
"""
WIRE = f"""
ip link add eth0 type veth peer name wire0
ip link set wire0 up
ip link set eth0 up
ip address add {ADDRESS}/24 dev eth0
echo 'Acquire::Retries "0";' >/etc/apt/apt.conf.d/99no-patience
"""
INSTALL = f"""
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends {" ".join(PACKAGES)}
rm -f /etc/nginx/sites-enabled/default
mkdir -p {PRISTINE}
cp -a /etc/nginx /etc/keepalived {PRISTINE}/
"""
# Back to what the packages brought, whatever a test did; nginx serves, keepalived has nothing to do.
RESET = f"""
pkill -x -CONT nginx; pkill -x -CONT keepalived
pkill -x -KILL keepalived
systemctl stop keepalived nginx 'test-*'
ip address flush dev eth0; ip address add {ADDRESS}/24 dev eth0
dpkg-divert --quiet --local --no-rename --remove /etc/nginx/nginx.conf
rm -rf /var/cache/nginx
rm -rf /etc/nginx /etc/keepalived /var/lib/holdfast /run/holdfast-* /run/keepalived.pid /tmp/keepalived.json
cp -a {PRISTINE}/nginx {PRISTINE}/keepalived /etc/
: >/var/log/nginx/error.log
systemctl reset-failed
systemctl start nginx
"""


Args = t.Mapping[str, t.Any]
Result = t.Dict[str, t.Any]


class Done(t.NamedTuple):
    """A command in a host that has ended."""

    rc: int
    stdout: str
    stderr: str


class Agent:
    """A connection to a host over which modules and commands run, one after the other."""

    def __init__(self, container: str) -> None:
        command = (*machine.podman_command(), "exec", "--interactive", f"--env=PYTHONPATH={HOME}")
        self._process = subprocess.Popen(
            (*command, "--env=PYTHONPYCACHEPREFIX=/root/pycache", container, "python3", f"{HOME}/agent.py"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: t.Any) -> dict[str, t.Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, t.Any] = json.loads(self._process.stdout.readline() or '{"crashed": "the agent has ended"}')
        return answer

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)


class Host:
    """A host to run modules on. ``privileged``: root may mount and unshare there, as on a real one."""

    def __init__(self, name: str, *, privileged: bool = True, installed: bool = True) -> None:
        self.name = name
        self.container = f"holdfast-test-{os.getpid()}-{name}"
        self._privileged = privileged
        self._installed = installed
        self._agent: Agent | None = None

    def create(self, image: str, plugins: Path) -> None:
        code = f"{HOME}/ansible_collections/holdfast/nginx_ha/plugins"
        podman(
            *("run", "--detach", f"--name={self.container}", f"--hostname={self.name}", "--network=none"),
            f"--label={LABEL}={os.getpid()}",
            f"--volume={plugins}:{code}:ro",
            f"--volume={ANSIBLE}:{HOME}/ansible:ro",
            f"--volume={Path(__file__).with_name('agent.py')}:{HOME}/agent.py:ro",
            *(f"--cap-add={name}" for name in CAPABILITIES),
            *(PRIVILEGED if self._privileged else UNPRIVILEGED),
            "--cpu-shares=256",  # a lab that measures beside them gets its processor first
            *("--systemd=always", "--pull=never", image, "/sbin/init"),
        )
        deadline = time.monotonic() + 60
        wait = ("exec", self.container, "timeout", "30", "systemctl", "is-system-running", "--wait")
        while podman(*wait, check=False).strip() not in ("running", "degraded"):
            assert time.monotonic() < deadline, f"{self.name} does not come up"
        self._agent = Agent(self.container)
        self.run(WIRE)
        if self._installed:
            self.run(INSTALL)

    def remove(self) -> None:
        if self._agent is not None:
            self._agent.close()
        podman("rm", "--force", "--time=0", "--volumes", self.container, check=False)

    def reset(self) -> None:
        self.run(RESET)

    def run(self, script: str) -> str:
        """Run a shell script that must succeed and return what it printed."""
        done = self.attempt(script)
        assert done.rc == 0, f"{script!r} on {self.name}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, script: str) -> Done:
        return Done(**self._ask(command=["sh", "-c", script]))

    def write(self, path: str, text: str) -> None:
        done = self._ask(command=["sh", "-c", 'printf %s "$1" >"$2"', "sh", text, path])
        assert done["rc"] == 0, done

    def read(self, path: str) -> str:
        return self.run(f"cat {path}")

    def listing(self, *folders: str) -> list[str]:
        """Everything below these folders: path, kind, mode, owner, inode; of files size, last change, a link's end."""
        inside = " ".join(f"-not -path '{path}'" for path in ("/var/log/journal/*", "/run/systemd/*", "/run/log/*"))
        about = "%p %y %m %u %g %i"
        return self.run(
            f"find {' '.join(folders)} -xdev {inside} "
            f"\\( -type d -printf '{about}\\n' -o -printf '{about} %s %T@ %l\\n' \\) | sort"
        ).split("\n")

    def module(self, name: str, args: Args, *, check: bool = False, prelude: str = "", user: int = 0) -> Result:
        """Run a module of the collection, in check mode or not, and return its result.

        ``prelude`` is Python that runs in the module's process before it, ``user`` the id of the user who runs it.
        """
        result = self._ask(module=name, args=_arguments(args, check), prelude=prelude, user=user)
        if "warnings" in result:  # ansible-core from 2.19 on wraps them
            result["warnings"] = [one if isinstance(one, str) else one["event"]["msg"] for one in result["warnings"]]
        return result

    def ok(self, name: str, args: Args, **more: t.Any) -> Result:
        """Run a module that must succeed."""
        result = self.module(name, args, **more)
        assert "changed" in result, _short(result)
        assert not result.get("failed"), _short(result)
        return result

    def refused(self, name: str, args: Args, **more: t.Any) -> str:
        """Run a module that must fail in its own words, and return them."""
        result = self.module(name, args, **more)
        assert result.get("failed"), _short(result)
        assert "exception" not in result, _short(result)
        return str(result["msg"])

    def killed(self, name: str, args: Args, step: int) -> bool:
        """Run a module that is killed when it does something to the system for the n-th time; whether it was."""
        result = self.module(name, args, prelude=KILLED_AT.replace("STEP", str(step)))
        assert result.get("killed", SIGKILL) == SIGKILL, _short(result)
        return "killed" in result

    def steps(self, name: str, args: Args) -> int:
        """Run a module to its end and return how often it did something to the system."""
        assert not self.killed(name, args, 1_000_000)
        return int(self.read("/dev/shm/steps"))

    @contextmanager
    def beside(self) -> t.Iterator[Host]:
        """Give the same host over a connection of its own: to run something while something runs."""
        other = copy(self)
        other._agent = Agent(self.container)
        try:
            yield other
        finally:
            other._agent.close()

    def get(self, url: str, host: str = "") -> tuple[int, str]:
        """Return status and body of an HTTP answer; 0 where there is none."""
        header = f"-H 'Host: {host}' " if host else ""
        done = self.attempt(f"curl -s -m 2 {header}-w '\\n%{{http_code}}' {url}")
        body, _newline, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    def states(self) -> dict[str, dict[str, t.Any]]:
        """Return what vrrp_info says of every instance, by its name."""
        return {one["name"]: one for one in self.ok("vrrp_info", {})["instances"]}

    def eventually(self, what: t.Callable[[], bool], saying: str, within: float = 10.0) -> None:
        eventually(what, within=within, saying=f"{saying} on {self.name}", every=0.02)

    def _ask(self, **request: t.Any) -> dict[str, t.Any]:
        assert self._agent is not None, "the host is not up"
        return self._agent.ask(**request)


def _short(result: Result) -> Result:
    return {name: value for name, value in result.items() if name != "invocation"}


def _arguments(args: Args, check: bool) -> dict[str, t.Any]:
    return dict(args, _ansible_check_mode=check, _ansible_diff=True, _ansible_module_name="module")


@contextmanager
def hosts(*wanted: Host) -> t.Iterator[None]:
    """Bring these hosts up for as long as the body lasts; those of a test run that was killed go."""
    machine.prepare()
    for entry in json.loads(podman("ps", "--all", f"--filter=label={LABEL}", "--format=json") or "null") or []:
        if not Path("/proc", entry["Labels"][LABEL]).exists():
            podman("rm", "--force", "--time=0", "--volumes", entry["Names"][0], check=False)
    image = ensure_image(os.environ.get("LAB_DEBIAN", "12"))
    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(wanted)) as pool:
        # A copy, so that whoever works in the clone meanwhile does not change what is being tested.
        plugins = Path(folder, "plugins")
        shutil.copytree(ROOT / "plugins", plugins, ignore=shutil.ignore_patterns("__pycache__"))
        Path(folder).chmod(0o755)
        try:
            list(pool.map(lambda host: host.create(image, plugins), wanted))
            yield
        finally:
            list(pool.map(Host.remove, wanted))
