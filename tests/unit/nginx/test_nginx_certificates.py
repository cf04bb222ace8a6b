# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of a site: what becomes of what is said, and what is refused before nginx is asked."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import certificates
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.certificates import judge, questions
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files, site_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import redact
from authority import Authority, Issued

Options = t.Dict[str, t.Any]
NAME = "shop.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue(NAME, "www.example.com")


@pytest.fixture(scope="module")
def said(authority: Authority, issued: Issued) -> Options:
    """TLS of a site as a user says it, all of it right."""
    return {
        "certificate": issued.certificate,
        "certificate_key": issued.key,
        "chain": authority.chain,
        "trusted_certificate": authority.root,
    }


def config(tls: Options, version: Version | None = None, library: Version | None = None, **site: t.Any) -> NginxConfig:
    server = {"server_name": [NAME], "return": "204", "tls": tls, **site}
    return NginxConfig.from_options({"servers": [server]}, version=version, library=library)


def text(tls: Options, version: Version | None = None, library: Version | None = None, **site: t.Any) -> str:
    """Return what nginx reads of the site."""
    return files(config(tls, version, library, **site))[f"conf.d/holdfast-60-server-{NAME}.conf"]


def faults(tls: Options, folder: Path, **more: t.Any) -> list[str]:
    return [str(one) for one in judge(questions(config(tls)), runtime=str(folder), **more)]


def test_a_certificate_becomes_files_and_the_key_is_for_root_alone(said: Options, authority: Authority) -> None:
    found = site_files(config(said))
    assert {name: file.for_root for name, file in found.items()} == {
        f"holdfast-tls.d/{NAME}/certificate.pem": False,
        f"holdfast-tls.d/{NAME}/certificate_key.pem": True,
    }
    assert found[f"holdfast-tls.d/{NAME}/certificate.pem"].text == said["certificate"] + authority.chain


@pytest.mark.parametrize(
    ("profile", "wanted", "absent"),
    [
        (
            "intermediate",
            [
                "ssl_protocols TLSv1.2 TLSv1.3;",
                "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;",
                "ssl_prefer_server_ciphers off;",
                "ssl_session_timeout 1d;",
                "ssl_session_cache shared:MozSSL:10m;",
                "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
            ],
            [],
        ),
        ("modern", ["ssl_protocols TLSv1.3;", "ssl_prefer_server_ciphers off;"], ["ssl_ciphers", "ssl_session_"]),
        ("none", ["ssl_certificate "], ["ssl_protocols", "ssl_prefer", "ssl_ciphers"]),
    ],
)
def test_a_profile_is_as_mozilla_publishes_it(
    said: Options, profile: str, wanted: list[str], absent: list[str]
) -> None:
    written = text({**said, "profile": profile})
    assert [line for line in wanted if line not in written] == []
    assert [word for word in absent if word in written] == []


@pytest.mark.parametrize(("library", "curve"), [((3, 0), "X25519:"), ((3, 5), "X25519MLKEM768:X25519:")])
def test_a_curve_is_named_where_the_library_has_it(said: Options, library: tuple[int, int], curve: str) -> None:
    assert f"ssl_ecdh_curve {curve}" in text(said, library=Version(*library))
    assert "ssl_ecdh_curve prime256v1;" in text(said, library=Version(*library), ssl_ecdh_curve="prime256v1")


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (None, "listen 443 ssl http2;"),
        (Version(1, 22, 1), "listen 443 ssl http2;"),
        (Version(1, 26, 0), "listen 443 ssl;\n    server_name shop.example.com;\n    http2 on;"),
    ],
)
def test_http2_is_said_in_the_form_of_the_version(said: Options, version: Version | None, wanted: str) -> None:
    assert wanted in text(said, version)
    assert "http2" not in text(said, version, http2=False).replace("http2 off;", "")


def test_an_nginx_without_tls_1_3_does_without_it_or_is_refused(said: Options) -> None:
    assert "ssl_protocols TLSv1.2;" in text(said, Version(1, 12, 2))
    with pytest.raises(InputError, match=r"servers\[0\].tls.profile: \"profile: modern\" needs nginx 1.13.0 or newer"):
        text({**said, "profile": "modern"}, Version(1, 12, 2))


