# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes' own nginx and keepalived as programs on this machine, which need not have them: for integration tests."""

from __future__ import annotations

import os
from pathlib import Path

from lab.command import LAB_DIRECTORY, as_root, run
from lab.podman import podman

__all__ = ("PROGRAMS", "ensure_daemons")

PROGRAMS = ("nginx", "keepalived")
HOME = LAB_DIRECTORY / "daemons"
# In a container of the node image, where apt has the packages at hand: install them, and take the programs out
# together with every library they load and the loader that goes with these.
TAKE = r"""
set -e
apt-get install -y -q --no-install-recommends nginx libnginx-mod-stream keepalived >/dev/null 2>&1
cp -r /usr/lib/nginx/modules /out/modules
cp /usr/sbin/nginx /usr/sbin/keepalived /out/
mkdir /out/lib
ldd /out/nginx /out/keepalived /out/modules/*.so | grep -o '/[^ :]*\.so[^ :]*' | grep -v '^/out/' | sort -u |
  xargs cp --dereference --target-directory=/out/lib
cp --dereference "$(ldd /out/nginx | grep -o '/[^ ]*/ld-linux[^ ]*')" /out/lib/loader
chown -R "$1" /out
"""
# A daemon starts as root: it binds low ports, even in its test.
START = """#!/bin/sh
exec {root}'{home}/lib/loader' --argv0 '{program}' --library-path '{home}/lib' '{home}/{program}' "$@"
"""


def ensure_daemons(image: str) -> dict[str, Path]:
    """Return program name and path of each daemon of this image, taken out of it first where that was not done yet."""
    home = HOME / image.rpartition(":")[2]
    paths = {program: home / "bin" / program for program in PROGRAMS}
    if all(path.exists() for path in paths.values()):
        return paths
    run(*as_root("rm", "-rf", str(HOME)))
    home.mkdir(parents=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    podman("run", "--rm", "--network=none", f"--volume={home}:/out", image, "sh", "-c", TAKE, "sh", owner, timeout=300)
    (home / "bin").mkdir()
    for program, path in paths.items():
        path.write_text(START.format(root="sudo " * (os.getuid() != 0), home=home, program=program))
        path.chmod(0o755)
    return paths
