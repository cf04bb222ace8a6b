# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority that signs certificates for tests: a root, an intermediate below it, and what that issues."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

__all__ = ("Authority", "Issued")

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_OF_AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"


class Issued(t.NamedTuple):
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


class Authority:
    """``root`` and ``chain`` are the certificates of the root and of the intermediate, in PEM.

    One that has been in this folder before goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if (folder / "intermediate.crt").exists():
            return
        self._run("req", "-x509", *_NEW_KEY, "-subj", "/CN=Test Root", *self._files("root"), "-days", "3650")
        self._sign("intermediate", "root", _OF_AUTHORITY, 1000, "/CN=Test Intermediate")

    @property
    def root(self) -> str:
        return self._text("root.crt")

    @property
    def chain(self) -> str:
        return self._text("intermediate.crt")

    def issue(self, *names: str, days: int = 90, by: str = "intermediate", more: str = "") -> Issued:
        """Return a new certificate for these names, by the intermediate or the root; with no days it ends at once.

        ``more`` are lines of extensions, as OpenSSL reads them.
        """
        listed = ",".join(f"IP:{name}" if name.replace(".", "").isdigit() else f"DNS:{name}" for name in names)
        extensions = f"subjectAltName={listed}\nauthorityKeyIdentifier=keyid\n{more}"
        self._sign("site", by, extensions, days, f"/CN={names[0]}")
        return Issued(self._text("site.crt"), self._text("site.key"))

    def _sign(self, name: str, by: str, extensions: str, days: int, subject: str) -> None:
        (self._folder / "extensions").write_text(extensions)
        self._run("req", *_NEW_KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        issuer = ("-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial", "-days", str(days))
        self._run("x509", "-req", "-in", f"{name}.csr", *issuer, "-extfile", "extensions", "-out", f"{name}.crt")

    def _files(self, name: str) -> tuple[str, ...]:
        return "-keyout", f"{name}.key", "-out", f"{name}.crt"

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text()

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)
