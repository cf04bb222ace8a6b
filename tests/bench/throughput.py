# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a balancer carries: our defaults beside the settings of guides and of a public role, on the same host.

    bin/lab up
    .venv/bin/python -m tests.bench.throughput --peers DIR

It sets the pair up by site.yml, with backends that all run nginx and forbid caching, and has wrk (apt-get install wrk)
ask lb1. The settings of others run there beside our nginx, each on a port of its own and only while it is asked; none
does anything meanwhile that is not asked. DIR has the role geerlingguy.nginx, whose defaults are measured, too.

Prints a table: requests a second with 64 connections, as the median of the rounds and as our multiple of it, the median
over the rounds; p50 and p99 then; what the balancer adds to p50 and p99 of one request after the other, to a backend
asked itself; and what a worker has of memory (proportional set size) after that. All rounds are in
.lab/log/throughput.json.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT / "tests")]

from harness.cluster import SITE
from harness.node import Node
from harness.waiting import eventually

BALANCER, BACKENDS = "10.89.50.11", ("10.89.50.21", "10.89.50.22", "10.89.50.23")
LOG = ROOT / ".lab" / "log" / "throughput.json"
PLACE = "/root/throughput"
UNIT = "throughput-nginx"
OURS, DIRECT, PEER = "this collection", "a backend itself", "geerlingguy.nginx"
PAGE = "".join(f"{number:03d} lines of a page that is short, as answers of an API are.\n" for number in range(16))
# Nothing may come out of a cache: this is about balancing.
BACKEND = {
    "backend_server": "nginx",
    "backend_sites": [{"server_name": "_", "page": PAGE, "add_header": {"Cache-Control": "no-store"}}],
}

