# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out, on the host that has certificates issued, what each balancer may fetch.

Each balancer has a file of its own, with the certificates of its sites alone. Its key lets it read that file by ssh,
and do nothing else. The client of ACME starts this program when it has renewed something.
"""

from __future__ import annotations

import json
import os
import typing as t

from .service import ERROR, faults_in_words, log, read, replace_file

CONFIG = "/etc/holdfast/issued.json"
PARTS = ("fullchain", "privkey")


class Config:
    """The configuration file; raises ValueError with a sentence where it is no such file.

    ``certificates`` is the folder in which a certificate has a folder of its name; ``balancers`` has by the name of a
    file in ``folder`` the names of the certificates that it holds.
    """

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.certificates = str(data["certificates"])
            self.folder = str(data["folder"])
            self.balancers: dict[str, list[str]] = {
                str(name): [str(one) for one in names] for name, names in data["balancers"].items()
            }


def publish(config: Config) -> list[str]:
    """Write the file of each balancer, and return a sentence for each certificate that is not there.

    Raises OSError where a file cannot be written.
    """
    found: dict[str, dict[str, str]] = {}
    faults = []
    for name in sorted({name for names in config.balancers.values() for name in names}):
        try:
            found[name] = {part: _text(os.path.join(config.certificates, name, f"{part}.pem")) for part in PARTS}
        except OSError as error:
            faults.append(f"{error.filename} cannot be read: {error.strerror}")
    for balancer, names in config.balancers.items():
        given = {name: found[name] for name in names if name in found}
        replace_file(os.path.join(config.folder, balancer), json.dumps(given), 0o640)
    for left in set(os.listdir(config.folder)) - set(config.balancers):
        os.unlink(os.path.join(config.folder, left))
    return faults


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def main(config_file: str = CONFIG) -> int:
    """Return 0, or 1 with sentences in the journal where something is missing."""
    faults: t.Sequence[str]
    try:
        faults = publish(read(config_file, Config))
    except (OSError, ValueError) as error:
        faults = [f"Nothing was laid out for the balancers: {error}"]
    for fault in faults:
        log(ERROR, f"{fault}.")
    return 1 if faults else 0
