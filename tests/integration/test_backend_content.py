# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content comes onto a host by a play, only where it differs, and what is wrong with it is told with its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from harness.playing import CLONE, PROGRAM

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what it brings about belongs to root")

# What the host remembers is not that of this machine.
ELSEWHERE = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/lib && exec "$@"')
PLAY = [
    {
        "hosts": "backend",
        "gather_facts": False,
        "tasks": [
            {"holdfast.nginx_ha.fleet_plan": None, "run_once": True},
            {"holdfast.nginx_ha.host_state": {"roles": ["backend"], "only": ["content"]}},
        ],
    }
]


class Play:
    """A play of one backend, which is this machine, with a folder of templates for its content."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.root = folder, folder / "files", folder / "srv" / "site"
        self.source.mkdir()
        (self.source / "index.html.j2").write_text("{{ inventory_hostname }} serves {{ backend_root }}\n")
        (self.source / "a.css").write_text("a")
        (folder / "state").mkdir()
        (folder / "play.yml").write_text(yaml.safe_dump(PLAY))
        self.say(template="files")

    def say(self, **content: t.Any) -> None:
        everywhere = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "keepalived_vips": ["10.0.0.100/24"],
            "balancer_upstreams": [{"name": "blog", "servers_from": "backend", "port": 8080}],
            "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
            "backend_root": str(self.root),
            "backend_content": content,
        }
        groups = {
            "master": {"hosts": {"lb1": {"keepalived_address": "10.0.0.11"}}},
            "backup": {"hosts": {"lb2": {"keepalived_address": "10.0.0.12"}}},
            "backend": {"hosts": {"web1": {"backend_address": "10.0.0.21"}}},
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": everywhere, "children": groups}}))

    def run(self, *options: str, pipelining: bool = True) -> str:
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(CLONE),
            "ANSIBLE_PIPELINING": str(pipelining),
            "ANSIBLE_REMOTE_TMP": str(self.folder / "remote"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [*ELSEWHERE, str(self.folder / "state"), PROGRAM, "-i", "hosts.yml", "play.yml", *options]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        # What was sent went with its task.
        assert list((self.folder / "remote").glob("*")) == []
        return done.stdout + done.stderr

    def there(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_play_brings_what_differs_and_then_nothing(play: Play, pipelining: bool) -> None:
    page = f"web1 serves {play.root}\n"
    shown = play.run("--check", "--diff", pipelining=pipelining)
    assert "changed=1" in shown
    assert "+index.html" in shown
    assert not play.root.exists()
    assert "changed=1" in play.run(pipelining=pipelining)
    assert play.there() == {"index.html": page, "a.css": "a"}
    assert "changed=0" in play.run(pipelining=pipelining)
    (play.source / "a.css").unlink()
    shown = play.run("--diff", pipelining=pipelining)
    assert "-a.css" in shown
    assert "+index.html" not in shown
    assert play.there() == {"index.html": page}


def test_what_is_wrong_is_one_sentence_and_changes_nothing(play: Play) -> None:
    play.run()
    before = play.there()
    (play.source / "bad.j2").write_text("{{ no_such_variable }}")
    shutil.make_archive(str(play.folder / "shop"), "zip", play.source)
    (play.folder / "damaged.zip").write_bytes((play.folder / "shop.zip").read_bytes()[:100])
    for content, told in (
        ({"template": "files"}, f"backend_content.template: {play.source} has bad.j2, which cannot be rendered: "),
        ({"folder": "none"}, f"there is no folder {play.folder}/none on the controller"),
        ({"archive": "damaged.zip"}, "backend_content.archive: "),
        ({"archive": "/no/such.tgz", "remote_src": True}, "backend_content: /no/such.tgz is not there"),
        ({"folder": "files", "owner": "no-such"}, "shall be of user no-such, which this host does not have"),
    ):
        play.say(**content)
        for options in (("--check",), ()) if "template" in content else ((),):
            assert told in " ".join(play.run(*options).split())
            assert play.there() == before
    play.say(archive="shop.zip")
    assert "changed=1" in play.run()
    assert set(play.there()) == {"index.html.j2", "a.css", "bad.j2"}