def test_http3_listens_and_is_told_to_clients(said: Options) -> None:
    written = text(said, Version(1, 26, 0), http3=True)
    assert "listen 443 quic;" in written
    assert """add_header Alt-Svc 'h3=":443"; ma=86400' always;""" in written
    with pytest.raises(InputError, match=r"servers\[0\].http3: \"http3\" needs nginx 1.25.0 or newer"):
        text(said, Version(1, 22, 1), http3=True)


def test_tickets_have_the_keys_that_are_given_or_none(said: Options) -> None:
    assert "ssl_session_tickets off;" in text(said, Version(1, 22, 1))
    assert "ssl_session_tickets on;" in text(said, Version(1, 24, 0))
    assert "ssl_session_tickets" not in text({**said, "profile": "modern"}, Version(1, 24, 0))
    keys = ["a" * 80, "b" * 80]
    written = text({**said, "session_ticket_keys": keys}, Version(1, 22, 1))
    assert "ssl_session_ticket_key holdfast-tickets.d/0.key;" in written
    assert "ssl_session_tickets on;" in written
    found = site_files(config({**said, "session_ticket_keys": keys}))["holdfast-tickets.d/1.key"]
    assert (found.text, found.for_root) == ("b" * 80, True)


def test_what_the_user_says_counts_before_the_profile(said: Options) -> None:
    assert "ssl_protocols TLSv1.2;" in text(said, ssl_protocols=["TLSv1.2"])


@pytest.mark.parametrize(
    ("site", "listen", "target"),
    [
        ({}, ["80"], "https://$host$request_uri"),
        ({"listen": ["192.0.2.1:443 ssl", "[::]:443 ssl"]}, ["192.0.2.1:80", "[::]:80"], "https://$host$request_uri"),
        ({"listen": ["8443 ssl proxy_protocol"]}, ["80 proxy_protocol"], "https://$host:8443$request_uri"),
    ],
)
def test_http_leads_to_https(said: Options, site: Options, listen: list[str], target: str) -> None:
    written = files(config(said, **site))[f"conf.d/holdfast-60-server-{NAME}.redirect.conf"]
    assert [line.strip()[:-1] for line in written.split("\n") if "listen" in line] == [
        f"listen {one}" for one in listen
    ]
    assert f"return 301 {target};" in written


def test_challenges_of_an_authority_go_to_the_issuer_before_and_after_there_is_a_certificate(said: Options) -> None:
    asked = "location ^~ /.well-known/acme-challenge/ {\n        allow all;\n"
    first = files(config({"acme_challenge": "http://192.0.2.50:8080"}))
    (plain,) = first.values()
    assert ("listen 80;" in plain, asked in plain, "proxy_pass http://192.0.2.50:8080;" in plain) == (True, True, True)
    later = files(config({**said, "acme_challenge": "http://192.0.2.50:8080"}))
    assert [asked in one for one in later.values()] == [True, True]
    redirect = later[f"conf.d/holdfast-60-server-{NAME}.redirect.conf"]
    assert "location / {\n        return 301 https://$host$request_uri;" in redirect
    closed = text({**said, "acme_challenge": "http://192.0.2.50:8080"}, maintenance=True)
    assert asked in closed


@pytest.mark.parametrize(("tls", "site"), [({}, {"listen": ["80", "443 ssl"]}), ({"redirect": False}, {})])
def test_http_leads_nowhere_where_it_is_served_or_not_wanted(said: Options, tls: Options, site: Options) -> None:
    assert list(files(config({**said, **tls}, **site))) == [f"conf.d/holdfast-60-server-{NAME}.conf"]