# An nginx.conf as nginx's own package brought it, and a site, as a guide for a first pair has them.
FIRST_PAIR = """
user www-data;
worker_processes 1;
error_log {place}/error.log warn;
pid {place}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
    access_log {place}/access.log main;
    sendfile on;
    keepalive_timeout 65;
    upstream blog {{
        {servers}
    }}
    server {{
        listen {port};
        server_name {site};
        access_log {place}/blog.log main;
        location / {{
            proxy_pass http://blog;
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_next_upstream error timeout invalid_header http_404 http_500 http_502 http_504;
        }}
    }}
}}
"""
# As a guide for a tuned pair has them: many workers, large buffers, strong compression, a cache.
TUNED_PAIR = """
user www-data;
worker_processes 8;
error_log {place}/error.log;
pid {place}/nginx.pid;
events {{ worker_connections 65535; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    charset utf-8;
    log_format main '$http_x_forwarded_for $remote_addr $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_cookie" $host $request_time';
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 65;
    proxy_cache_path /var/cache/throughput levels=1:2 keys_zone=mycache:20m max_size=2048m inactive=60m;
    proxy_temp_path /var/cache/throughput/tmp;
    client_header_timeout 600s;
    client_body_timeout 600s;
    client_max_body_size 100m;
    client_body_buffer_size 256k;
    gzip on;
    gzip_min_length 1k;
    gzip_buffers 4 16k;
    gzip_http_version 1.1;
    gzip_comp_level 9;
    gzip_types text/plain application/x-javascript text/css application/xml text/javascript;
    gzip_vary on;
    upstream LB-WWW {{
        ip_hash;
        {servers}
    }}
    server {{
        listen {port};
        server_name {site};
        access_log {place}/access.log main;
        location / {{
            proxy_pass http://LB-WWW;
            proxy_redirect off;
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header REMOTE-HOST $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_connect_timeout 300;
            proxy_send_timeout 300;
            proxy_read_timeout 600;
            proxy_buffer_size 256k;
            proxy_buffers 4 256k;
            proxy_busy_buffers_size 256k;
            proxy_temp_file_write_size 256k;
            proxy_next_upstream error timeout invalid_header http_500 http_503 http_404;
            proxy_max_temp_file_size 128m;
            proxy_cache mycache;
            proxy_cache_valid 200 302 60m;
            proxy_cache_valid 404 1m;
        }}
    }}
}}
"""
# What the role writes, by its own templates and defaults, for the same site.
PEER_PLAY = """
- hosts: master
  gather_facts: true
  tasks:
    - ansible.builtin.include_vars: {role}/defaults/main.yml
    - ansible.builtin.include_vars: {role}/vars/Debian.yml
    - ansible.builtin.set_fact:
        nginx_user: "{{{{ __nginx_user }}}}"
        nginx_pidfile: {place}/nginx.pid
        nginx_conf_path: {place}/conf.d
        nginx_vhost_path: {place}/sites
        nginx_upstreams: [{{name: blog, servers: {servers}}}]
    - ansible.builtin.file: {{path: "{place}/{{{{ item }}}}", state: directory, mode: "0755"}}
      loop: [conf.d, sites]
    - ansible.builtin.template: {{src: {role}/templates/nginx.conf.j2, dest: {place}/nginx.conf, mode: "0644"}}
    - ansible.builtin.template: {{src: {role}/templates/vhost.j2, dest: {place}/sites/blog, mode: "0644"}}
      vars:
        item:
          listen: "{port}"
          server_name: {site}
          extra_parameters: "location / {{ proxy_pass http://blog; }}"
"""
MEMORY = """
for worker in $(pgrep -P {main} -f 'nginx: worker'); do
    awk '/^Pss:/ {{ print $2 }}' /proc/$worker/smaps_rollup
done
"""
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
PERCENTILE = re.compile(r"^ +(50|99)% +([\d.]+)(us|ms|s|m)$", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests a second, milliseconds at the median and of the slowest hundredth, and what went wrong."""

    rate: float
    p50: float
    p99: float
    wrong: str = ""


@dataclass(frozen=True)
class Round:
    """One round of one way: with many connections, with one, and kilobytes of a worker."""

    full: Load
    single: Load
    worker: float


def load(url: str, *, connections: int, seconds: int) -> Load:
    threads = min(2, connections)
    words = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"Host: {SITE}", url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec: +([\d.]+)", said)
    found = {number: float(value) * UNITS[unit] for number, value, unit in PERCENTILE.findall(said)}
    wrong = "; ".join(re.findall(r"(?m)^ +(Socket errors: .*|Non-2xx .*)$", said))
    assert rate, said
    return Load(float(rate[1]), found["50"], found["99"], wrong)


class Way(t.NamedTuple):
    """One way to set a balancer up: where it is asked, and its folder on lb1 where it is not our service."""

    name: str
    url: str
    place: str = ""

    def measure(self, balancer: Node, seconds: int) -> Round:
        if self.place:
            start = f"nginx -c {self.place}/nginx.conf -g 'daemon off;'"
            pid_file = f"{self.place}/nginx.pid"
            balancer.run(f"rm -f {pid_file}; systemd-run --quiet --collect --unit={UNIT} {start}")
            # It is written when the ports are open.
            eventually(lambda: balancer.run(f"cat {pid_file} || true"), within=20, saying=f"{self.name} runs")
        else:
            pid_file = "/run/nginx.pid"
        try:
            load(self.url, connections=64, seconds=2)
            full = load(self.url, connections=64, seconds=seconds)
            single = load(self.url, connections=1, seconds=max(2, seconds // 2))
            memory = balancer.run(MEMORY.format(main=f"$(cat {pid_file})")) if self.name != DIRECT else "0"
        finally:
            if self.place:
                balancer.run(f"systemctl stop {UNIT}")
        return Round(full, single, statistics.mean(float(line) for line in memory.split()))


def played(playbook: Path, *more: str) -> None:
    command = [str(ROOT / ".venv/bin/ansible-playbook"), str(playbook), *more]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def ways(balancer: Node, peers: Path | None) -> list[Way]:
    """Return all ways, with their files in place on the balancer."""
    servers = [f"{address}:8080" for address in BACKENDS]
    texts = {
        "a guide's first pair": (
            FIRST_PAIR,
            [f"server {one} weight=4 max_fails=2 fail_timeout=30s;" for one in servers],
        ),
        "a guide's tuned pair": (TUNED_PAIR, [f"server {one} max_fails=3 fail_timeout=30s;" for one in servers]),
    }
    found = [Way(OURS, f"http://{BALANCER}/"), Way(DIRECT, f"http://{BACKENDS[0]}:8080/")]
    for number, (name, (text, lines)) in enumerate(texts.items(), start=1):
        port, place = 8100 + number, f"{PLACE}/{number}"
        config = text.format(place=place, port=port, site=SITE, servers="\n        ".join(lines))
        balancer.run(f"mkdir -p {place} /var/cache/throughput && cat >{place}/nginx.conf <<'END'\n{config}END")
        found.append(Way(name, f"http://{BALANCER}:{port}/", place))
    if peers:
        port, place = 8109, f"{PLACE}/peer"
        role = peers.resolve() / "geerlingguy.nginx"
        balancer.run(f"mkdir -p {place}")
        play = LOG.with_name("throughput-peer.yml")
        play.write_text(PEER_PLAY.format(place=place, role=role, port=port, site=SITE, servers=json.dumps(servers)))
        played(play)
        found.append(Way(PEER, f"http://{BALANCER}:{port}/", place))
    for way in found:
        if way.place:
            balancer.run(f"nginx -t -q -c {way.place}/nginx.conf")
    return found


def rows(measured: t.Mapping[str, t.Sequence[Round]]) -> t.Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield "| | requests a second | ours to it | p50 | p99 | added at p50 | added at p99 | a worker |"
    yield "|---|---|---|---|---|---|---|---|"

    def median(values: t.Iterable[float]) -> float:
        return statistics.median(list(values))

    for name, rounds in measured.items():
        ratio = median(ours.full.rate / one.full.rate for ours, one in zip(measured[OURS], rounds))
        added = [
            median(
                getattr(one.single, at) - getattr(direct.single, at) for one, direct in zip(rounds, measured[DIRECT])
            )
            for at in ("p50", "p99")
        ]
        cells = [
            f"{median(one.full.rate for one in rounds):,.0f}",
            f"{ratio:.2f}",
            f"{median(one.full.p50 for one in rounds):.1f} ms",
            f"{median(one.full.p99 for one in rounds):.1f} ms",
            *(f"{value:.2f} ms" for value in added),
            f"{median(one.worker for one in rounds) / 1024:.1f} MB",
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each of all ways (default: 5)")
    parser.add_argument("--seconds", type=int, default=8, help="seconds of a measurement (default: 8)")
    parser.add_argument("--peers", type=Path, help="folder of the role geerlingguy.nginx")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("there is no wrk here: apt-get install wrk")
    if not options.peers:
        print(f"{PEER}: not measured, there is no --peers", file=sys.stderr)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    played(ROOT / "site.yml", "--extra-vars", json.dumps(BACKEND))
    balancer = Node("lb1")
    all_ways = ways(balancer, options.peers)
    measured: dict[str, list[Round]] = {way.name: [] for way in all_ways}
    try:
        for number in range(options.rounds):
            # None is always the first, or always the last.
            turn = number % len(all_ways)
            for way in all_ways[turn:] + all_ways[:turn]:
                measured[way.name].append(way.measure(balancer, options.seconds))
                print(f"round {number + 1}: {way.name}: {measured[way.name][-1]}", file=sys.stderr, flush=True)
    finally:
        balancer.run(f"rm -rf {PLACE} /var/cache/throughput")
    LOG.write_text(json.dumps({name: [asdict(one) for one in rounds] for name, rounds in measured.items()}, indent=1))
    print("\n".join(rows(measured)))


if __name__ == "__main__":
    main()
