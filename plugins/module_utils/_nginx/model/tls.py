# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of a site: its certificate and key, a profile, and http that leads to it. Private to this collection.

What is said here becomes the directives ``ssl_*`` of the server, below those that the user says, and files beside the
configuration. Nothing is asked of the host; what only that can tell stands in certificates.py.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import (
    Certificate,
    certificates,
    pem_blocks,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.judgement import Refused, in_order, is_for
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.kinds import OnOff, OptionalText, Texts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.pages import ACME
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import TICKETS, TLS, SiteFile
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import TLS_1_3
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Choice, Flag, Kind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join, option

__all__ = (
    "RESPONDERS",
    "SOURCES",
    "challenge",
    "ALT_SVC",
    "POST_QUANTUM",
    "Tls",
    "default_listens",
    "is_pem",
    "redirect_listens",
    "redirect_server",
    "speaks_tls",
)

Site = t.Mapping[str, t.Any]

_CURVES = ("X25519", "prime256v1", "secp384r1")
POST_QUANTUM = Version(3, 5), "X25519MLKEM768"
"""The first OpenSSL that has the first of the curves of both profiles; an older one refuses the whole list for it."""

# https://ssl-config.mozilla.org/guidelines/6.0.json, as the generator beside it writes them for nginx.
PROFILES: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "modern": {
        "ssl_protocols": ["TLSv1.3"],
        "ssl_ecdh_curve": ":".join(_CURVES),
        "ssl_prefer_server_ciphers": False,
    },
    "intermediate": {
        "ssl_protocols": ["TLSv1.2", "TLSv1.3"],
        "ssl_ecdh_curve": ":".join(_CURVES),
        "ssl_ciphers": ":".join(
            f"ECDHE-{key}-{cipher}"
            for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
            for key in ("ECDSA", "RSA")
        ),
        "ssl_prefer_server_ciphers": False,
        "ssl_session_timeout": "1d",
        "ssl_session_cache": "shared:MozSSL:10m",
    },
}

SOURCES = ("certificate", "certificate_key", "chain", "trusted_certificate", "client_certificate")
"""Options whose value is a text in PEM, or the path of a file."""

RESPONDERS = ("ssl_stapling_file", "ssl_stapling_responder")
"""Options of a site that say where an answer to staple comes from, in the place of the certificate."""

NEW_TICKET_KEYS = Version(1, 23, 2)
"""From here on nginx makes new keys for tickets by itself, if sessions are cached too; older ones keep one for ever."""

ALT_SVC = 'h3=":443"; ma=86400'


_ISSUER = re.compile(r"https?://[^\s/?#;{}\"'$]+")


def _issuer(path: str, text: str) -> str:
    """Return where the issuer answers challenges; a path behind it would take the place of theirs."""
    if not _ISSUER.fullmatch(text):
        raise InputError(path, f"{shown(text)} is no address of an issuer: write it as http://192.0.2.50:8080")
    return text


class Pem(Kind):
    """A text in PEM, or the absolute path of a file on the host that holds it."""

    def __init__(self, kind: str, *, secret: bool = False) -> None:
        self._kind, self.secret = kind, secret

    def accept(self, value: t.Any, path: str, version: Version | None) -> str | None:
        text = str(value).strip()
        if text.startswith("/") and "\n" not in text:
            return text
        blocks = pem_blocks(text)
        if not text:
            return None
        if not blocks:
            complaint = "" if self.secret or is_pem(text) else f"{shown(text)} is neither: "
            raise InputError(
                path,
                f"{complaint}give the text of a {self._kind} in PEM, whole, from -----BEGIN to -----END and its "
                "dashes, or the absolute path of a file on the host",
            )
        return "".join(self._block(kind, block, path) for kind, block in blocks)

    def _block(self, kind: str, block: str, path: str) -> str:
        raise NotImplementedError


class CertificatePem(Pem):
    """Certificates, one or more."""

    def _block(self, kind: str, block: str, path: str) -> str:
        if kind != "CERTIFICATE":
            raise InputError(path, f"there is a {kind} in it, and it must hold certificates alone")
        try:
            certificates(block)
        except ValueError as error:
            raise InputError(path, f"a certificate in it cannot be read: {error}") from None
        return block


