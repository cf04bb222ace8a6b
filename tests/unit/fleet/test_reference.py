# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of inventory/reference say all that the configurations of the guides do, but for what they mend.

The folder ``reference`` beside this file has these configurations. A directive of theirs must be in what is rendered
for the same host, at its place or around it where nginx then takes it from there, or stand in MENDED with the reason
why it is not there.
"""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse as parse_keepalived
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse as parse_nginx
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from documented import ROOT
from shipped_inventories import Shipped, shipped

FOLDER = Path(__file__).parent / "reference"
NAMES = sorted(path.name for path in (ROOT / "inventory" / "reference").iterdir())
ORIGINALS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.conf"))

Line = t.Tuple[str, ...]
"""What a directive stands in, from outside in, and behind that the directive."""

PREFERENCE = (
    "who is preferred follows from the priority alone; two that begin as master hold the address both for a moment"
)
GUESSED = "a password that everybody knows protects nobody"
PEERS = "version 3 has no password: the balancers hear their peers only, whose addresses the plan knows"
ADVERTS = "an advert every 0.1 s: a dead host is replaced in 0.4 s, and not in 3.2 s"
SCRIPTS = (
    "the watcher looks at nginx and systemd starts it again; a script that does both cannot tell one from the other"
)
NO_DELAY = "0 is what there is without it, and keepalived's own test refuses it where it is written"
MAILS = "keepalived sends none of these mails unless it is told when; keepalived_mail sends them at every change"
OF_NGINX = (
    "the package of Debian has a user, folders and logs of its own, which are rotated and which its unit may write"
)

MENDED: dict[str, dict[str, str]] = {
    "000": {
        "http > server localhost > error_page *": "the page is brought along under a name of its own",
        "http > server localhost > location = /50x.html > *": "the page is brought along, in a folder of its own",
        "vrrp_instance VI_1 > state MASTER": PREFERENCE,
        "vrrp_instance VI_1 > advert_int 1": ADVERTS,
        "vrrp_instance VI_1 > authentication > *": PEERS,
    },
    "001": {
        "user www": OF_NGINX,
        "worker_processes 8": "one for each processor of the host, however many it has",
        "http > include mime.types": OF_NGINX,
        "http > server * > access_log /usr/local/nginx/logs/*": OF_NGINX,
        "http > server * > error_log /usr/local/nginx/logs/*": OF_NGINX,
        "http > proxy_temp_path /var/www/cache/tmp": (
            "the loader of the cache removes what it finds there and does not know; nginx writes into the cache itself"
        ),
        "vrrp_instance VI_1 > state MASTER": PREFERENCE,
        "vrrp_instance VI_1 > authentication > auth_pass 1111": GUESSED,
        "vrrp_script chk_http_port > *": SCRIPTS,
        "vrrp_instance VI_1 > track_script > chk_http_port": SCRIPTS,
    },
    "002": {
        "global_defs > notification_email > ops@example.com": MAILS,
        "global_defs > notification_email_from keepalived@example.com": MAILS,
        "global_defs > smtp_server 127.0.0.1": MAILS,
        "global_defs > smtp_connect_timeout 30": MAILS,
        "global_defs > router_id ka2.example.com": "each balancer has a name of its own; the guide's have the same one",
        "global_defs > vrrp_garp_interval 0": NO_DELAY,
        "global_defs > vrrp_gna_interval 0": NO_DELAY,
        "global_defs > vrrp_mcast_group4 224.0.0.18": "the adverts go from one balancer to the other, and to no group",
        "vrrp_script check_nginx > *": SCRIPTS,
        "vrrp_instance VI_1 > track_script > check_nginx": SCRIPTS,
        "vrrp_instance VI_1 > state MASTER": PREFERENCE,
        "vrrp_instance VI_1 > advert_int 1": ADVERTS,
        "vrrp_instance VI_1 > authentication > *": PEERS,
    },
    "004": {
        "global_defs > notification_email > *": MAILS,
        "global_defs > notification_email_from *": MAILS,
        "global_defs > smtp_*": MAILS,
        "global_defs > router_id R1": "each balancer has the name that the inventory gives it",
        "global_defs > vrrp_strict": "clients of the address would be dropped, and with it the adverts to peers",
        "global_defs > vrrp_iptables": "it has an effect only beside vrrp_strict",
        "global_defs > vrrp_garp_interval 0": NO_DELAY,
        "global_defs > vrrp_gna_interval 0": NO_DELAY,
        "global_defs > vrrp_mcast_group4 224.0.0.18": "the instances say the group, which is one of their own",
        "vrrp_instance VI_1 > notify_*": "the notifier sends that mail, and keeps it while the server is away",
    },
}
"""By inventory and pattern of a line: why it is not there."""

MOVED: dict[str, dict[str, str]] = {
    # /svn/page would become /svn//page, and /svnother would be let in.
    "001": {"location /svn": "location /svn/", "location /submin": "location /submin/"},
}
"""By inventory: what has another name here."""

# Directives of which more may be said: parameters of a server, options of a listen.
MORE = ("listen", "server", "proxy_cache_path")


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_planned_without_a_word(name: str) -> None:
    assert [str(one) for one in of(name).examined.findings()] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_host_gets_what_nginx_refuses_or_a_balancer_should_not_have(name: str) -> None:
    inventory = of(name)
    assert [str(one) for host in inventory.variables for one in check(inventory.nginx(host))] == []


@pytest.mark.parametrize("original", ORIGINALS)
def test_nothing_is_missing_but_what_is_mended(original: str) -> None:
    name, file = original.split("/")
    missing = {line for host in hosts(name, file) for line in differences(name, file, host)}
    unexplained = [shown(line) for line in missing if not any(fnmatchcase(shown(line), one) for one in MENDED[name])]
    assert unexplained == []


@pytest.mark.parametrize("name", MENDED)
def test_all_that_is_mended_is_missing(name: str) -> None:
    files = [one.split("/")[1] for one in ORIGINALS if one.startswith(f"{name}/")]
    missing = {shown(line) for file in files for host in hosts(name, file) for line in differences(name, file, host)}
    assert [one for one in MENDED[name] if not any(fnmatchcase(line, one) for line in missing)] == []


def test_the_kernel_spreads_over_what_serves() -> None:
    pair = of("004-lvs")
    [server] = [one for one in pair.keepalived("r1") if one.name == "virtual_server"]
    assert server.args == ("10.89.50.188", "80")
    said = {one.name: one.args for one in server.children or () if one.children is None}
    assert (said["lb_algo"], said["lb_kind"], said["protocol"]) == (("rr",), ("DR",), ("TCP",))
    assert [one.args for one in server.find("real_server")] == [("10.89.50.21", "80"), ("10.89.50.22", "80")]
    assert all(one.find("HTTP_GET") for one in server.find("real_server"))
    backend = pair.documents("web1")["backend"]["state"]
    assert backend["loopback"] == {"addresses": ["10.89.50.188"]}


def of(name: str) -> Shipped:
    return shipped(ROOT / "inventory" / "reference" / name)


def hosts(name: str, file: str) -> list[str]:
    """Return the hosts for which a file is meant: that in its name, or all of their kind."""
    kind, _dash, host = file.rpartition(".")[0].partition("-")
    groups = of(name).groups
    return (
        [host]
        if host
        else list({"balancer": [*groups["master"], *groups["backup"]], "backend": groups["backend"]}[kind])
    )


def differences(name: str, file: str, host: str) -> list[Line]:
    """Return the lines of a file that the inventory does not say for a host."""
    speaks_vrrp = file.startswith("keepalived")
    parse = parse_keepalived if speaks_vrrp else parse_nginx
    theirs = lines(parse((FOLDER / name / file).read_text(), file))
    ours = defaultdict(list)
    for place, block in lines(of(name).keepalived(host) if speaks_vrrp else of(name).nginx(host)):
        ours[place, block.name].append(block)
    moved = MOVED.get(name, {})
    missing = []
    for place, block in theirs:
        here = tuple(moved.get(one, one) for one in place)
        # The innermost place at which it is said at all is the one that counts.
        around = (ours[here[:depth], block.name] for depth in range(len(here), -1, -1))
        said = next((found for found in around if found), [])
        if not any(covers(one, block) for one in said):
            missing.append((*place, text(block)))
    return missing


def lines(blocks: t.Iterable[Block], place: Line = ()) -> t.Iterator[tuple[Line, Block]]:
    """Yield every directive without a body, with what it stands in."""
    for block in blocks:
        if block.children is not None:
            yield from lines(block.children, (*place, title(block)))
        elif not block.is_comment:
            yield place, block


def title(block: Block) -> str:
    """Return what tells a block from its neighbours; of a server that is its names."""
    names = [word for one in block.find("server_name") for word in one.args]
    return " ".join((block.name, *block.args, *names))


def covers(ours: Block, theirs: Block) -> bool:
    if theirs.name in MORE:
        return ours.args[:1] == theirs.args[:1] and set(theirs.args) <= set(ours.args)
    return re.sub(r"\s+", " ", text(ours)) == re.sub(r"\s+", " ", text(theirs))


def text(block: Block) -> str:
    return " ".join((block.name, *block.args))


def shown(line: Line) -> str:
    return " > ".join(line)
