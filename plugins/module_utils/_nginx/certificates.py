# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of sites, judged on the host before nginx is given them. Private to this collection.

Files of the host that a site names are read first; the rest is as for one that was issued a moment ago.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.certificate import FEW_DAYS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.judgement import (
    Refused,
    Verifier,
    day,
    in_time,
    is_for,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import RESPONDERS, SOURCES, Tls, is_pem
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join

__all__ = ("ISSUED", "Question", "judge", "questions")

ISSUED = "/etc/holdfast/certificates"
"""The folder of the certificates that a host fetches by itself."""

RULE = "certificate"


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
    # By this name, what a killed run left is swept away with its stage.
    verifier = Verifier(runtime, f"holdfast-stage-nginx-{os.getpid()}-")
    for one in asked:
        try:
            found += _judged(one, time.time() if now is None else now, verifier)
        except InputError as error:
            found.append(Finding(RULE, "error", error.path, error.message))
    return found


def _judged(asked: Question, now: float, verifier: Verifier) -> list[Finding]:
    tls = _read(asked)
    if not tls.certificate or not tls.certificate_key:
        return []
    tls.validate(asked.path)
    where = join(asked.path, "certificate")
    sent = tls.sent()
    with _at(asked.path):
        is_for(sent, asked.names)
    if not sent:
        raise InputError(where, f"there is no certificate in {asked.tls.certificate}")
    with _at(asked.path):
        in_time(sent, now)
    if asked.tls.stapling and not sent[0].ocsp and not asked.has_responder:
        raise InputError(
            join(asked.path, "stapling"),
            "the certificate names no OCSP responder, so there is nothing to staple: leave this out",
        )
    with _at(asked.path):
        verifier.verify(
            tls.certificate_text or "", tls.certificate_key, tls.trusted_certificate, has_chain=bool(tls.chain)
        )
    days = sent[0].days_left(now)
    return [Finding(RULE, "warning", where, f"it ends {day(sent[0].ends)}, {days} days from now: renew it")] * (
        days < FEW_DAYS
    )


@contextlib.contextmanager
def _at(path: str) -> t.Iterator[None]:
    """Say of what is refused where in the input it stands."""
    try:
        yield
    except Refused as error:
        raise InputError(join(path, error.part), error.message) from None


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
                brought = ", which holdfast.nginx_ha.certificates brings," if path.startswith(f"{ISSUED}/") else ""
                raise InputError(where, f"{path}{brought} cannot be read on this host: {error.strerror}") from None
            kind = next(item for known, item in Tls.options() if known == name).kind
            try:
                texts[name] = kind.accept(text, where, None)
            except InputError as error:
                raise InputError(where, f"in {path}: {error.message}") from None
            if not texts[name]:
                raise InputError(where, f"{path} is empty on this host")
    return replace(asked.tls, **texts)
