# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No plan holds a secret of an instance, and who needs one is given that which the plan was verified with."""

from __future__ import annotations

import json
import typing as t

import pytest
from inventory_builder import InventoryBuilder, Variables

VERSION_2: Variables = {"keepalived_timing": {"version": 2}}
VIP = "10.0.0.100/24"
PASSWORD = {"auth_type": "PASS", "auth_pass": "uB7/x#qz"}
HMAC = {"keys": [{"id": 1, "value": "a long key of one's own"}], "active_key": 1}


@pytest.mark.parametrize(
    ("said", "option", "expected"),
    [
        ({**VERSION_2, "keepalived_auth_pass": PASSWORD["auth_pass"]}, "authentication", PASSWORD),
        ({**VERSION_2, "keepalived_instance_options": {"authentication": PASSWORD}}, "authentication", PASSWORD),
        (
            {**VERSION_2, "keepalived_instances": [{"vips": [VIP], "authentication": PASSWORD}]},
            "authentication",
            PASSWORD,
        ),
        (
            {
                **VERSION_2,
                "keepalived_auth_pass": "rQ4-other",
                "keepalived_instances": [{"name": "web", "vips": [VIP], "authentication": PASSWORD}],
            },
            "authentication",
            PASSWORD,
        ),
        ({"keepalived_instance_options": {"auth_hmac": HMAC}}, "auth_hmac", HMAC),
        ({"keepalived_instances": [{"name": "web", "vips": [VIP], "auth_hmac": HMAC}]}, "auth_hmac", HMAC),
    ],
    ids=["its variable", "for all", "of one without a name", "the nearest counts", "keys for all", "keys of one"],
)
def test_a_secret_is_in_no_plan_and_reaches_the_instance(said: Variables, option: str, expected: t.Any) -> None:
    inventory = InventoryBuilder(said)
    plan = inventory.slices()
    written = json.dumps(plan)
    assert option not in written
    assert not any(secret in written for secret in ("uB7", "rQ4", "a long key"))
    keepalived = inventory.documents("lb1")["keepalived"]
    expected_instances = [{**plan["lb1"]["keepalived_instances"][0], option: expected}]
    assert keepalived["state"]["keepalived"]["instances"] == expected_instances
    assert keepalived["preflight"]["instances"] == expected_instances


def test_without_a_secret_an_instance_is_that_of_the_plan() -> None:
    inventory = InventoryBuilder()
    instances = inventory.slices()["lb1"]["keepalived_instances"]
    assert inventory.documents("lb1")["keepalived"]["state"]["keepalived"]["instances"] == instances


MAIL = {"to": ["a@example.com"], "from": "b@example.com", "host": "mail.example.com", "starttls": True, "user": "u"}


@pytest.mark.parametrize(
    "said",
    [
        {"keepalived_auth_pass": ["h1dd3n/+"]},
        {"keepalived_mail": "smtp://u:h1dd3n/+@mail.example.com"},
        {"keepalived_mail": "h1dd3n/+"},
        {"keepalived_mail": {**MAIL, "password": "h1dd3n/+", "h1dd3n/+": 1}},
        {"keepalived_mail": {**MAIL, "password": "h1dd3n/+", "host": "u:h1dd3n/+@mail", "starttls": False}},
        {"keepalived_instance_options": {"authentication": "h1dd3n/+"}},
        {"keepalived_instance_options": {"authentication": {"auth_type": "PASS", "auth_pas": "h1dd3n/+"}}},
        {"keepalived_instance_options": {"authentication": {"auth_type": "PASS", "auth_pass": "h1dd3n/+ and more"}}},
        {"keepalived_instance_options": {"authentication": {"auth_type": "h1dd3n/+", "auth_pass": "h1dd3n/+"}}},
        {"keepalived_instance_options": {"auth_hmac": {"keys": ["h1dd3n/+"], "active_key": 1}}},
        {"keepalived_instance_options": {"auth_hmac": {"keys": "h1dd3n/+", "active_key": 1}}},
        {"keepalived_instance_options": {"auth_hmac": {"keys": [{"id": "h1dd3n/+", "value": "h1dd3n/+"}]}}},
        {"keepalived_instances": [{"vips": ["10.0.0.100/24"], "authentication": ["h1dd3n/+"]}]},
        {"keepalived_checks": [{"name": "app", "url": "http://u:h1dd3n/+@app.example.com/"}]},
        {"keepalived_checks": [{"name": "app", "url": "http://app.example.com/?key=h1dd3n/+"}]},
    ],
    ids=str,
)
def test_no_fault_tells_a_secret_wherever_it_was_written(said: Variables) -> None:
    told = [
        str(finding) for finding in InventoryBuilder({**VERSION_2, **said}).findings() if finding.severity == "error"
    ]
    assert told
    assert "h1dd3n" not in " ".join(told)


@pytest.mark.parametrize("password", ["keep", "pass", "10.0", "lb1", "0.10", "auth", "VI_1"])
def test_a_password_spoils_no_sentence_that_has_the_same_letters(password: str) -> None:
    said = {
        **VERSION_2,
        "keepalived_auth_pass": password,
        "keepalived_mail": {**MAIL, "password": password, "to": []},
        "keepalived_vips": ["10.0.0.10/32"],
        "keepalived_priority": 100,
    }
    told = [str(finding) for finding in InventoryBuilder(said).findings() if finding.severity == "error"]
    assert [one for one in told if not one.startswith("lb1, lb2: keepalived_auth_pass: ")] == [
        "lb1, lb2: keepalived_vips[0]: 10.0.0.10 is written as a single address (/32), so its subnet and interface "
        "cannot be told: write 10.0.0.10/24, or whatever its subnet has, or name the interface "
        "(`10.0.0.10/32 dev eth1`) [no-prefix]",
        "lb2: keepalived_priority: 100 of VI_1 is also the priority of lb1: whoever starts first would hold the "
        "address; give each its own, or none and let them be derived [priority-tie]",
        "lb1, lb2: keepalived_mail.to: is empty: list who gets the mail [notify]",
    ]
