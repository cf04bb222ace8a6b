# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a configuration, of an invocation and of a result holds no secret, and is otherwise whole."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import hide, hide_in_urls
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import NAMES
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact as keepalived
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import redact as nginx
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Nested

SECRET, FREE = "s3cr3t-pl4nted", "4n0th3r-pl4nted"
NGINX = (
    f"proxy_set_header Authorization 'Basic {SECRET}';",
    f'proxy_set_header X-Api-Key "{SECRET}";',
    f"grpc_set_header x-auth-token {SECRET};",
    f"fastcgi_param DB_PASSWORD {SECRET};",
    f"add_header Set-Cookie 'session={SECRET}';",
    f"set $backend_token {SECRET};",
    f'secure_link_md5 "$uri {SECRET}";',
    f"return 301 https://user:{SECRET}@example.com/;",
    f"proxy_pass http://app/?token={SECRET};",
    f"# curl -H 'Authorization: Bearer {SECRET}' --password {SECRET}",
    f"map $http_x_api_key $client {{ default 0; {SECRET} 1; }}",
    f"map $uri $upstream_token {{ default {SECRET}; }}",
)
KEEPALIVED = (
    f"auth_pass {SECRET}",
    f"    key 1 {SECRET}",
    f"password {SECRET}",
    f"authentication {{ auth_pass {SECRET} }}",
    f"@lb1 auth_pass {SECRET}",
    f'"auth_pass" {SECRET}',
    f'auth_pass"{SECRET}"',
    f"auth_pass\f{SECRET}",
    f"notify /usr/local/bin/tell --token {SECRET}",
    f'misc_path "/usr/local/bin/ask http://user:{SECRET}@10.0.0.1/"',
    f"path /well?api_key={SECRET}",
)
PLAIN = (
    "server {\n    listen 80;\n    location / {\n        proxy_pass http://blog;\n"
    "        proxy_set_header Host $host;\n        proxy_set_header Authorization $http_authorization;\n"
    "        proxy_cache_key $uri;\n    }\n}\n"
)


@pytest.mark.parametrize("text", NGINX)
def test_no_secret_of_nginx_is_shown(text: str) -> None:
    assert SECRET not in nginx(f"{text}\n")
    assert "********" in nginx(f"{text}\n")


def test_text_of_another_encoding_is_shown() -> None:
    text = f"# {chr(0xFFFD) * 2000}\n"
    assert nginx(text) == text


@pytest.mark.parametrize("text", KEEPALIVED)
def test_no_secret_of_keepalived_is_shown(text: str) -> None:
    shown = keepalived(f"{text}\n# behind it\n")
    assert SECRET not in shown
    assert shown.endswith("\n# behind it\n")


def secrets_of(model: t.Any) -> t.Iterator[tuple[str, str]]:
    """Yield the keyword of the model and the name of every option of it, and of those in it, that is a secret."""
    for name, one in model.options():
        if one.kind.secret:
            yield model.keyword, name
        if isinstance(one.kind, Nested):
            yield from secrets_of(one.kind.model)


def test_what_a_model_calls_a_secret_is_hidden_in_text() -> None:
    found = set(secrets_of(KeepalivedConfig))
    assert found == {("authentication", "auth_pass"), ("key", "value")}
    assert all(keyword in NAMES or name in NAMES for keyword, name in found)


EMPTY = (
    *(f"{name}{blank}" for name in ("auth_pass", "key", "password") for blank in ("", " ", "\t ", "\r", " \r")),
    *("# password:", "# X-Api-Key: ", "# Authorization: Bearer", "notify /bin/tell --token", "notify /bin/tell -auth "),
    *("path /well?api_key=", "notify /bin/tell token="),
)


@pytest.mark.parametrize("line", EMPTY)
@pytest.mark.parametrize("show", [keepalived, hide, hide_in_urls])
def test_a_name_without_a_value_hides_no_other_line(show: t.Callable[[str], str], line: str) -> None:
    behind = "virtual_router_id 51\n\n    priority 100\n"
    assert show(f"{line}\n{behind}").partition("\n")[2] == behind


def test_what_holds_no_secret_is_shown_as_it_is() -> None:
    assert nginx(PLAIN) == PLAIN
    assert nginx(PLAIN.replace("    ", "\t ")) == PLAIN.replace("    ", "\t ")


@pytest.mark.parametrize("line", [f'auth_pass "{SECRET}', f"key 1 {SECRET}{'x' * 1100}"])
def test_no_complaint_about_a_line_of_keepalived_shows_its_secret(line: str) -> None:
    found = expand(f"vrrp_instance VI_1 {{\nauthentication {{\n{line}\n}}\n}}\n")
    assert SECRET not in " ".join(map(str, found.findings))
    with pytest.raises(ConfigError) as told:
        render([Block(line.split()[0], (f"{SECRET}{'x' * 1100}",))])
    assert SECRET not in str(told.value)


def test_a_text_that_nginx_cannot_read_is_not_shown() -> None:
    assert nginx(f"proxy_set_header Authorization '{SECRET}\n") == (
        "(1 lines that nginx cannot read: not shown, they may hold secrets)\n"
    )


def run(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, t.Any], *, fails: bool) -> tuple[dict[str, t.Any], str]:
    """Return the result of a module with a nested and a free secret, and what it wrote into the journal."""
    logged: list[str] = []
    monkeypatch.setattr(QuietModule, "log", lambda _self, message, log_args=None: logged.append(message))
    printed = io.StringIO()
    spec = {
        "mode": {"type": "str", "choices": ["a", "b"]},
        "count": {"type": "int"},
        "commands": {"type": "list", "elements": "raw"},
        "instances": {"type": "list", "elements": "dict", "options": {"word": {"type": "str", "no_log": True}}},
    }

    def main() -> None:
        module = QuietModule(argument_spec=spec)
        if fails:
            module.fail_json(msg="It is wrong.")
        module.exit_json(changed=False, addresses=["10.89.50.100"], interface="eth0")

    with patch_module_args(arguments), contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        main()
    return json.loads(printed.getvalue()), " ".join(logged)


@pytest.mark.parametrize("fails", [False, True])
def test_a_quiet_module_repeats_only_what_cannot_be_secret(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    # Ansible itself would hide the second wherever it stands, and the first nowhere.
    arguments = {"mode": "a", "count": 3, "commands": [["/bin/tell", FREE]], "instances": [{"word": SECRET}]}
    result, logged = run(monkeypatch, arguments, fails=fails)
    assert not [secret for secret in (SECRET, FREE) if secret in json.dumps(result) + logged]
    assert result["invocation"]["module_args"]["mode"] == "a"
    assert "mode=a count=3" in logged


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"commands": [SECRET], "unknown": SECRET}, "Unsupported parameters"),
        ({"instances": [SECRET]}, "dictionary requested"),
        ({"instances": SECRET}, "dictionary requested"),
        ({"instances": [{"word": SECRET}], "count": SECRET}, "to int"),
    ],
)
def test_a_quiet_module_that_is_called_wrongly_repeats_nothing_either(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, t.Any], words: str
) -> None:
    result, _logged = run(monkeypatch, arguments, fails=False)
    assert words in result["msg"]
    assert SECRET not in json.dumps(result)


@pytest.mark.parametrize("secret", ["10.89.50", "eth0", "0"])
def test_a_secret_that_is_part_of_a_result_does_not_spoil_it(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    result, _logged = run(monkeypatch, {"instances": [{"word": secret}]}, fails=False)
    assert (result["addresses"], result["interface"]) == (["10.89.50.100"], "eth0")