def test_client_certificates_are_asked_for(said: Options, authority: Authority) -> None:
    written = text({**said, "client_certificate": authority.root})
    assert f"ssl_client_certificate holdfast-tls.d/{NAME}/client_certificate.pem;" in written
    assert "ssl_verify_client on;" in written
    assert "ssl_verify_client optional;" in text(
        {**said, "client_certificate": authority.root}, ssl_verify_client="optional"
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"certificate_key": None}, "servers[0].tls.certificate_key: it is missing"),
        (
            {"certificate": None, "chain": None, "trusted_certificate": None},
            "servers[0].tls.certificate: it is missing",
        ),
        (
            {"certificate": None, "certificate_key": None, "chain": None, "trusted_certificate": None},
            "servers[0].tls.certificate: it is missing, and without it the site would be served by http",
        ),
        ({"certificate": "shop.pem"}, 'servers[0].tls.certificate: "shop.pem" is neither'),
        ({"certificate_key": "-----BEGIN PRIVATE KEY----- cut"}, "servers[0].tls.certificate_key: give the text"),
        ({"certificate": "{key}"}, "servers[0].tls.certificate: there is a PRIVATE KEY in it"),
        ({"certificate_key": "{certificate}"}, "servers[0].tls.certificate_key: there is a CERTIFICATE in it"),
        ({"certificate": "{chain}{certificate}", "chain": None}, "servers[0].tls.certificate: the certificate of the"),
        ({"chain": "{root}{chain}"}, 'servers[0].tls.chain: the certificate of "Test Root" comes behind that of'),
        (
            {"acme_challenge": "192.0.2.50/x"},
            'servers[0].tls.acme_challenge: "192.0.2.50/x" is no address of an issuer',
        ),
        ({"session_ticket_keys": ["short"]}, "servers[0].tls.session_ticket_keys[0]: a key for session tickets has"),
        ({"certificate": "/etc/shop.crt"}, "servers[0].tls.chain: nginx reads one file"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(
    said: Options, issued: Issued, authority: Authority, wrong: Options, sentence: str
) -> None:
    words = {"key": issued.key, "certificate": issued.certificate, "chain": authority.chain, "root": authority.root}
    filled = {name: value.format(**words) if isinstance(value, str) else value for name, value in wrong.items()}
    with pytest.raises(InputError) as refused:
        config({**said, **filled})
    assert str(refused.value).startswith(sentence)
    assert issued.key.split("\n")[1] not in str(refused.value)


def test_a_name_that_the_certificate_is_not_for_is_refused(said: Options, authority: Authority) -> None:
    with pytest.raises(InputError) as refused:
        config(said, server_name=[NAME, "other.example.com"])
    assert str(refused.value) == (
        "servers[0].tls.certificate: it is for shop.example.com, www.example.com, and not for the server_name "
        '"other.example.com"'
    )
    wide = authority.issue("*.example.com", "192.0.2.7")
    tls = {**said, "certificate": wide.certificate, "certificate_key": wide.key}
    config(tls, server_name=["a.example.com", "*.example.com", "192.0.2.7", "~^x", "_"])
    with pytest.raises(InputError, match=r"not for the server_name \"a\.b\.example\.com\""):
        config(tls, server_name=["a.b.example.com"])


def test_what_is_right_is_not_spoken_of(said: Options, tmp_path: Path) -> None:
    assert faults(said, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_does_not_fit_is_refused(said: Options, authority: Authority, tmp_path: Path) -> None:
    other = authority.issue(NAME)
    assert faults({**said, "certificate_key": other.key}, tmp_path) == [
        "servers[0].tls.certificate_key: it does not belong to the certificate [certificate]"
    ]


def test_a_chain_that_nobody_can_follow_is_refused(said: Options, tmp_path: Path) -> None:
    (told,) = faults({**said, "chain": None}, tmp_path)
    assert told.startswith(
        'servers[0].tls.certificate: its chain ends with "shop.example.com", issued by "Test Intermediate", and '
        'does not lead to "Test Root": put the certificate of "Test Intermediate" behind it (chain)'
    )
    (told,) = faults({**said, "chain": None, "trusted_certificate": None}, tmp_path)
    assert told.startswith(
        'servers[0].tls.certificate: its chain ends with "shop.example.com", issued by "Test Intermediate", '
        "which this host does not know: put"
    )


def test_another_authority_of_the_same_name_is_not_taken_for_the_issuer(said: Options, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    (told,) = faults({**said, "trusted_certificate": other.root}, tmp_path)
    assert told.startswith("servers[0].tls.")


def test_one_who_signs_for_himself_needs_no_chain(authority: Authority, tmp_path: Path, said: Options) -> None:
    chain = {**said, "chain": authority.chain + authority.root, "trusted_certificate": None}
    assert faults(chain, tmp_path) == []


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (-1, "begins only on "),
        (80, "servers[0].tls.certificate: it ends on "),
        (91, 'servers[0].tls.certificate: the certificate of "shop.example.com" ended on '),
    ],
)
def test_the_days_of_a_certificate_are_counted(said: Options, tmp_path: Path, days: int, sentence: str) -> None:
    now = time.time() + days * 86400 + (0 if days > 0 else -3600)
    told = judge(questions(config(said)), runtime=str(tmp_path), now=now)
    assert sentence in str(told[-1])
    assert [one.severity for one in told] == ["warning" if days == 80 else "error"]


def test_a_file_of_the_host_is_judged_as_a_text_is(said: Options, authority: Authority, tmp_path: Path) -> None:
    paths = {name: str(tmp_path / name) for name in ("certificate", "certificate_key")}
    tls = {**paths, "trusted_certificate": authority.root}
    assert faults(tls, tmp_path) == [
        f"servers[0].tls.certificate: {paths['certificate']} cannot be read on this host: No such file or directory "
        "[certificate]"
    ]
    (tmp_path / "certificate").write_text(said["certificate"] + said["chain"])
    (tmp_path / "certificate_key").write_text(said["certificate_key"])
    assert faults(tls, tmp_path) == []
    (tmp_path / "certificate").write_text(authority.issue("other.example.com").certificate + said["chain"])
    assert "not for the server_name" in faults(tls, tmp_path)[0]
    (tmp_path / "certificate").write_text("nothing\n")
    assert faults(tls, tmp_path)[0].startswith(f"servers[0].tls.certificate: in {paths['certificate']}: ")


def test_stapling_needs_a_responder(said: Options, authority: Authority, tmp_path: Path) -> None:
    assert faults({**said, "stapling": True}, tmp_path)[0].startswith(
        "servers[0].tls.stapling: the certificate names no OCSP responder"
    )
    told = authority.issue(NAME, more="authorityInfoAccess=OCSP;URI:http://ocsp.example.com\n")
    tls = {**said, "certificate": told.certificate, "certificate_key": told.key, "stapling": True}
    assert faults(tls, tmp_path) == []
    written = text(tls)
    assert "ssl_stapling_verify on;" in written
    assert f"ssl_trusted_certificate holdfast-tls.d/{NAME}/trusted_certificate.pem;" in written


def test_a_diff_shows_certificates_in_words_and_no_key(said: Options) -> None:
    assert redact(said["certificate_key"]) == "********\n"
    assert redact("a" * 80) == "********\n"
    assert redact(said["certificate"]).startswith(
        '"shop.example.com" by "Test Intermediate" for shop.example.com, www.example.com, until 20'
    )


def test_a_certificate_is_read(said: Options, authority: Authority) -> None:
    (leaf,) = certificates(said["certificate"])
    (issuer,) = certificates(authority.chain)
    assert (leaf.owner, leaf.signer, leaf.names) == (NAME, "Test Intermediate", (NAME, "www.example.com"))
    assert (leaf.is_authority, issuer.is_authority, issuer.issued(leaf), leaf.issued(issuer)) == (
        *(False, True, True, False),
    )
    assert leaf.days_left(time.time()) == 89


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_certificate_that_is_cut_off_is_told(said: Options, cut: int) -> None:
    (leaf,) = certificates(said["certificate"])
    with pytest.raises(ValueError, match="cut off"):
        type(leaf).from_der(leaf.der[:-cut])


def test_what_the_issuer_has_not_brought_yet_is_named_with_who_brings_it(tmp_path: Path) -> None:
    folder = "/etc/holdfast/certificates/not-there"
    [told] = faults({"certificate": f"{folder}/fullchain.pem", "certificate_key": f"{folder}/privkey.pem"}, tmp_path)
    assert f"{folder}/fullchain.pem, which holdfast.nginx_ha.certificates brings, cannot be read on this host" in told
