# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a password keeps anybody out. Private to this collection."""

from __future__ import annotations

import bisect
import functools
import re
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import SECRET_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Instance, Plan

__all__ = ("passwords",)

CARRIED = 8
"""Bytes of a password that an advert of VRRP version 2 carries (RFC 2338, 5.3.10); keepalived cuts what is longer."""

KNOWN = frozenset(
    """
    abcd access admin administrator adminadmin ansible auth authpass backup balancer bigsecret ceph centos changeit
    changeme changethis cisco cluster debian default docker dragon enterme example failover floating foobar football
    fred haproxy haproxyha helloworld highavailability hunter iloveyou itsasecret justkey kapass keepalive keepalived
    k8sha k8shakaauth kubernetes letmein linux loadbalancer lvs lvsdr master monkey mypass mypassword mysecret mysql
    nginx nopass openstack ourpass pass passkey passphrase passwd password passwort passw qwerty qwertz redhat
    replaceme root router rsync secret secretpass secretpassword secretpw server sesame somepassword sunshine superman
    supersecret temp test testing toor ubuntu vagrant verysecret vip virtual vrrp vrrppass vrrppassword vrrpsecret
    welcome yourpass yourpassword
    """.split()  # noqa: SIM905  (a list of words, a line each, would be read by nobody)
)
"""What guides, examples and lists of common passwords have, in small letters, without signs and digits at the end."""

ROWS = ("0123456789" * 2, "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm")
COLUMNS = ("1qaz2wsx3edc4rfv", "1q2w3e4r5t6z", "1q2w3e4r5t6y", "zaq12wsx", "qazwsxedc", "q1w2e3r4")
LETTERS = str.maketrans("013457@$!", "oieastasi")
SHORTEST_WORD = 3
_AROUND = "0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

GUESSED = (
    "is one that is guessed first (a well-known one, a name of this fleet, or a row of characters): make one up with "
    "`openssl rand -hex 4`, and keep it in a vault"
)


def passwords(plan: Plan) -> t.Iterator[Fault]:
    """A password is for version 2, which carries eight characters; one that everybody guesses protects nobody."""
    secret = [one for one in plan.all_instances() if any(one.options.get(option) for option in SECRET_OPTIONS)]
    fleet = Words(_fleet_names(plan) if secret else ())
    for instance in secret:
        names = (fleet, _own_words(plan, instance))
        yield from _of_version_2(instance, names)
        keys = instance.options.get("auth_hmac")
        listed = keys.get("keys") if isinstance(keys, Mapping) else None
        for index, key in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(key, Mapping) and guessable(str(key.get("value", "")), *names):
                place = instance.place(f"auth_hmac.keys[{index}].value")
                yield Fault("password", instance.host, place, GUESSED)


def _of_version_2(instance: Instance, names: Iterable[Words]) -> t.Iterator[Fault]:
    authentication = instance.options.get("authentication")
    if not isinstance(authentication, Mapping):
        return
    path = instance.place("authentication.auth_pass")
    password = str(authentication.get("auth_pass", ""))
    length = len(password.encode())
    if instance.timing.version == 3:
        message = (
            "is set, and VRRP version 3 has no password: remove it (peers are told by their addresses), or choose "
            "`keepalived_timing: {version: 2, advert_int: 1}`"
        )
        yield Fault("password", instance.host, path, message)
    elif not password:
        yield Fault("password", instance.host, path, f"has 0 characters: make one up of {CARRIED}")
    elif length > CARRIED:
        message = (
            f"has {length} characters, and VRRP version 2 carries {CARRIED}: keepalived would cut the rest without a "
            f"word, so write {CARRIED}"
        )
        yield Fault("password", instance.host, path, message)
    elif guessable(password, *names):
        yield Fault("password", instance.host, path, GUESSED)
    elif length < CARRIED:
        message = f"has {length} characters, and VRRP version 2 carries {CARRIED}: a longer one is harder to guess"
        yield Fault("password-short", instance.host, path, message, severity="warning")


class Words:
    """Words that are tried first, so prepared that one among thousands is found at once."""

    def __init__(self, names: Iterable[str]) -> None:
        labels = {label for name in names for label in (name, *name.split("."))}
        self._words = {_plain(form) for name in labels for form in (name.lower(), name.lower().translate(LETTERS))}
        self._sorted = sorted(self._words)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def one_begins_with(self, word: str) -> bool:
        place = bisect.bisect_left(self._sorted, word)
        return place < len(self._sorted) and self._sorted[place].startswith(word)


def _fleet_names(plan: Plan) -> set[str]:
    """Return what the fleet calls itself: its hosts and groups."""
    return {*plan.fleet.groups, *plan.members, *plan.fleet.backends}


def _own_words(plan: Plan, instance: Instance) -> Words:
    """Return what a cluster calls itself: its name, and those of the instance and of its sites."""
    variables = plan.members[instance.host].variables
    names = {instance.cluster, instance.name}
    for site in variables["balancer_sites"] if isinstance(variables["balancer_sites"], list) else ():
        server_names = site.get("server_name") if isinstance(site, Mapping) else None
        names.update(str(one) for one in (server_names if isinstance(server_names, list) else [server_names]) if one)
    return Words(names)


def guessable(password: str, *names: Words) -> bool:
    """Return whether a password is a known one, a name, one that begins with such a one, or has a pattern."""
    small = password.lower()
    if re.fullmatch(r"(.{1,4})\1+|.|(?:(.)\2)+", small) or _is_row(small):
        return True
    if re.fullmatch(r"(?:19|20)\d\d(?:0\d|1[0-2])[0-3]\d|[0-3]\d(?:0\d|1[0-2])(?:19|20)\d\d|(?:19|20)\d\d", small):
        return True  # a date
    # What surrounds a word, such as 1 and !, makes it no better; nor do signs that look like letters.
    core = small.strip(_AROUND)
    forms = {small, small.translate(LETTERS), *([core, core.translate(LETTERS)] if len(core) >= SHORTEST_WORD else ())}
    words = {_plain(form) for form in forms} - {""}
    # keepalived has cut what is longer, so the beginning of a known one is as well known.
    return any(
        word in known or (len(word) >= CARRIED - 1 and known.one_begins_with(word))
        for word in words
        for known in (_well_known(), *names)
    )


@functools.lru_cache(maxsize=None)
def _well_known() -> Words:
    return Words(KNOWN)


def _is_row(word: str) -> bool:
    rows = [*ROWS, *COLUMNS, *(row[::-1] for row in ROWS)]
    return len(word) > 1 and any(word in row for row in rows)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word)
