# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trackers: what decides whether a node is fit. Private to this collection."""

from __future__ import annotations

__all__ = ("TRACK_FILE", "TRACK_PROCESS", "VRRP_SCRIPT")

WEIGHT = """\
weight:
  description:
    - What a failure does where the instance says nothing else. V(0) makes it the state C(FAULT).
    - Above zero, it is added to the priority while all is well, below zero, taken away while it is not.
    - A number, or a mapping of C(weight) and C(reverse), with which good and bad change places.
"""

TRACK_FILE = """\
name:
  description: Name of the tracker.
  type: str
  required: true
file:
  description:
    - The file. keepalived reads it as soon as it is written, and takes its number for V(0), which is fit, or not.
    - Its folder must be there before keepalived starts, and stay.
  type: str
  required: true
weight:
  description:
    - By what the number is multiplied to change the priority, where the instance says nothing else.
    - V(0), the default of this collection, makes every other number than 0 the state C(FAULT).
    - A number, or a mapping of C(weight) and C(reverse), with which good and bad change places.
  type: raw
init_file:
  description:
    - What the file holds from the start where it is not there yet. V(true) for V(0), or a number, or a mapping of
      C(value) and C(overwrite), with which it is written even if the file is there.
  type: raw
"""

VRRP_SCRIPT = f"""\
name:
  description: Name of the tracker.
  type: str
  required: true
script:
  description: Command line; exit code 0 means fit. No shell reads it.
  type: str
  required: true
interval:
  description:
    - Seconds between two runs. Defaults to V(1). A fraction needs keepalived 2.3.2.
  type: float
timeout:
  description:
    - Seconds after which a run has failed. Without it, O(.interval). A fraction needs keepalived 2.3.2.
  type: float
{WEIGHT}  type: raw
rise:
  description: Good runs in a row that make it fit.
  type: int
fall:
  description: Bad runs in a row that make it unfit.
  type: int
user:
  description:
    - Whose the run is, a user, and a group behind it where it is not the user's own.
    - Needs keepalived 1.3.0.
  type: list
  elements: str
init_fail:
  description:
    - Whether it counts as unfit before the first run.
    - Needs keepalived 1.3.2.
  type: bool
"""

TRACK_PROCESS = f"""\
name:
  description: Name of the tracker.
  type: str
  required: true
process:
  description: Name of the program, and its arguments where they must be the same. No pattern; all of it must fit.
  type: list
  elements: str
  required: true
param_match:
  description:
    - How arguments are compared. V(partial) takes as many as are said, V(initial) lets the last of them be longer.
    - Needs keepalived 2.0.16.
  type: str
  choices: [initial, partial]
{WEIGHT}  type: raw
quorum:
  description: The fewest processes that are well. Defaults to V(1).
  type: int
quorum_max:
  description:
    - The most processes that are well.
    - Needs keepalived 2.0.16.
  type: int
delay:
  description: Seconds that a change must last to count; short for both of the next.
  type: float
fork_delay:
  description:
    - Seconds that enough processes must have been there.
    - Needs keepalived 2.0.16.
  type: float
terminate_delay:
  description:
    - Seconds that too few processes must have been there.
    - Needs keepalived 2.0.16.
  type: float
full_command:
  description: Whether the whole command line is compared, and not the name of the program alone.
  type: bool
"""
