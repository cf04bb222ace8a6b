# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module vip_probe: what its options ask for, and that check mode asks nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.modules import vip_probe
from ansible_collections.holdfast.nginx_ha.tests.unit.probe.misbehaving import Service

DEFAULTS: dict[str, t.Any] = {
    **{"url": None, "address": None, "port": None, "path": None, "host": None, "tls": False, "validate_certs": True},
    **{"headers": {}, "rate": 200.0, "duration": 10.0, "timeout": 3.0, "slow_after": 0.5, "expect": [200]},
    **{"served_by": "", "proxy_protocol": False},
}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"address": "192.0.2.1"}, ("192.0.2.1", 80, "/", "", False)),
        ({"address": "192.0.2.1", "tls": True}, ("192.0.2.1", 443, "/", "", True)),
        ({"address": "192.0.2.1", "port": 81, "path": "/x"}, ("192.0.2.1", 81, "/x", "", False)),
        ({"url": "http://a.example"}, ("a.example", 80, "/", "a.example", False)),
        ({"url": "https://a.example/x?y=z"}, ("a.example", 443, "/x?y=z", "a.example", True)),
        ({"url": "http://a.example:81/"}, ("a.example", 81, "/", "a.example:81", False)),
        ({"url": "http://[2001:db8::1]:81/"}, ("2001:db8::1", 81, "/", "[2001:db8::1]:81", False)),
        ({"url": "http://a.example/x", "address": "192.0.2.1"}, ("192.0.2.1", 80, "/x", "a.example", False)),
        ({"url": "http://192.0.2.1/", "host": "b.example"}, ("192.0.2.1", 80, "/", "b.example", False)),
    ],
)
def test_where_to_ask(options: dict[str, t.Any], expected: tuple[str, int, str, str, bool]) -> None:
    settings = vip_probe.settings_of({**DEFAULTS, **options})
    assert (settings.address, settings.port, settings.path, settings.host, settings.tls) == expected


@pytest.mark.parametrize("url", ["a.example", "ftp://a.example/", "http:///x", "http://a.example:port/"])
def test_a_wrong_url(url: str) -> None:
    with pytest.raises(InputError, match="^url: "):
        vip_probe.settings_of({**DEFAULTS, "url": url})


def run(options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Run the module and return its result."""
    results: list[dict[str, t.Any]] = []

    def finish(_module: basic.AnsibleModule, **result: t.Any) -> t.NoReturn:
        results.append(result)
        raise SystemExit

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", finish)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", finish)
    with patch_module_args(options), pytest.raises(SystemExit):
        vip_probe.main()
    return results[0]


def test_it_measures(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"address": "127.0.0.1", "port": service.port, "rate": 100, "duration": 0.1}
    result = run(options, monkeypatch)
    assert (result["changed"], result["requests"], result["ok"]) == (False, 10, 10)
    assert "failed" not in result, "a result of this name is a failed task to Ansible"


def test_check_mode_asks_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"address": "127.0.0.1", "port": service.port, "duration": 0.1, "_ansible_check_mode": True}
    assert run(options, monkeypatch)["changed"] is False
    assert service.requests == []


def test_check_mode_refuses_what_a_run_would_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"address": "127.0.0.1", "rate": 0, "_ansible_check_mode": True}
    assert run(options, monkeypatch)["msg"] == "rate: must be above 0, not 0"
