# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real keepalived takes without a word whatever our models accept, and what they refuse it would have spoilt.

Random words stand where a user may write freely: names, passwords, labels, arguments of scripts. Many blocks make one
configuration, because a start of keepalived takes longer than a block.
"""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import included
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import (
    Authentication,
    GlobalDefs,
    KeepalivedConfig,
    SyncGroup,
    TrackFile,
    VrrpInstance,
    VrrpScript,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from keepalived_complaints import PLACE, agree, complaints, their_complaints
from keepalived_texts import MISSING, SKIPPED
from real_keepalived import INTERFACE, Keepalived

# What keepalived looks at, and some of what it does not.
SPECIAL = " \t\n\r\"'\\#!{}$@~%:/.,;()|&<>=-+0aZ\x0b\x00é\u2028"

SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

Words = t.Sequence[str]


@pytest.fixture(scope="module")
def keepalived() -> t.Iterator[Keepalived]:
    with tempfile.TemporaryDirectory() as folder:
        made = Keepalived(Path(folder))
        yield made
        made.close()


def options_of_an_instance(number: int, **more: object) -> dict[str, t.Any]:
    return {
        "name": f"VI_{number}",
        "interface": INTERFACE,
        "version": 2,
        "virtual_router_id": number,
        "virtual_ipaddress": [f"192.0.2.{number}/32"],
        **more,
    }


def accepted(make: t.Callable[[str], Block], words: Words) -> list[Block]:
    """Return the blocks for those words that the models accept."""
    found = []
    for word in words:
        try:
            found.append(make(word))
        except InputError:
            continue
    return found


def assert_silent(keepalived: Keepalived, *blocks: Block) -> str:
    """The real keepalived takes the blocks without a word; return their text."""
    text = render([GlobalDefs.from_options({"enable_script_security": True}).to_block(), *blocks])
    assert keepalived.test(text) == (0, "")
    return text


def words(most: int = 14) -> st.SearchStrategy[list[str]]:
    one = st.text(SPECIAL, min_size=1, max_size=most) | st.text(min_size=1, max_size=most)
    return st.lists(one, min_size=1, max_size=40, unique=True)


def script(command: str, name: str = "script") -> Block:
    return VrrpScript.from_options({"name": name, "script": command, "user": ["root"]}).to_block()


@given(words())
@SLOW
@example(["a b", "a#b", "a!b", "a{b", "a}b", "'", "@a", "~SEQ(a)", "!", "#", "include", "é"])
def test_names_are_taken_as_they_are(keepalived: Keepalived, texts: list[str]) -> None:
    trackers = accepted(lambda word: TrackFile.from_options({"name": word, "file": "/dev/null"}).to_block(), texts)
    scripts = accepted(lambda word: script("/bin/true", word), texts)
    names = [block.args[0] for block in trackers]
    instances = [
        VrrpInstance.from_options(
            options_of_an_instance(number, name=name, track_file=[{"name": name}], track_script=[{"name": name}])
        ).to_block()
        for number, name in enumerate(names, 1)
    ]
    # A group of one is odd to keepalived.
    groups = [SyncGroup.from_options({"name": names[0], "group": names}).to_block()] if len(names) > 1 else []
    assert_silent(keepalived, *trackers, *scripts, *groups, *instances)


@given(words(9))
@SLOW
@example(["a b", "a#b", "P@##D321!", "a!b", "a{b}", "{", "'", "''", "=", "@low x", "a\\", "a\\#"])
def test_passwords_are_taken_as_they_are(keepalived: Keepalived, texts: list[str]) -> None:
    secrets = accepted(
        lambda word: Authentication.from_options({"auth_type": "PASS", "auth_pass": word}).to_block(), texts
    )
    instances = []
    for number, secret in enumerate(secrets, 1):
        block = VrrpInstance.from_options(options_of_an_instance(number)).to_block()
        instances.append(Block(block.name, block.args, (*(block.children or ()), secret)))
    text = assert_silent(keepalived, *instances)
    seen = [block.find("authentication")[0].find("auth_pass")[0].args for block in expand(text).blocks[1:]]
    assert seen == [secret.find("auth_pass")[0].args for secret in secrets]


@given(words())
@SLOW
@example(["a b", "a#b", "!", "{", "'a b'", "'", "\x1b", "include x"])
def test_free_texts_of_the_whole_daemon_are_taken_as_they_are(keepalived: Keepalived, texts: list[str]) -> None:
    made = accepted(
        lambda word: GlobalDefs.from_options(
            {"router_id": word, "notification_email_from": word, "smtp_helo_name": word, "notification_email": [word]}
        ).to_block(),
        texts,
    )
    assert_silent(keepalived, *made)


@given(words())
@SLOW
@example(["a b", "'a b'", "'", "a#b", "a!b", "{", "}", "a | b", "&& x", "a'b c'd", "\\"])
def test_arguments_of_scripts_are_taken_as_they_are(keepalived: Keepalived, texts: list[str]) -> None:
    scripts = accepted(lambda word: script(f"/bin/true {word}"), texts)
    named = [Block(one.name, (f"script{at}",), one.children) for at, one in enumerate(scripts)]
    used = [Block(one.args[0], ("weight", "1")) for one in named]
    instance = VrrpInstance.from_options(options_of_an_instance(1)).to_block()
    tracking = Block(instance.name, instance.args, (*(instance.children or ()), Block("track_script", (), tuple(used))))
    assert_silent(keepalived, *named, *[tracking] * bool(used))


@given(words(16))
@SLOW
@example(["eth0:1", "eth0:a b", "eth0:#", "eth0:{", "eth0:'", "eth0:12345678901", "eth0:1234567890"])
def test_labels_are_taken_as_they_are(keepalived: Keepalived, texts: list[str]) -> None:
    def labelled(word: str) -> Block:
        address = {"address": "192.0.2.1/32", "dev": INTERFACE, "label": word}
        return VrrpInstance.from_options(options_of_an_instance(1, virtual_ipaddress=[address])).to_block()

    instances = accepted(labelled, texts)
    for number, block in enumerate(instances, 1):
        children = tuple(
            Block("virtual_router_id", (str(number),)) if one.name == "virtual_router_id" else one
            for one in block.children or ()
        )
        instances[number - 1] = Block(block.name, (f"VI_{number}",), children)
    assert_silent(keepalived, *instances)


def instance(inside: str) -> str:
    address = "virtual_ipaddress {\n192.0.2.1\n}"
    return f"vrrp_instance V {{\ninterface {INTERFACE}\nvirtual_router_id 1\n{address}\n{inside}\n}}\n"


def password(text: str) -> str:
    return instance(f"authentication {{\nauth_type PASS\nauth_pass {text}\n}}")


REFUSED: t.Mapping[str, tuple[t.Callable[[], object], str, str]] = {
    # What our model says no to, how it would have been written, and a part of what keepalived says then.
    "a password that is too long": (
        lambda: Authentication.from_options({"auth_type": "PASS", "auth_pass": "123456789"}),
        password("123456789"),
        "Truncating auth_pass to 8 characters",
    ),
    "a double quote": (
        lambda: Authentication.from_options({"auth_type": "PASS", "auth_pass": 'a"b'}),
        password('"a"b"'),
        "Unterminated quote",
    ),
    "a line break": (
        lambda: GlobalDefs.from_options({"router_id": "a\nb"}),
        'global_defs {\nrouter_id "a\nb"\n}\n',
        "Unterminated quote",
    ),
    "a definition": (
        lambda: GlobalDefs.from_options({"router_id": "${A}"}),
        "$A={\nglobal_defs {\nrouter_id ${A}\n}\n",
        "missing '}'s or extra '{'s",
    ),
    "a lone brace": (
        lambda: SyncGroup.from_options({"name": "}", "group": ["a", "b"]}),
        'vrrp_sync_group "}" {\ngroup {\na\n"}"\n}\n}\n',
        "}",
    ),
    "a priority out of range": (
        lambda: VrrpInstance.from_options(options_of_an_instance(1, priority=256)),
        instance("priority 256"),
        "number '256' outside range [1, 255]",
    ),
    "half a second in version 2": (
        lambda: VrrpInstance.from_options(options_of_an_instance(1, advert_int=0.5)),
        instance("version 2\nadvert_int 0.5"),
        "must be an integer",
    ),
    "no addresses": (
        lambda: VrrpInstance.from_options(options_of_an_instance(1, virtual_ipaddress=[])),
        f"vrrp_instance V {{\ninterface {INTERFACE}\nvirtual_router_id 1\n}}\n",
        "No VIP specified",
    ),
    "nopreempt of a master": (
        lambda: VrrpInstance.from_options(
            options_of_an_instance(1, priority=100, nopreempt=True, initial_state="MASTER")
        ),
        instance("state MASTER\npriority 100\nnopreempt"),
        "nopreempt will not work with initial state MASTER",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_we_refuse_keepalived_complains_of(
    keepalived: Keepalived, case: tuple[t.Callable[[], object], str, str]
) -> None:
    make, text, complaint = case
    with pytest.raises(InputError):
        make()
    code, said = keepalived.test(text)
    assert code != 0
    assert complaint in said


@pytest.mark.parametrize(
    ("written", "read"),
    [("ab#cd", "ab"), ("ab!cd", "ab"), ("a b", "a")],
    ids=["number sign", "exclamation mark", "blank"],
)
def test_what_keepalived_would_cut_in_silence_is_quoted(keepalived: Keepalived, written: str, read: str) -> None:
    bare = password(written)
    assert keepalived.test(bare) == (0, "")
    assert expand(bare).blocks[0].find("authentication")[0].find("auth_pass")[0].args[0] == read
    quoted = render([Authentication.from_options({"auth_type": "PASS", "auth_pass": written}).to_block()])
    assert f'auth_pass "{written}"' in quoted


def test_an_unquoted_brace_breaks_the_file_and_a_quoted_one_does_not(keepalived: Keepalived) -> None:
    assert keepalived.test(password("a{b"))[0] != 0
    assert keepalived.test(password('"a{b"')) == (0, "")


@pytest.mark.parametrize("text", [text for text, _complaints in (*MISSING.values(), *SKIPPED.values())])
def test_it_stops_and_skips_where_we_say(keepalived: Keepalived, text: str) -> None:
    code, said = keepalived.test(text)
    ours = complaints(expand(text, str(keepalived.folder / "keepalived.conf")), keepalived.folder)
    # It crashes at some, with words or without.
    assert agree(ours, their_complaints(said), only_first=code < 0)


def modelled(text: str) -> str:
    """What our model makes of a whole file."""
    return render(KeepalivedConfig.from_block(Block("", (), parse(text))).to_block().children or ())


def verdict(keepalived: Keepalived, text: str) -> tuple[int, set[str]]:
    code, said = keepalived.test(text)
    return code, set(PLACE.sub("", said).splitlines())


IN_ORDER = [
    # Two lines, or blocks, that say another thing in the other order.
    ("nftables a", "vrrp_iptables"),
    ("process_names", "vrrp_process_name x"),
    ("nftables_ipvs", "nftables_ipvs_priority 5"),
    ("script_user root", "startup_script /bin/true"),
]


@pytest.mark.parametrize(
    "text",
    [
        "global_defs {\numask IWGRP | IWOTH\n}\n",
        "global_defs {\numask 022\n}\n",
        "global_defs {\numask IWGRP IWOTH\n}\n",
        "global_defs {\nvrrp_rx_bufs_policy MTU ADVERT\n}\n",
        "global_defs {\nvrrp_rx_bufs_policy MTU 5\n}\n",
        "global_defs {\ndata_use_instance off\n}\n",
        "global_defs {\nrouter_id a\n}\nglobal_defs {\numask 022\n}\n",
        *(f"global_defs {{\n{one}\n{other}\n}}\n" for one, other in IN_ORDER),
        instance("skip_check_adv_addr off"),
        instance("accept\nno_accept"),
    ],
)
def test_a_file_that_went_through_the_model_means_the_same(keepalived: Keepalived, text: str) -> None:
    assert verdict(keepalived, modelled(text)) == verdict(keepalived, text)


def test_the_order_of_these_does_matter(keepalived: Keepalived) -> None:
    first, second = (
        f"global_defs {{\n{lines}\n}}\n" for lines in ("nftables a\nvrrp_iptables", "vrrp_iptables\nnftables a")
    )
    assert verdict(keepalived, first) != verdict(keepalived, second)


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "?",
        "[a-b]",
        "[^a-z1]",
        "[]y]",
        "[[:digit:]]",
        r"\[x\]",
        r"a\*",
        "{b,a}",
        "{y,{b,1}}",
        r"\{a\}",
        ".*",
        "c d",
    ],
)
def test_an_include_brings_the_same_files(keepalived: Keepalived, pattern: str) -> None:
    names = ["a", "b", "1", "[x]", "]", "y", "{a}", "c d", "a*", ".hidden", "B"]
    for at, name in enumerate(names):
        (keepalived.folder / f"{name}.part").write_text(f"word{at}\n")
    text = f"include {pattern}.part\n"
    _code, said = keepalived.test(text)
    blocks = expand(text, str(keepalived.folder / "keepalived.conf"), included).blocks
    found = [word for _rule, _line, word in map(first_complaint, said.splitlines()) if word]
    # Each of its processes complains of them once.
    assert found == [shown(block.name) for block in blocks] * (len(found) // len(blocks))


def first_complaint(line: str) -> tuple[str, str, str]:
    return next(iter(their_complaints(line)), ("", "", ""))
