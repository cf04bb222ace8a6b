# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that nodes are made of, from a registry's Debian or from the Debian packages that this machine can get."""

from __future__ import annotations

import hashlib
import tempfile
import typing as t
from pathlib import Path

from lab.command import LabError, as_root, run, say
from lab.machine import install, podman_command
from lab.number import outside

__all__ = (
    "RELEASES",
    "STAND_IN",
    "Mirrors",
    "ensure_image",
    "machine_apt_settings",
    "machine_mirrors",
    "mirrors_of",
    "sources",
)

RELEASES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
STAND_IN = "el9"
"""What stands in for release 9 of Red Hat's family: the node of Debian 12 with dnf, and packages laid out as theirs."""
RECIPE = Path(__file__).parent / "image"
STAND_IN_RECIPE = Path(__file__).parent / "stand_in"
NAME = "localhost/holdfast-lab-node"
REGISTRY = "https://registry-1.docker.io/v2/"
NO_TRANSLATIONS = 'Acquire::Languages "none";\n'
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Mirrors(t.NamedTuple):
    """Where this machine gets Debian from."""

    archive: str = "http://deb.debian.org/debian"
    security: str = "http://deb.debian.org/debian-security"


def mirrors_of(texts: t.Iterable[str]) -> Mirrors:
    """Read the Debian mirrors out of apt's source files, of either format; the official ones where they name none."""
    found: dict[str, str] = {}
    for text in texts:
        for address, suite in _entries(text):
            for release in RELEASES.values():
                if suite == release:
                    found.setdefault("archive", address)
                elif suite == f"{release}-security":
                    found.setdefault("security", address)
    return Mirrors(**found)


def _entries(text: str) -> t.Iterator[tuple[str, str]]:
    """Yield (address, suite) of every entry that holds Debian's main component."""
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.split("\n") if line.strip() and not line.startswith("#")]
        fields = {name.lower(): value.split() for name, _sign, value in (line.partition(":") for line in lines)}
        if "main" in fields.get("components", []) and fields.get("enabled", ["yes"]) != ["no"]:
            yield from ((address, suite) for address in fields.get("uris", []) for suite in fields.get("suites", []))
        for line in lines:
            words = line.split("]")[-1].split() if "[" in line else line.split()[1:]
            if line.startswith("deb ") and "main" in words[2:]:
                yield words[0], words[1]


def sources(mirrors: Mirrors, codename: str) -> str:
    """Return the apt sources of a node."""
    return "\n".join(
        [
            *("Types: deb", f"URIs: {mirrors.archive}", f"Suites: {codename} {codename}-updates"),
            *("Components: main", f"Signed-By: {KEYRING}", ""),
            *("Types: deb", f"URIs: {mirrors.security}", f"Suites: {codename}-security"),
            *("Components: main", f"Signed-By: {KEYRING}", ""),
        ]
    )


def ensure_image(release: str) -> str:
    """Return the name of the node image of this Debian release, or of the stand-in, made first where it is missing."""
    if release == STAND_IN:
        base = ensure_image("12")
        note = "the stand-in of EL 9 (once; nginx, keepalived and httpd are compiled, some minutes)"
        return _built(STAND_IN, _texts(STAND_IN_RECIPE), lambda _folder: base, note, salt=base)
    if release not in RELEASES:
        known = f"Debian {', '.join(RELEASES)}, and {STAND_IN}"
        raise LabError(f"LAB_DEBIAN={release}: the lab knows {known}; set it to one of these.")
    codename = RELEASES[release]
    files = _texts(RECIPE)
    files["debian.sources"] = sources(machine_mirrors(), codename)
    files["apt.conf"] = machine_apt_settings()
    note = f"the node image of Debian {release} (once, about half a minute)"
    return _built(
        f"debian{release}",
        files,
        lambda folder: _registry_base(codename) or _package_base(codename, folder),
        note,
        salt=release,
    )


def _texts(recipe: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(recipe.iterdir())}


def _built(tag: str, files: t.Mapping[str, str], base: t.Callable[[Path], str], note: str, *, salt: str) -> str:
    """Return the image of these files, built on the base that is only made where the image is missing."""
    digest = hashlib.sha256(repr((salt, sorted(files.items()))).encode()).hexdigest()[:12]
    image = f"{NAME}:{tag}-{digest}"
    if _exists(image):
        return image
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
        arguments = ("--quiet", "--network=host", f"--build-arg=BASE={base(Path(folder))}", f"--tag={image}", folder)
        say(f"building {note}")
        run(*outside(), *podman_command(), "build", *arguments)
    return image


def _exists(image: str) -> bool:
    return bool(run(*podman_command(), "images", "--quiet", image).strip())


def machine_mirrors() -> Mirrors:
    apt = Path("/etc/apt")
    paths = [
        apt / "sources.list",
        *sorted(apt.glob("sources.list.d/*.sources")),
        *sorted(apt.glob("sources.list.d/*.list")),
    ]
    return mirrors_of(path.read_text() for path in paths if path.is_file())


def machine_apt_settings() -> str:
    """Return how apt here reaches its mirrors (proxies, checks switched off), as a configuration file."""
    try:
        dump = run("apt-config", "dump")
    except LabError:
        return NO_TRANSLATIONS
    wanted = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-")
    return "".join(f"{line}\n" for line in dump.split("\n") if line.startswith(wanted)) + NO_TRANSLATIONS


def _registry_base(codename: str) -> str | None:
    """Return the official image, pulled, or None where no registry can be reached."""
    base = f"docker.io/library/debian:{codename}"
    try:
        # An answer that wants a login is one: pulling brings it.
        run(*outside(), "curl", "--silent", "--output=/dev/null", "--max-time=3", REGISTRY)
        say(f"pulling {base}")
        run(*outside(), *podman_command(), "pull", "--quiet", base)
    except LabError:
        return None
    return base


def _package_base(codename: str, folder: Path) -> str:
    """Return a minimal system made from Debian packages, imported as an image."""
    base = f"localhost/holdfast-lab-base:{codename}"
    if _exists(base):
        return base
    say(f"no container registry answers: making Debian {codename} from packages (once, about half a minute)")
    if not Path("/usr/bin/mmdebstrap").exists():
        install("mmdebstrap", "debian-archive-keyring")
    archive = folder / "root.tar"
    options = ("--quiet", "--variant=minbase", "--include=ca-certificates", f"--aptopt={folder}/apt.conf")
    run(*outside(), *as_root("mmdebstrap", *options, codename, str(archive), str(folder / "debian.sources")))
    run(*podman_command(), "import", "--quiet", str(archive), base)
    return base
