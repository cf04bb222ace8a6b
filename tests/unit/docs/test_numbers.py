# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every number with a unit in the guides is the one of the code, of a unit or of a default, or was measured."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import service
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector import instance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier import commands, mail, metrics, records
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier import main as notifier
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher import main as watcher
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher import probe, silence
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import StreamServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp import timing
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "roles" / "keepalived" / "templates"
GUIDES = ("README.md", "docs/**/*.md", "roles/*/README.md")
NUMBER = re.compile(
    r"(?<![\w.`/-])\d[\d,]*(?:\.\d+)? "
    r"(?:ms|s|seconds?|minutes?|MB|kB|bytes|lines|characters|tasks|events|times|starts|commands|failures)\b"
)
SECONDS = re.compile(r"([0-9]+)(ms|s|)")
ROLE = yaml.safe_load((ROOT / "roles/keepalived/defaults/main.yml").read_text())
BEST = 240  # priority of the first successor in a pair


def unit(name: str, key: str) -> str:
    """Return what a unit says."""
    found = re.findall(rf"(?m)^{key}=(.+)$", (TEMPLATES / f"{name}.j2").read_text())
    assert found, f"{name} has no {key}"
    return str(found[0])


def seconds(name: str, key: str) -> str:
    """Return a time of a unit in seconds."""
    match = SECONDS.fullmatch(unit(name, key))
    assert match, f"{name}: {key}"
    return f"{int(match[1]) / (1000 if match[2] == 'ms' else 1):g}"


def megabytes(name: str, key: str) -> str:
    return unit(name, key).rstrip("M")


def profiles() -> list[str]:
    """Return the lines of the table of profiles."""
    found = []
    for name, profile in timing.PROFILES.items():
        outage = timing.outage(profile, BEST)
        most = (f"{outage[fault].most:.1f}" for fault in ("host_gone",))
        nginx = f"{outage['nginx_killed'].most:.2g}" if profile.advert_int < 1 else f"{outage['nginx_killed'].most:.1f}"
        label = f"`{name}`, the default" if name == DEFAULTS["keepalived_timing"] else f"`{name}`"
        found.append(f"| {label} | {profile.advert_int:g} s | {next(most)} s | {nginx} s |")
    return found


def check_defaults() -> list[str]:
    """Return the defaults of a check, as the plan has them."""
    text = (ROOT / "plugins/plugin_utils/fleet/checks.py").read_text()
    return [re.findall(rf'given.get\("{key}", ([0-9]+)\)', text)[0] for key in ("interval", "timeout", "fall", "rise")]


WATCHER, NOTIFY, NGINX = "holdfast-watcher.service", "holdfast-notify.service", "nginx-drop-in.conf"
PROBE = timing.Probe()
SLOWER = timing.Probe(interval=0.1)
FREEZE, BORNE = f"{PROBE.least:g}", f"{PROBE.least * silence.LONGEST:g}"
FAST = timing.PROFILES["fast"].advert_int
DELAYS = [str(number) for number in mail.DELAYS]
CONNECT = StreamServer.defaults({"upstream": "a"})["proxy_connect_timeout"].rstrip("s")
SAID: list[tuple[str, str]] = [
    (
        "docs/using/layer4.md",
        f"A connection to a member has to be established within {CONNECT} s, else the next one is tried",
    ),
    (
        "docs/using/troubleshooting.md",
        f"it is remembered for {instance.FORGET_UNKNOWN:g} seconds after its last advert.",
    ),
    (
        "docs/using/health.md",
        f"systemd brings nginx back, {seconds(NGINX, 'RestartSec')} s after its death, and the addresses stay.",
    ),
    (
        "docs/using/haproxy.md",
        f"A drop-in to its unit adds `Restart=on-failure` after {seconds(NGINX, 'RestartSec')} s.",
    ),
    ("docs/using/health.md", f"if systemd gives up ({unit(NGINX, 'StartLimitBurst')} starts a minute)"),
    (
        "docs/using/health.md",
        f"kills it when it hangs for {seconds(WATCHER, 'WatchdogSec')} s, and starts it again "
        f"{seconds(WATCHER, 'RestartSec')} s after its end.",
    ),
    (
        "docs/using/health.md",
        f"All of them together have {megabytes(WATCHER, 'MemoryMax')} MB and {unit(WATCHER, 'TasksMax')} tasks.",
    ),
    (
        "docs/using/health.md",
        f"within the first {probe.LONGEST >> 10} kB ({probe.LONGEST_LINE >> 10} kB of them for the line of the status)",
    ),
    (
        "docs/using/health.md",
        "`interval` ({} s), `timeout` ({} s), `fall` ({}) and `rise` ({})".format(*check_defaults()),
    ),
    ("docs/using/health.md", f"after a [silence](#frozen-is-not-slow) of {FREEZE} s"),
    ("docs/using/health.md", f"at the second look at the ports, one each {watcher.PING:g} s"),
    ("docs/using/health.md", f"A probe is sent every {PROBE.interval:g} s, over a new connection"),
    ("docs/using/health.md", f"given `keepalived_probe_timeout`: by default for {FREEZE} s."),
    ("docs/using/health.md", f"it holds on three times as long, {BORNE} s by default."),
    ("docs/using/health.md", f"up to those {BORNE} s."),
    ("docs/using/health.md", f"a freeze is seen {SLOWER.least - PROBE.least:.1f} s later."),
    ("docs/using/health.md", f"removed is there again within {watcher.PING:g} s"),
    ("docs/using/health.md", f"the watcher finds that within {watcher.PING:g} s and starts `holdfast-restore`"),
    (
        "docs/using/health.md",
        f"at most {unit('holdfast-restore.service', 'StartLimitBurst')} times in "
        f"{seconds('holdfast-restore.service', 'StartLimitIntervalSec')} s",
    ),
    ("docs/using/health.md", f"still holds an address {watcher.LET_GO:g} s after its node became unfit"),
    ("docs/using/notifications.md", f"no more than {commands.AT_ONCE} commands run at once"),
    (
        "docs/using/notifications.md",
        f"the first {commands.SHOWN} lines of it; after {commands.MOST_PRINTED >> 20} MB it is killed.",
    ),
    (
        "docs/using/notifications.md",
        f"After `keepalived_notify_timeout` seconds ({ROLE['keepalived_notify_timeout']}) it gets SIGTERM, "
        "a second later SIGKILL",
    ),
    ("docs/using/notifications.md", f"All commands together can have {unit(NOTIFY, 'TasksMax')} tasks."),
    (
        "docs/using/notifications.md",
        f"attempts are made after {', '.join(DELAYS[:-2])} and {DELAYS[-2]} seconds and then every {DELAYS[-1]};",
    ),
    (
        "docs/using/notifications.md",
        f"at once when something happens, and every {metrics.AGAIN:g} seconds.",
    ),
    ("docs/using/notifications.md", f"with room for {megabytes('holdfast-notify.socket', 'PipeSize')} MB"),
    ("docs/using/notifications.md", f"At most {records.LIMIT} events wait for commands and as many for mails."),
    ("docs/using/notifications.md", f"commands and mails get {notifier.DRAIN:g} seconds."),
    ("docs/using/notifications.md", f"one that runs has {notifier.LAST:g} seconds more."),
    ("docs/using/notifications.md", f"A message has at most {notifier.LONGEST >> 10} kB."),
    (
        "docs/using/notifications.md",
        f"A line of these services has at most {service.LONGEST_LINE} characters, and no more than "
        f"{service.LINES} lines in {service.PERIOD:g} s come from one place in a program.",
    ),
    *(("docs/using/modes.md", line) for line in profiles()),
    ("roles/keepalived/README.md", f"when no question is answered for {FREEZE} s."),
    ("roles/keepalived/README.md", f"after three missed adverts, {3 * FAST:g} s by default."),
    (
        "roles/keepalived/README.md",
        "`fastest` (adverts every {} s, needs a real-time priority), `fast` ({} s), `standard` ({} s), "
        "`relaxed` ({} s)".format(
            *(f"{timing.PROFILES[name].advert_int:g}" for name in ("fastest", "fast", "standard", "relaxed"))
        ),
    ),
    ("docs/using/modes.md", f"so are intervals of your own below {timing.DENSE:g} s"),
]

