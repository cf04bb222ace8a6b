# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client would say of a certificate, its chain and its key. Private to this collection.

A server asks only whether a key fits. Here a client of Python's own library does what one of a site would do: it shakes
hands in memory and verifies the chain. Nothing is sent anywhere.
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import time
import typing as t

from .certificate import Certificate, certificates
from .message import shown

__all__ = ("Refused", "Verifier", "day", "in_order", "in_time", "is_for")

# x509_vfy.h
_SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE, _NO_ISSUER, _NO_SIGNATURE = 18, 19, 20, 21
_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python has from 3.10 on
_ROUNDS = 10


class Refused(Exception):
    """What is wrong, in a sentence; ``part`` is certificate, certificate_key, chain or trusted_certificate."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part
        self.message = message


def in_order(sent: t.Sequence[Certificate], own: t.Container[Certificate]) -> None:
    """Raise Refused unless each certificate that is sent was issued by the next one (RFC 8446, 4.4.2).

    ``own`` are those of the part certificate; the others are of the chain.
    """
    if len(sent) > 1 and sent[0].is_authority and not sent[-1].is_authority:
        raise Refused("certificate", "the certificate of the site must come first, its chain behind")
    for one, issuer in zip(sent, sent[1:]):
        if not issuer.issued(one):
            raise Refused(
                "certificate" if issuer in own else "chain",
                f"the certificate of {shown(issuer.owner)} comes behind that of {shown(one.owner)}, which "
                f"{shown(one.signer)} has issued: put them in order, each before the one that has issued it",
            )


def is_for(sent: t.Sequence[Certificate], server_names: t.Iterable[str]) -> None:
    """Raise Refused for a name of the site for which the certificate is not; patterns are not judged."""
    for name in server_names if sent else ():
        if not sent[0].covers(name.lstrip(".")) and not name.startswith("~") and _is_name(name):
            covered = ", ".join(sent[0].names) or "no name at all"
            raise Refused("certificate", f"it is for {covered}, and not for the server_name {shown(name)}")


def in_time(sent: t.Sequence[Certificate], now: float) -> None:
    """Raise Refused for a certificate that has ended or not begun, at ``now`` in seconds since the epoch."""
    for one in sent:
        if one.ends < now:
            raise Refused("certificate", f"the certificate of {shown(one.owner)} ended {day(one.ends)}: renew it")
        if one.begins > now:
            raise Refused(
                "certificate",
                f"the certificate of {shown(one.owner)} begins only {day(one.begins)}, which by the clock of this host "
                "is still to come",
            )


def day(seconds: int) -> str:
    """Return a moment, in seconds since the epoch, as it stands in a sentence."""
    return time.strftime("on %Y-%m-%d at %H:%M UTC", time.gmtime(seconds))


def _is_name(name: str) -> bool:
    """Return whether clients ask by this name, and by no pattern that has an end of its own."""
    return name not in ("", "_") and not name.endswith(".*") and "$" not in name


class Verifier:
    """A client that knows the authorities of the host.

    ``runtime`` is a folder in memory, in which a key lies for a moment, in a folder whose name begins with ``prefix``.
    """

    def __init__(self, runtime: str, prefix: str) -> None:
        self._runtime = runtime
        self._prefix = prefix
        self._of_host: ssl.SSLContext | None = None
        self._verified: set[tuple[str | None, ...]] = set()

    def verify(self, sent: str, key: str, trusted: str | None, *, has_chain: bool = False) -> None:
        """Raise Refused where the key does not fit, or where a client would not trust what is sent.

        All of them are texts in PEM. ``has_chain`` is whether the end of what is sent is of the part chain.
        """
        whole = (sent, key, trusted)
        if whole in self._verified:
            return
        try:
            _shake_hands(self._server(sent, key), self._client(trusted))
        except ssl.SSLCertVerificationError as error:
            code = error.verify_code
            if code in (_SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE) and not trusted:
                return  # it is whole, and who made it for himself knows who trusts it
            if code in (_NO_ISSUER, _NO_SIGNATURE, _SELF_SIGNED, _SIGNED_BY_ITSELF_ABOVE):
                if not trusted and not _knows_authorities():
                    return
                top, known = certificates(sent)[-1], certificates(trusted or "")
                lacking = f"and does not lead to {shown(known[0].owner)}" if known else "which this host does not know"
                raise Refused(
                    "chain" if has_chain else "certificate",
                    f"its chain ends with {shown(top.owner)}, issued by {shown(top.signer)}, {lacking}: put the "
                    f"certificate of {shown(top.signer)} behind it (chain), or say trusted_certificate where it is an "
                    "authority of your own",
                ) from None
            raise Refused("certificate", f"a client would refuse it: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise Refused("certificate", f"a client cannot use it: {error.reason or error}") from None
        self._verified.add(whole)

    def _server(self, sent: str, key: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = tempfile.mkdtemp(prefix=self._prefix, dir=self._runtime)
        try:
            names = []
            for name, text in (("certificate", sent), ("key", key)):
                names.append(os.path.join(folder, name))
                handle = os.open(names[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(text)
            context.load_cert_chain(names[0], names[1], password=lambda: b"")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise Refused("certificate_key", "it does not belong to the certificate") from None
            what = "the certificate or its key cannot be used"
            raise Refused("certificate_key", f"{what}: {error.reason or error}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return context

    def _client(self, trusted: str | None) -> ssl.SSLContext:
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
            raise Refused("trusted_certificate", f"it cannot be used: {error.reason}") from None
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
