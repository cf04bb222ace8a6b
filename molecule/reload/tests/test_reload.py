# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients that keep their connections see of reloads: HOLDFAST_RELOADS of them, by default a hundred.

A worker that ends closes the connections on which nothing is asked at that moment, and a request that is on its way
there is reset. From nginx 1.27.4 on it waits for `keepalive_min_timeout`; before, nothing in a configuration helps.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections import Counter

import pytest

from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.posting import CLOSED, CUT_OFF, WAITS, Posted, posting

RELOADS = int(os.environ.get("HOLDFAST_RELOADS", "100"))
CLIENTS = 500
PAUSE = 1.0  # seconds between two requests of a client
EVERY = 0.6  # seconds from one reload to the next


def version(pair: Cluster) -> tuple[int, ...]:
    found = re.search(r"nginx/([0-9.]+)", pair.lb1.run("nginx -v 2>&1"))
    assert found
    return tuple(int(number) for number in found[1].split("."))


def taken(pair: Cluster, path: str) -> Counter[int]:
    """Return how often each request came to a backend, by their logs."""
    lines = (node.run(f"grep -o 'POST {path}[0-9]*' /var/log/nginx/access.log || true") for node in pair.web_servers)
    return Counter(int(line.rpartition("/")[2]) for text in lines for line in text.split("\n") if line)


@pytest.fixture(scope="module")
def reloaded() -> tuple[Cluster, Posted, Counter[int]]:
    """The pair, what came of the requests during all reloads, and which of them the backends have taken."""
    path = f"/{secrets.token_hex(4)}/"
    pair = Cluster(web_servers=dict.fromkeys(("web1", "web2", "web3"), "nginx"))
    pair.recover()
    with watching(VIP, pair.balancers) as holders, posting(VIP, SITE, path, clients=CLIENTS, pause=PAUSE) as posted:
        time.sleep(2 * PAUSE)
        for _number in range(RELOADS):
            begun = time.monotonic()
            pair.lb1.run("systemctl reload nginx")
            time.sleep(max(0.0, begun + EVERY - time.monotonic()))
        time.sleep(2 * PAUSE)
    print(f"MEASURED {RELOADS} reloads of nginx {'.'.join(map(str, version(pair)))}: {posted}")
    assert holders.moves() == 0, holders
    return pair, posted, taken(pair, path)


def test_reloads_cost_no_request_where_nginx_waits_and_few_where_it_cannot(
    reloaded: tuple[Cluster, Posted, Counter[int]],
) -> None:
    pair, posted, _taken = reloaded
    assert len(posted.answered) > RELOADS * EVERY * CLIENTS / 2, posted  # half of what an idle machine does
    assert len(posted.failed) <= (0 if version(pair) >= WAITS else CUT_OFF * RELOADS), posted
    # Nobody waits in vain, is refused, or gets an answer that no backend gave.
    assert set(posted.failed.values()) <= CLOSED, posted


def test_what_was_cut_off_came_to_no_backend_and_the_rest_came_once(
    reloaded: tuple[Cluster, Posted, Counter[int]],
) -> None:
    _pair, posted, came = reloaded
    assert {number for number, how in posted.failed.items() if how in CLOSED} & came.keys() == set()
    assert set(posted.answered) <= set(came)
    assert {number for number, count in came.items() if count > 1} == set()
