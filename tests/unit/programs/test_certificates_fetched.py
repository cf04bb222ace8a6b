# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewed certificate comes from the issuer to a balancer by itself, whole and judged, or the former one stays."""

from __future__ import annotations

import json
import stat
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import fetcher, publisher
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.judgement import Verifier
from authority import Authority, Issued

BLOG, SHOP = "blog.example.com", "shop.example.com"
ISSUER = fetcher.Issuer(
    json.dumps(
        {
            "host": "web1",
            "address": "192.0.2.21",
            "port": 2222,
            "user": "holdfast-issued",
            "key": "/etc/holdfast/issuer.key",
            "known_hosts": "/etc/holdfast/issuer.known_hosts",
        }
    )
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Host:
    """A balancer with two sites: what the issuer would give it, and what it tells systemd."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder, self.authority = folder, authority
        (folder / "certificates").mkdir()
        (folder / "run").mkdir()
        sites = {name: [{"names": [name], "trusted": authority.root}] for name in (BLOG, SHOP)}
        self.config = fetcher.Config(
            json.dumps(
                {
                    "folder": str(folder / "certificates"),
                    "state_file": str(folder / "state.json"),
                    "events": str(folder / "events"),
                    "certificates": sites,
                }
            )
        )
        self.given: dict[str, t.Any] = {}
        self.is_down = self.refuses = False
        self.runs = True
        self.reloads = 0

    def issue(self, name: str, issued: Issued | None = None) -> None:
        """Let the issuer have a new certificate of this name."""
        issued = issued or self.authority.issue(name)
        self.given[name] = {"fullchain": issued.certificate + self.authority.chain, "privkey": issued.key}

    def run(self, *words: str) -> str:
        if words[0] == "ssh":
            if self.is_down:
                raise OSError("ssh ended with status 255: ssh: connect to host 192.0.2.21 port 2222: No route to host")
            return json.dumps(self.given)
        if words[1] == "show":
            return "active\n" if self.runs else "inactive\n"
        assert words == ("systemctl", "reload", "nginx.service")
        if self.refuses:
            raise OSError("systemctl ended with status 1: Job for nginx.service failed.")
        self.reloads += 1
        return ""

    def fetch(self) -> list[str]:
        verifier = Verifier(str(self.folder / "run"), "holdfast-certificate-")
        faults = fetcher.bring(
            self.config, ISSUER, verifier, self.run, time.time(), lock=str(self.folder / "nginx.lock")
        )
        fetcher.report(self.config, faults)
        assert list((self.folder / "run").iterdir()) == []  # no key is left in it
        return faults

    def served(self, name: str) -> dict[str, str]:
        """Return what is in place, as nginx finds it."""
        folder = self.folder / "certificates" / name
        return {part: (folder / f"{part}.pem").read_text() for part in ("fullchain", "privkey")}


@pytest.fixture
def host(tmp_path: Path, authority: Authority) -> Host:
    host = Host(tmp_path, authority)
    host.issue(BLOG)
    host.issue(SHOP)
    return host


def test_what_is_new_is_put_in_place_and_nginx_reads_it_once(host: Host) -> None:
    assert host.fetch() == []
    assert (host.served(BLOG), host.served(SHOP)) == (host.given[BLOG], host.given[SHOP])
    assert host.reloads == 1
    assert host.fetch() == []
    assert host.reloads == 1
    host.issue(BLOG)
    assert host.fetch() == []
    assert host.served(BLOG) == host.given[BLOG]
    assert host.reloads == 2


def test_a_key_is_for_root_alone_and_none_is_left_behind(host: Host) -> None:
    host.fetch()
    host.issue(BLOG)
    host.fetch()
    folder = host.folder / "certificates"
    keys = list(folder.glob(".*/privkey.pem"))
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600, 0o600]
    assert sorted(path.name for path in folder.iterdir() if path.is_symlink()) == [BLOG, SHOP]
    assert len(list(folder.iterdir())) == 4


def test_an_nginx_that_does_not_run_is_not_reloaded(host: Host) -> None:
    host.runs = False
    assert host.fetch() == []
    assert (host.reloads, host.served(BLOG)) == (0, host.given[BLOG])


def wrong(host: Host, case: str) -> None:
    """Let the issuer have something else than a new certificate of the blog."""
    authority = host.authority
    if case == "key":
        host.issue(BLOG, authority.issue(BLOG)._replace(key=authority.issue(BLOG).key))
    elif case == "name":
        host.issue(BLOG, authority.issue("other.example.com"))
    elif case == "ended":
        host.issue(BLOG, authority.issue(BLOG, days=0))
        time.sleep(1.1)
    elif case == "chain":
        host.given[BLOG] = dict(zip(("fullchain", "privkey"), authority.issue(BLOG)))
    elif case == "empty":
        host.given[BLOG] = {"fullchain": "", "privkey": ""}
    elif case == "torn":
        host.given[BLOG]["fullchain"] = authority.issue(BLOG).certificate.replace("MII", "M!!", 1)
    else:
        del host.given[BLOG]


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("key", f"the new certificate_key of {BLOG} is refused: it does not belong to the certificate; "),
        ("name", f'is refused: it is for other.example.com, and not for the server_name "{BLOG}"; '),
        ("ended", f'the new certificate of {BLOG} is refused: the certificate of "{BLOG}" ended on '),
        ("chain", f"the new certificate of {BLOG} is refused: its chain ends with "),
        ("empty", f"the new certificate of {BLOG} is refused: it is empty, or has no key; "),
        ("torn", f"the new certificate of {BLOG} is refused: a certificate in it cannot be read: "),
        ("missing", f"web1 has no certificate {BLOG}; "),
    ],
)
def test_a_wrong_one_is_told_and_the_former_one_stays(host: Host, case: str, sentence: str) -> None:
    host.fetch()
    before = host.served(BLOG)
    wrong(host, case)
    host.issue(SHOP)
    [told] = host.fetch()
    assert sentence in told
    assert f"; {BLOG} has 89 days left, {SHOP} has 89 days left" in told
    assert "PRIVATE KEY" not in told
    assert host.served(BLOG) == before
    # The other one comes all the same.
    assert (host.served(SHOP), host.reloads) == (host.given[SHOP], 2)


def test_without_the_issuer_all_goes_on_and_it_is_told_once(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[tuple[str, str]] = []
    monkeypatch.setattr(fetcher, "tell", lambda _path, **event: events.append((event["event"], event["state"])))
    host.fetch()
    host.is_down = True
    before = host.served(BLOG)
    [told] = host.fetch()
    assert told == (
        "nothing can be fetched from web1: ssh ended with status 255: ssh: connect to host 192.0.2.21 port 2222: "
        f"No route to host; {BLOG} has 89 days left, {SHOP} has 89 days left"
    )
    assert told in capsys.readouterr().err
    host.fetch()
    assert (host.served(BLOG), host.reloads) == (before, 1)
    assert json.loads((host.folder / "state.json").read_text()) == {"message": told}
    host.is_down = False
    host.fetch()
    assert events == [("certificates", "raised"), ("certificates", "cleared")]


def test_what_nginx_does_not_take_is_taken_back(host: Host) -> None:
    host.fetch()
    before = host.served(BLOG)
    host.issue(BLOG)
    host.refuses = True
    [told] = host.fetch()
    assert f"nginx does not take {BLOG}: systemctl ended with status 1: Job for nginx.service failed." in told
    assert host.served(BLOG) == before
    host.refuses = False
    assert host.fetch() == []
    assert (host.served(BLOG), host.reloads) == (host.given[BLOG], 2)


def test_who_was_killed_before_the_reload_makes_up_for_it(host: Host) -> None:
    host.fetch()
    host.issue(BLOG)

    def killed(*words: str) -> str:
        if words[:2] == ("systemctl", "reload"):
            raise KeyboardInterrupt
        return host.run(*words)

    verifier = Verifier(str(host.folder / "run"), "holdfast-certificate-")
    with pytest.raises(KeyboardInterrupt):
        fetcher.bring(host.config, ISSUER, verifier, killed, time.time(), lock=str(host.folder / "nginx.lock"))
    assert (host.served(BLOG), host.reloads) == (host.given[BLOG], 1)
    assert host.fetch() == []
    assert host.reloads == 2


def test_somebody_elses_folder_in_the_place_of_one_is_left_alone(host: Host) -> None:
    folder = host.folder / "certificates" / BLOG
    folder.mkdir()
    told = host.fetch()
    assert any(f"{BLOG} is not in place: " in one for one in told)
    assert list(folder.iterdir()) == []
    assert host.served(SHOP) == host.given[SHOP]


def test_only_the_known_issuer_is_asked_and_nothing_secret_stands_in_the_process_list() -> None:
    command = ISSUER.command
    for option in ("StrictHostKeyChecking=yes", "HostKeyAlias=web1", "BatchMode=yes", "IdentitiesOnly=yes"):
        assert option in command
    assert command[-1] == "holdfast-issued@192.0.2.21"
    assert command[command.index("-i") + 1] == "/etc/holdfast/issuer.key"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    data = {"folder": str(tmp_path), "state_file": "", "events": "", "certificates": {name: []}}
    with pytest.raises(ValueError, match="a name that is none"):
        fetcher.Config(json.dumps(data))


def laid_out(folder: Path, **balancers: list[str]) -> publisher.Config:
    data = {"certificates": str(folder / "live"), "folder": str(folder / "for"), "balancers": balancers}
    return publisher.Config(json.dumps(data))


def test_a_balancer_is_given_the_certificates_of_its_own_sites_alone(tmp_path: Path) -> None:
    for name in (BLOG, SHOP):
        (tmp_path / "live" / name).mkdir(parents=True)
        for part in ("fullchain", "privkey"):
            (tmp_path / "live" / name / f"{part}.pem").write_text(f"{part} of {name}")
    (tmp_path / "for").mkdir()
    (tmp_path / "for" / "former").write_text("{}")
    [missing] = publisher.publish(laid_out(tmp_path, lb1=[BLOG], lb2=[BLOG, SHOP, "none.example.com"]))
    assert missing == f"{tmp_path}/live/none.example.com/fullchain.pem cannot be read: No such file or directory"
    given = {path.name: json.loads(path.read_text()) for path in (tmp_path / "for").iterdir()}
    assert {name: sorted(one) for name, one in given.items()} == {"lb1": [BLOG], "lb2": [BLOG, SHOP]}
    assert given["lb1"][BLOG]["privkey"] == f"privkey of {BLOG}"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "for").iterdir()} == {0o640}
