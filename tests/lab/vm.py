# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine with Debian's own kernel, for what the kernel of a container's machine may not have, as IPVS.

It runs from memory, emulated by qemu in software, without a network to anywhere: files go in beside its system, and
what it prints comes out.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.command import ROOT, LabError, run, say
from lab.image import ensure_image
from lab.machine import install, podman_command
from lab.number import outside

__all__ = ("run_inside",)

FOLDER = ROOT / ".lab" / "vm"
MEMORY = "1500M"
PROGRAMS = {"qemu-system-x86": "qemu-system-x86_64", "cpio": "cpio"}
"""Of each package, a program by which it is known to be there."""
# Run in a node of the lab, which has apt and Debian's mirrors. Of some 4,000 modules, those stay that networks of
# namespaces need. What is left fits into the machine's memory.
BUILD = """
set -eu
exec >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends linux-image-amd64 keepalived nginx-light ipvsadm kmod cpio
cp /boot/vmlinuz-* /made/vmlinuz
version=$(ls /lib/modules)
find /lib/modules -name '*.ko' ! -path '*/kernel/net/*' ! -path '*/kernel/lib/*' ! -path '*/kernel/crypto/*' \\
    ! -path '*/kernel/arch/*' ! -name veth.ko -delete
depmod "$version"
rm -rf /boot/* /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /usr/share/locale /usr/share/man
cd /
find . -xdev -print0 | cpio --null --create --format=newc --quiet >/made/system.cpio
"""
INIT = """#!/bin/sh
# The first program of the machine: it runs the one that was brought, and ends.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mkdir -p /run/lock /dev/pts
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
python3 {program}
echo o >/proc/sysrq-trigger
sleep 60
"""


def run_inside(work: Path, program: str, *, seconds: float) -> str:
    """Return what the machine prints while it runs a program of the folder ``work``, which is /brought there.

    LabError where it does not end within ``seconds``.
    """
    kernel, system = _machine()
    with tempfile.TemporaryDirectory() as made:
        extra = Path(made) / "extra"
        shutil.copytree(work, extra / "brought")
        (extra / "init").write_text(INIT.format(program=f"/brought/{program}"))
        (extra / "init").chmod(0o755)
        initrd = Path(made) / "initrd"
        # The kernel lays one archive over the other.
        with open(initrd, "wb") as file, open(system, "rb") as base:
            shutil.copyfileobj(base, file)
            file.write(_archive(extra))
        words = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", MEMORY, "-nographic"]
        words += ["-no-reboot", "-nic", "none", "-kernel", str(kernel), "-initrd", str(initrd)]
        words += ["-append", "console=ttyS0 quiet panic=-1 sysrq_always_enabled"]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            printed = (error.stdout or b"").decode(errors="replace")
            raise LabError(f"the virtual machine did not end within {seconds:g} s: {printed[-4000:]}") from None
    return done.stdout.replace("\r\n", "\n")


def _machine() -> tuple[Path, Path]:
    """Return the kernel and the archive of the system, made first where they are missing."""
    missing = [name for name, program in PROGRAMS.items() if not shutil.which(program)]
    if missing:
        install(*missing)
    image = ensure_image("12")
    folder = FOLDER / hashlib.sha256(f"{image} {BUILD}".encode()).hexdigest()[:12]
    if not folder.exists():
        say("making the Debian of a virtual machine from packages (once, about a minute)")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as made:
            new = Path(made) / "machine"
            new.mkdir()
            options = ("--rm", "--network=host", f"--volume={new}:/made")
            run(*outside(), *podman_command(), "run", *options, image, "sh", "-c", BUILD)
            new.rename(folder)  # it is there as a whole or not at all
    return folder / "vmlinuz", folder / "system.cpio"


def _archive(root: Path) -> bytes:
    """Return a folder as an archive that the kernel unpacks, all of it owned by root."""
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    words = ["cpio", "--null", "--create", "--format=newc", "--owner=+0:+0", "--quiet"]
    return subprocess.run(words, cwd=root, input=names.encode(), capture_output=True, check=True).stdout