class KeyPem(Pem):
    """A secret key, without a passphrase."""

    def _block(self, kind: str, block: str, path: str) -> str:
        if kind == "EC PARAMETERS":
            return ""
        if not kind.endswith("PRIVATE KEY"):
            raise InputError(path, f"there is a {kind} in it, and it must hold the secret key alone")
        if kind.startswith("ENCRYPTED") or "ENCRYPTED" in block.split("\n\n")[0]:
            raise InputError(
                path, "this key has a passphrase, which nobody types where nginx starts: take it off and use a vault"
            )
        return block


class TicketKeys(Texts):
    """Keys for session tickets, which nginx takes from files of 48 or 80 bytes."""

    secret = True

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = super().accept(value, path, version)
        for at, key in enumerate(found or ()):
            if len(key.encode()) not in (48, 80):
                raise InputError(f"{path}[{at}]", "a key for session tickets has 48 or 80 characters, and this has not")
        return found


@dataclass(frozen=True)
class Tls(Model):
    """What a site says of TLS. Without a certificate it is the profile alone, as for one that shows none."""

    keyword = "tls"

    certificate: str | None = option(CertificatePem("certificate"))
    certificate_key: str | None = option(KeyPem("secret key", secret=True))
    chain: str | None = option(CertificatePem("certificate"))
    trusted_certificate: str | None = option(CertificatePem("certificate"))
    client_certificate: str | None = option(CertificatePem("certificate"))
    profile: str = option(Choice("modern", "intermediate", "none"), default="intermediate")
    stapling: bool | None = option(Flag())
    session_ticket_keys: tuple[str, ...] | None = option(TicketKeys())
    acme_challenge: str | None = option(OptionalText(_issuer))
    redirect: bool | None = option(OnOff())
    redirect_listen: tuple[str, ...] | None = option(Texts())

    def validate(self, path: str) -> None:
        if bool(self.certificate) != bool(self.certificate_key):
            missing = "certificate_key" if self.certificate else "certificate"
            raise InputError(join(path, missing), "it is missing: certificate and certificate_key belong together")
        for name in ("chain", "trusted_certificate", "stapling"):
            if getattr(self, name) and not self.certificate:
                raise InputError(join(path, name), "this is about a certificate, and tls.certificate has none")
        if self.chain and not (is_pem(self.certificate) and is_pem(self.chain)):
            raise InputError(join(path, "chain"), "nginx reads one file: put the chain behind the certificate there")
        self._in_order(path)

    def _in_order(self, path: str) -> None:
        """Raise InputError unless each certificate that is sent was issued by the next one (RFC 8446, 4.4.2)."""
        try:
            in_order(self.sent(), certificates(self.certificate or ""))
        except Refused as error:
            raise InputError(join(path, error.part), error.message) from None

    @property
    def curves(self) -> str | None:
        """The curves of the profile that every OpenSSL has."""
        return PROFILES.get(self.profile, {}).get("ssl_ecdh_curve")

    def sent(self) -> tuple[Certificate, ...]:
        """Return the certificates that a client gets, as far as they stand here and not in a file of the host."""
        return certificates(self.certificate_text or "")

    @property
    def certificate_text(self) -> str | None:
        """The certificate and its chain, None where they are a file of the host."""
        return self.certificate + (self.chain or "") if self.certificate and is_pem(self.certificate) else None

    def names_missing(self, server_names: t.Iterable[str], path: str) -> None:
        """Raise InputError for a name of the site for which its certificate is not; patterns are not judged."""
        try:
            is_for(self.sent(), server_names)
        except Refused as error:
            raise InputError(join(path, error.part), error.message) from None

    def settings(self, site: str, version: Version | None) -> dict[str, t.Any]:
        """Return the directives of the server."""
        found = dict(PROFILES.get(self.profile, {}))
        if "ssl_protocols" in found and version is not None and version < TLS_1_3:
            found["ssl_protocols"] = [one for one in found["ssl_protocols"] if one != "TLSv1.3"]
        if self.session_ticket_keys:
            found["ssl_session_tickets"] = True
            found["ssl_session_ticket_key"] = [_ticket_file(at) for at in range(len(self.session_ticket_keys))]
        elif self.profile != "none" and version is not None and version < NEW_TICKET_KEYS:
            found["ssl_session_tickets"] = False
        elif "ssl_session_cache" in found and version is not None:
            found["ssl_session_tickets"] = True
        if self.certificate:
            found["ssl_certificate"] = [self._where(site, "certificate")]
            found["ssl_certificate_key"] = [self._where(site, "certificate_key")]
        if self.client_certificate:
            found["ssl_client_certificate"] = self._where(site, "client_certificate")
            found["ssl_verify_client"] = "on"
        if self.stapling:
            found["ssl_stapling"] = True
            if self.trusted_certificate:
                found["ssl_stapling_verify"] = True
                found["ssl_trusted_certificate"] = self._where(site, "trusted_certificate")
        return found

    def _where(self, site: str, name: str) -> str:
        value: str = getattr(self, name)
        return _file(site, name) if is_pem(value) else value

    def files(self, site: str) -> list[SiteFile]:
        """Return the files that the directives name, below the folder of nginx.conf; a key is for root alone."""
        texts = {
            "certificate": self.certificate_text,
            "client_certificate": self.client_certificate,
            "trusted_certificate": self.trusted_certificate if self.stapling else None,
        }
        found = [SiteFile(_file(site, name), text) for name, text in texts.items() if text and is_pem(text)]
        if self.certificate_key and is_pem(self.certificate_key):
            found.append(SiteFile(_file(site, "certificate_key"), self.certificate_key, for_root=True))
        keys = enumerate(self.session_ticket_keys or ())
        return [*found, *(SiteFile(_ticket_file(at), key, for_root=True) for at, key in keys)]


