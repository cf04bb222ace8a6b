# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx -T prints becomes one tree that knows the file of every block."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.dump import assemble, parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.rules import check

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
events {}
http {
    include mime.types;
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/[a-c]?te;
}

# configuration file /etc/nginx/mime.types:
types { text/html html; }

# configuration file /etc/nginx/conf.d/b.conf:
# configuration file of b
server { listen 80; server_name same.lan; }

# configuration file /etc/nginx/conf.d/sub/c.conf:
never_included here;

# configuration file /etc/nginx/sites-enabled/bite:

server { listen 80; server_name same.lan; }

"""


def test_files_lie_where_they_are_included() -> None:
    files = parse_dump(DUMP)
    assert list(files)[0] == "/etc/nginx/nginx.conf"
    tree = assemble(files)
    names = [(block.name, str(block.position)) for block in walk(tree) if block.name in ("types", "server", "include")]
    assert names == [
        ("types", "/etc/nginx/mime.types:1"),
        ("server", "/etc/nginx/conf.d/b.conf:2"),
        ("server", "/etc/nginx/sites-enabled/bite:2"),
    ]


def test_rules_see_across_files() -> None:
    (finding,) = check(assemble(parse_dump(DUMP)))
    assert (finding.rule, finding.where) == ("conflicting_server_name", "/etc/nginx/sites-enabled/bite:2")
    assert "/etc/nginx/conf.d/b.conf:2" in finding.message


def test_a_file_that_includes_itself_is_an_error() -> None:
    with pytest.raises(ConfigError, match="/a.conf includes itself"):
        assemble(parse_dump("# configuration file /a.conf:\ninclude /a.conf;\n\n"))


def test_nothing_becomes_nothing() -> None:
    assert assemble(parse_dump("nginx: the configuration file syntax is ok\n")) == ()
