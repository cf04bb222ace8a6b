# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build follows from, and tarballs that are what the inventory says, or are not used."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.build import recipe_in, remove_others
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import Recipe, is_fixed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.tarball import fetch

CONTENT = b"source"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
RECIPE = Recipe("nginx", "https://example.com/nginx.tar.gz", DIGEST, ("--with-stream",), "/opt/nginx", "www-data")


@pytest.fixture
def mirror(tmp_path: Path) -> t.Iterator[str]:
    """Serve a folder that has a tarball, and return its address."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "nginx.tar.gz").write_bytes(CONTENT)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_tarball_is_fetched_for_everybody_to_read(mirror: str, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "nginx.tar"
    fetch("nginx", f"{mirror}/nginx.tar.gz", DIGEST.upper(), str(path))
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "checksum", "told"),
    [
        ("nginx.tar.gz", "0" * 64, f"nginx_tarball_checksum: MIRROR/nginx.tar.gz has the SHA-256 digest {DIGEST}"),
        ("other.tar.gz", DIGEST, "nginx_tarball: MIRROR/other.tar.gz cannot be fetched from this host ("),
    ],
)
def test_another_tarball_and_none_are_refused_and_nothing_is_left(
    mirror: str, tmp_path: Path, name: str, checksum: str, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        fetch("nginx", f"{mirror}/{name}", checksum, str(tmp_path / "cache" / "nginx.tar"))
    assert str(caught.value).startswith(told.replace("MIRROR", mirror))
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_digest_or_option_is_another_build_and_another_mirror_is_not() -> None:
    others = [
        replace(RECIPE, checksum="0" * 64),
        replace(RECIPE, options=()),
        replace(RECIPE, user="nginx"),
    ]
    assert len({one.folder for one in (RECIPE, *others)}) == 4
    assert replace(RECIPE, tarball="nginx.tar.gz").folder == RECIPE.folder
    assert replace(RECIPE, checksum=DIGEST.upper()).folder == RECIPE.folder
    assert "--prefix=/opt/nginx" in RECIPE.arguments
    assert is_fixed("nginx", "--pid-path=/x")
    assert not is_fixed("nginx", "--with-stream")


def test_only_builds_of_this_prefix_are_removed(tmp_path: Path) -> None:
    recipe = replace(RECIPE, prefix=f"{tmp_path}/nginx")
    folders = [Path(recipe.folder), *(tmp_path / name for name in ("nginx-0123456789abcdef", "nginx-data", "other"))]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "holdfast-build").write_text(recipe.text)
    remove_others(recipe, {recipe.folder})
    assert [folder.exists() for folder in folders] == [True, False, True, True]
    assert recipe_in(recipe.folder) == recipe.text