# What was measured, or is a limit of the tests of failover.
MEASURED: list[tuple[str, str]] = [
    ("docs/using/failover.md", "A gap may be 0.4 s where a host or its keepalived is gone, 0.2 s where nginx is or"),
    ("docs/using/failover.md", "and 1 s where nginx is there and does not answer."),
    ("docs/using/health.md", "within 0.1 s of the first advert that it misses"),
    ("docs/using/modes.md", "cost 103 ms at the least, 171 ms at the median and 284 ms at the most"),
    (
        "docs/using/modes.md",
        "moved for nothing in five minutes. Without the real-time priority one did every few seconds.",
    ),
    ("docs/using/notifications.md", "some 30,000 lines: nothing is lost"),
    # tests/bench/throughput.py prints it as it stands there.
    ("docs/using/nginx-conf.md", "| 18,902 | 1.00 | 3.2 ms | 12.5 ms | 0.08 ms | 4.6 MB |"),
    ("docs/using/nginx-conf.md", "| 6,996 | 2.71 | 9.0 ms | 15.3 ms | 0.21 ms | 1.8 MB |"),
    ("docs/using/nginx-conf.md", "| 8,255 | 2.26 | 7.1 ms | 33.0 ms | 0.19 ms | 27.5 MB |"),
    ("docs/using/nginx-conf.md", "| 8,150 | 2.31 | 7.4 ms | 27.1 ms | 0.18 ms | 1.4 MB |"),
]


def words(text: str) -> str:
    return " ".join(text.split())


def prose(path: Path) -> str:
    """Return a guide without what stands in it as code, its lines joined."""
    return words(re.sub(r"(?s)```.*?```", "", path.read_text()))


@pytest.mark.parametrize(("guide", "sentence"), SAID, ids=[sentence[:50] for _guide, sentence in SAID])
def test_a_guide_has_the_numbers_of_the_code(guide: str, sentence: str) -> None:
    assert words(sentence) in prose(ROOT / guide)


def guides() -> t.Iterator[Path]:
    for pattern in GUIDES:
        yield from sorted(ROOT.glob(pattern))


@pytest.mark.parametrize("path", list(guides()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_comes_from_nowhere(path: Path) -> None:
    text = prose(path)
    for guide, sentence in [*SAID, *MEASURED]:
        if guide == str(path.relative_to(ROOT)):
            text = text.replace(words(sentence), "")
    left = [text[max(0, match.start() - 60) : match.end() + 20] for match in NUMBER.finditer(text)]
    assert not left, "Say in SAID where these come from: " + "; ".join(left)


def test_the_mathematics_of_an_outage_know_the_units() -> None:
    assert f"{timing.RESTART:g}" == seconds(NGINX, "RestartSec")
    assert commands.GRACE == 1.0
