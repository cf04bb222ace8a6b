# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words for the person at the keyboard. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.position import Position

__all__ = ("ConfigError", "Finding", "HoldfastError", "InputError")


class HoldfastError(Exception):
    """Base of every error that this collection raises on purpose; its text is one clear sentence."""


class InputError(HoldfastError):
    """A value of the user's input is wrong. ``path`` names it, as in ``upstreams[1].servers[0].weight``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


class ConfigError(HoldfastError):
    """A configuration text cannot be read. ``position`` says where."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(f"{position}: {message}")
        self.position = position
        self.message = message


@dataclass(frozen=True)
class Finding:
    """What a rule says: its name, ``error`` or ``warning``, the input path or file position, the sentence."""

    rule: str
    severity: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.rule}]" if self.where else f"{self.message} [{self.rule}]"


def errors(findings: t.Iterable[Finding]) -> list[Finding]:
    """Return the findings that forbid to go on, in their order."""
    return [finding for finding in findings if finding.severity == "error"]