def is_pem(text: str | None) -> bool:
    """Return whether this is a text in PEM, and not the path of one."""
    return bool(text) and "-----BEGIN" in str(text)


def speaks_tls(site: Site) -> bool:
    """Return whether a site has a certificate, in whichever way it is said."""
    return bool(site.get("ssl_certificate") or _tls(site).get("certificate"))


def default_listens(site: Site) -> list[str]:
    """Return where a site listens that does not say it."""
    if not speaks_tls(site):
        return ["80"]
    return ["443 ssl", *(["443 quic"] if str(site.get("http3")).lower() in ("true", "on") else [])]


def redirect_listens(site: Site) -> list[str]:
    """Return where requests by http are sent to a site's https: beside each port 443, unless it serves http itself."""
    tls = _tls(site)
    if not tls.get("certificate") or str(tls.get("redirect")).lower() in ("false", "off", "no"):
        return []
    if tls.get("redirect_listen"):
        return [str(one) for one in tls["redirect_listen"]]
    listens = site.get("listen") or default_listens(site)
    listed = [str(one).split() for one in (listens if isinstance(listens, (list, tuple)) else [listens]) if one]
    plain = [one for one in listed if not {"ssl", "quic"} & set(one)]
    if plain and tls.get("redirect") is None:
        return []
    beside: dict[str, None] = {}
    for address, *parameters in listed:
        if "ssl" in parameters and not address.startswith("unix:"):
            host, colon, _port = address.rpartition(":")
            kept = [one for one in parameters if one == "proxy_protocol" or one.startswith("ipv6only=")]
            beside[" ".join([f"{host}{colon}80", *kept])] = None
    return list(beside)


def redirect_server(site: Site, name: str) -> dict[str, t.Any]:
    """Return the options of the server that sends requests by http to a site of this name."""
    ports = [str(one).split() for one in site.get("listen") or default_listens(site)]
    port = next((listed[0].rpartition(":")[2] for listed in ports if "ssl" in listed), "443")
    target = "$host" if port == "443" else f"$host:{port}"
    answer = f"301 https://{target}$request_uri"
    issuer = _tls(site).get("acme_challenge")
    # A return of the server itself would be answered before any location.
    led = {"locations": [challenge(str(issuer)), {"path": "/", "return": answer}]} if issuer else {"return": answer}
    return {
        "name": f"{name}.redirect",
        "server_name": site.get("server_name"),
        "listen": redirect_listens(site),
        "access_log": site.get("access_log"),
        **led,
    }


def challenge(issuer: str) -> dict[str, t.Any]:
    """Return the options of the location that hands the challenges of an authority (RFC 8555, 8.3) to the issuer."""
    return {"path": f"^~ {ACME}", "proxy_pass": issuer, "auth_basic": "off", "access": ["allow all"]}


def _tls(site: Site) -> t.Mapping[str, t.Any]:
    tls = site.get("tls")
    return tls if isinstance(tls, t.Mapping) else {}


def _file(site: str, name: str) -> str:
    return f"{TLS}/{site}/{name}.pem"


def _ticket_file(at: int) -> str:
    return f"{TICKETS}/{at}.key"
