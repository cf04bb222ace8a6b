# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all unit tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says how busy the machine is: the tests run beside labs that go first.
settings.register_profile("beside labs", deadline=None)
settings.load_profile("beside labs")
