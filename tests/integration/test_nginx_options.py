# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx agrees with our tables: it knows the options its version has, and lets pass what our rules find."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx import settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.dump import assemble, parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.version import FIRST
from nginx_rule_cases import CASES, REFUSED_BY_NGINX, Case
from real_nginx import Nginx

KINDS: dict[str, tuple[t.Mapping[str, settings.Shape], str, str]] = {
    "server": (settings.HTTP_SERVER, "server {{ {} }}", ""),
    "location": (settings.LOCATION, "server {{ location /x {{ {} }} }}", ""),
    "stream_server": (settings.STREAM_SERVER, "", "server {{ listen 9999; proxy_pass 127.0.0.1:1; {} }}"),
}

# A value of each shape; nginx may refuse it for a directive, but not the directive.
SAMPLES: dict[str, t.Any] = {
    "flag": True,
    "mark": True,
    "number": 5,
    "size": "8k",
    "time": "5s",
    "word": "x",
    "arguments": "off",
    "words": ["x"],
    "lines": ["x y"],
    "pairs": {"a": "b"},
    "headers": {"a": "b"},
}


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    return Nginx(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_nginx_knows_the_directives_that_its_version_has(nginx: Nginx, kind: str) -> None:
    table, http, stream = KINDS[kind]
    version = nginx.build().version
    wrong = []
    for name, shape in table.items():
        sample = next(SAMPLES[key] for key, each in settings.SHAPES.items() if each is shape)
        text = render(settings.to_blocks({name: shape}, {name: sample}))
        _, words = nginx.test(nginx.main(http.format(text), stream.format(text)))
        known = "unknown directive" not in words and "is not allowed here" not in words
        first = FIRST.get(kind, {}).get(name)
        if known != (first is None or first <= version):
            wrong.append((name, first, words))
    assert len(table) > 50
    assert wrong == []


def test_what_nginx_prints_of_itself_is_read(nginx: Nginx) -> None:
    sites = [f"server {{ listen 127.0.0.1:800{i}; server_name '{{{i}';\n}}\n# end" for i in range(3)]
    for i, site in enumerate(sites):
        nginx.write(f"site{i}.conf", site)
    files = parse_dump(nginx.dump(nginx.main("include site*.conf;")))
    assert list(files) == [
        str(nginx.folder / name) for name in ("nginx.conf", "site0.conf", "site1.conf", "site2.conf")
    ]
    (http,) = (block for block in assemble(files) if block.name == "http")
    assert http.find("server") == tuple(parse(site)[0] for site in sites)


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_nginx_lets_pass_what_our_rules_find(nginx: Nginx, case: Case) -> None:
    certificate = nginx.folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-subj", "/CN=x", "-keyout", f"{certificate}.key", "-out", f"{certificate}.crt"],
        check=True,
        capture_output=True,
    )
    certificate.write_text(Path(f"{certificate}.key").read_text() + Path(f"{certificate}.crt").read_text())
    for text, expected in ((case.bad, case.rule not in REFUSED_BY_NGINX), (case.good, True)):
        # An upstream is checked only where something goes to it.
        used = "server { listen 127.0.0.1:7999; location / { proxy_pass http://u; } }" if "upstream u" in text else ""
        http = text.replace("CERTIFICATE", str(certificate)) + used
        accepted, words = nginx.test(nginx.main(http, case.stream))
        # Whether a name resolves is the machine's affair.
        assert accepted == expected or "host not found" in words, words
