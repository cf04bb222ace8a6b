# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of sites, judged on the host before nginx is given them. Private to this collection.

nginx itself asks only whether a key fits. Here a client of Python's own library does what one of the site would do: it
shakes hands in memory and verifies the chain. Nothing is sent anywhere.
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import (
    FEW_DAYS,
    Certificate,
    certificates,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import RESPONDERS, SOURCES, Tls, is_pem
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join

__all__ = ("Question", "judge", "questions")

RULE = "certificate"
# x509_vfy.h
_NOT_YET, _ENDED, _SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE, _NO_ISSUER, _NO_SIGNATURE = 9, 10, 18, 19, 20, 21
_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python has from 3.10 on
_ROUNDS = 10


@dataclass(frozen=True)
class Question:
    """The certificate of one site: its input path, what is said of it, the names of the site.

    ``has_responder`` is whether the site itself says where an answer to staple comes from.
    """

    path: str
    tls: Tls
    names: tuple[str, ...]
    has_responder: bool

    @classmethod
    def from_options(
        cls, path: str, names: t.Sequence[str], tls: t.Mapping[str, t.Any], *, has_responder: bool
    ) -> Question:
        """Return the question about options of ``tls``; raises InputError for one that is wrong."""
        return cls(path, Tls.from_options(tls, path), tuple(names), has_responder)


def questions(config: NginxConfig) -> t.Iterator[Question]:
    """Yield what is to be judged of a configuration."""
    for _kind, path, model in config.elements():
        if isinstance(model, Server) and model.tls is not None:
            has_responder = any(name in model.settings for name in RESPONDERS)
            yield Question(join(path, "tls"), model.tls, model.server_names, has_responder)


def judge(asked: t.Iterable[Question], *, now: float | None = None, runtime: str = "/run") -> list[Finding]:
    """Return what is wrong with certificates, files of this host among them, and which end soon.

    ``runtime`` is a folder in memory, in which a key lies for a moment.
    """
    found: list[Finding] = []
    verifier = _Verifier(runtime)
    for one in asked:
        try:
            found += _judged(one, time.time() if now is None else now, verifier)
        except InputError as error:
            found.append(Finding(RULE, "error", error.path, error.message))
    return found


def _judged(asked: Question, now: float, verifier: _Verifier) -> list[Finding]:
    tls = _read(asked)
    if not tls.certificate or not tls.certificate_key:
        return []
    tls.validate(asked.path)
    tls.names_missing(asked.names, asked.path)
    where = join(asked.path, "certificate")
    sent = tls.sent()
    if not sent:
        raise InputError(where, f"there is no certificate in {asked.tls.certificate}")
    for one in sent:
        _in_its_time(one, now, where)
    if asked.tls.stapling and not sent[0].ocsp and not asked.has_responder:
        raise InputError(
            join(asked.path, "stapling"),
            "the certificate names no OCSP responder, so there is nothing to staple: leave this out",
        )
    verifier.verify(tls, sent, asked.path)
    days = sent[0].days_left(now)
    return [Finding(RULE, "warning", where, f"it ends {_day(sent[0].ends)}, {days} days from now: renew it")] * (
        days < FEW_DAYS
    )


def _in_its_time(one: Certificate, now: float, where: str) -> None:
    if one.ends < now:
        raise InputError(where, f"the certificate of {shown(one.owner)} ended {_day(one.ends)}: renew it")
    if one.begins > now:
        raise InputError(
            where,
            f"the certificate of {shown(one.owner)} begins only {_day(one.begins)}, which by the clock of this host is "
            "still to come",
        )


def _day(seconds: int) -> str:
    return time.strftime("on %Y-%m-%d at %H:%M UTC", time.gmtime(seconds))


def _read(asked: Question) -> Tls:
    """Return what is said with the texts of the files of this host in the place of their paths."""
    texts = {}
    for name in SOURCES:
        path = getattr(asked.tls, name)
        if path and not is_pem(path):
            where = join(asked.path, name)
            try:
                with open(path, encoding="ascii", errors="replace") as file:
                    text = file.read()
            except OSError as error:
                raise InputError(where, f"{path} cannot be read on this host: {error.strerror}") from None
            kind = next(item for known, item in Tls.options() if known == name).kind
            try:
                texts[name] = kind.accept(text, where, None)
            except InputError as error:
                raise InputError(where, f"in {path}: {error.message}") from None
            if not texts[name]:
                raise InputError(where, f"{path} is empty on this host")
    return replace(asked.tls, **texts)


class _Verifier:
    """A client that knows the authorities of the host."""

    def __init__(self, runtime: str) -> None:
        self._runtime = runtime
        self._of_host: ssl.SSLContext | None = None
        self._verified: set[tuple[str | None, ...]] = set()

    def verify(self, tls: Tls, sent: t.Sequence[Certificate], path: str) -> None:
        """Raise InputError where the key does not fit, or where a client would not trust what is sent."""
        top, whole = sent[-1], (tls.certificate_text, tls.certificate_key, tls.trusted_certificate)
        if whole in self._verified:
            return
        try:
            _shake_hands(self._server(tls, path), self._client(tls.trusted_certificate, path))
        except ssl.SSLCertVerificationError as error:
            code = error.verify_code
            if code in (_SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE) and not tls.trusted_certificate:
                return  # it is whole, and who made it for himself knows who trusts it
            if code in (_NO_ISSUER, _NO_SIGNATURE, _SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE):
                if not tls.trusted_certificate and not _knows_authorities():
                    return
                known = certificates(tls.trusted_certificate or "")
                lacking = f"and does not lead to {shown(known[0].owner)}" if known else "which this host does not know"
                raise InputError(
                    join(path, "chain" if tls.chain else "certificate"),
                    f"its chain ends with {shown(top.owner)}, issued by {shown(top.signer)}, {lacking}: put the "
                    f"certificate of {shown(top.signer)} behind it (chain), or say trusted_certificate where it is an "
                    "authority of your own",
                ) from None
            raise InputError(join(path, "certificate"), f"a client would refuse it: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise InputError(join(path, "certificate"), f"a client cannot use it: {error.reason or error}") from None
        self._verified.add(whole)

    def _server(self, tls: Tls, path: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # By this name, what a killed run left is swept away with its stage.
        folder = tempfile.mkdtemp(prefix=f"holdfast-stage-nginx-{os.getpid()}-", dir=self._runtime)
        try:
            names = []
            for name, text in (("certificate", tls.certificate_text), ("key", tls.certificate_key)):
                names.append(os.path.join(folder, name))
                handle = os.open(names[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(text or "")
            context.load_cert_chain(names[0], names[1], password=lambda: b"")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InputError(join(path, "certificate_key"), "it does not belong to the certificate") from None
            what = "the certificate or its key cannot be used"
            raise InputError(join(path, "certificate_key"), f"{what}: {error.reason or error}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return context

    def _client(self, trusted: str | None, path: str) -> ssl.SSLContext:
        if trusted is None and self._of_host is not None:
            return self._of_host
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # a site has many names, and they are judged already
        if trusted is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            self._of_host = context
            return context
        try:
            context.load_verify_locations(cadata=trusted)
        except ssl.SSLError as error:
            raise InputError(join(path, "trusted_certificate"), f"it cannot be used: {error.reason}") from None
        context.verify_flags |= ssl.VerifyFlags(_PARTIAL_CHAIN)
        return context


def _knows_authorities() -> bool:
    """Return whether this host has any authorities to verify by."""
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath)))


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Connect the two in memory; raises what the client does not like."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _round in range(_ROUNDS):
        for side in list(sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            sides.remove(side)
        if not sides:
            return
