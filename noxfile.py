# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of the tests, each of which runs alone: `nox -l` lists them, `bin/test` runs all of them.

What follows two dashes goes to the tool: `nox -s unit -- tests/unit/nginx -k weight`, `nox -s scenario -- failover`.
The tools are those of .venv, which any program in bin/ makes; only other Pythons get environments of their own.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))

from lab import machine
from lab.command import LAB_DIRECTORY, environment
from lab.daemons import ensure_daemons
from lab.image import ensure_image
from runner import coverage
from runner.archive import build, install
from runner.controllers import python_of
from runner.interpreters import PYTHONS, search_path
from runner.sanity import prepare
from runner.steps import CORES, KEEP, KEPT, LANGUAGES, LINTERS, scenarios

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "none"
nox.options.envdir = str(LAB_DIRECTORY / "nox")
nox.options.sessions = ["lint", "unit"]
os.environ["PATH"] = search_path(environment())

PURE = ("nginx", "keepalived", "vrrp")  # rooms below tests/unit that need no ansible


def run(session: nox.Session, *command: str, **variables: str) -> None:
    """Run a tool of .venv."""
    session.run(*command, external=True, env={**environment(), **variables})


def daemons() -> dict[str, str]:
    """Return the variables that tell the tests where nginx and keepalived are, which the lab's image brings."""
    names = {"nginx": "HOLDFAST_NGINX", "keepalived": "HOLDFAST_KEEPALIVED"}
    if all(name in os.environ for name in names.values()):
        return {}
    machine.prepare()
    programs = ensure_daemons(ensure_image(os.environ.get("LAB_DEBIAN", "12")))
    return {names[program]: str(path) for program, path in programs.items()}


@nox.session
@nox.parametrize("tool", LINTERS, ids=LINTERS)
def lint(session: nox.Session, tool: str) -> None:
    """Formatters, linters and checks of the collection's own form."""
    shell = [*ROOT.glob("bin/*"), *ROOT.glob("tests/lab/*.sh"), ROOT / ".ci/run"]
    commands = {
        "ruff-check": ("ruff", "check"),
        "ruff-format": ("ruff", "format", "--check"),
        "mypy": ("mypy",),
        "shellcheck": ("shellcheck", "--external-sources", *sorted(map(str, shell))),
        "yamllint": ("yamllint", "--strict", "."),
        "ansible-lint": ("ansible-lint", "--offline"),
        "collection-build": ("ansible-galaxy", "collection", "build", "--force", f"--output-path={LAB_DIRECTORY}"),
        "antsibull-docs": ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
    }
    run(session, *commands[tool], *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, without a warning and with every link checked: guides, option pages, changelog."""
    run(session, "python", "docs/site/build.py", *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Unit tests; all of them on every processor, with the share of the lines that they reach."""
    if session.posargs:
        run(session, "pytest", "--quiet", "-rs", *session.posargs)
        return
    everything = ("--numprocesses=logical", "--cov=plugins", "--cov-report=", f"--cov-report=xml:{coverage.REPORT}")
    run(session, "pytest", "--quiet", "-rs", *everything, "tests/unit", COVERAGE_FILE=str(LAB_DIRECTORY / "coverage"))
    session.log(coverage.figures(coverage.REPORT.read_text()))


@nox.session(python=PYTHONS, venv_backend="venv", reuse_venv=True)
def pythons(session: nox.Session) -> None:
    """Unit tests of what runs on managed hosts, on every Python that these may have."""
    session.install("--quiet", "--requirement", "requirements-pythons.txt")
    tests = session.posargs or [f"tests/unit/{room}" for room in PURE]
    session.run("python", "-m", "pytest", "--quiet", *tests)


@nox.session
def integration(session: nox.Session) -> None:
    """The modules against a real nginx and a real keepalived, on hosts of their own."""
    everything = ("--numprocesses=logical", "--dist=loadfile", "tests/integration")
    run(session, "pytest", "--quiet", "-rs", *(session.posargs or everything), **daemons())


@nox.session
@nox.parametrize("version", CORES, ids=CORES)
def cores(session: nox.Session, version: str) -> None:
    """A part of the integration tests with the oldest and the newest ansible-core on the managed host."""
    home = LAB_DIRECTORY / "cores" / version
    if not (home / "ansible" / "release.py").exists():
        # Only the modules' side of it is used, which needs nothing else and runs on any Python here.
        wanted = "ansible-core" if version == "newest" else f"ansible-core=={version}.*"
        options = ("--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", f"--target={home}")
        run(session, "python", "-m", "pip", "install", *options, wanted)
    tests = session.posargs or ["tests/integration/test_nginx_change.py", "tests/integration/test_keepalived_change.py"]
    run(session, "pytest", "--quiet", "-rs", *tests, HOLDFAST_ANSIBLE=str(home / "ansible"), **daemons())


@nox.session
@nox.parametrize("version", CORES, ids=CORES)
def sanity(session: nox.Session, version: str) -> None:
    """ansible-test sanity on the collection as it is published, with the oldest and the newest ansible-core."""
    found = prepare(version, build(Path(session.create_tmp())))
    variables = {"HOME": str(found.home), "PATH": f"{found.program.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    with session.chdir(found.folder):
        words = (str(found.program), "sanity", "--requirements", "--python", python_of(version), "--color", "no")
        session.run(*words, *session.posargs, external=True, env=variables)


@nox.session(venv_backend="venv", reuse_venv=True)
def published(session: nox.Session) -> None:
    """What Galaxy says of the archive when it is uploaded, and what an execution environment would install for it."""
    session.install("--quiet", "galaxy-importer==0.4.44", "ansible-builder==3.2.0")
    archive = build(Path(session.create_tmp()))
    home = install(archive, Path(session.create_tmp())).parents[1]
    with session.chdir(home):
        session.run("python", "-m", "galaxy_importer.main", str(archive), env={"HOME": str(home)})
        told = session.run("ansible-builder", "introspect", str(home / ".ansible" / "collections"), silent=True)
    if "python: []" not in str(told) or "system: []" not in str(told):
        session.error(f"An execution environment would install something:\n{told}")


@nox.session
@nox.parametrize("language", LANGUAGES, ids=LANGUAGES)
def corpora(session: nox.Session, language: str) -> None:
    """Both languages against the configurations of other people."""
    program = {**os.environ, **daemons()}[f"HOLDFAST_{language.upper()}"]
    run(session, "python", f"tests/corpora/{language}.py", f"--{language}", program, *session.posargs)


@nox.session
def scenario(session: nox.Session) -> None:
    """Molecule scenarios by their names, each in the lab: `nox -s scenario -- default [pytest's arguments]`."""
    parser = argparse.ArgumentParser(prog="nox -s scenario --", allow_abbrev=False)
    parser.add_argument("names", nargs="+", metavar="NAME", choices=scenarios(), help=", ".join(scenarios()))
    parser.add_argument(KEEP, action="store_true", help="leave the lab up when the scenario has ended")
    parser.add_argument(KEPT, action="store_true", help="make nothing: test in the lab that is up")
    options, tests = parser.parse_known_args(session.posargs)
    words = {"PYTEST_ADDOPTS": f"{os.environ.get('PYTEST_ADDOPTS', '')} {shlex.join(tests)}"}
    for name in options.names:
        molecule = ("bin/lab", "run", "--", "molecule")
        if options.keep and not options.kept:
            # Below, --destroy=never leaves the first one out, too.
            run(session, *molecule, "destroy", f"--scenario-name={name}")
        verb = ["verify"] if options.kept else ["test", *(["--destroy=never"] if options.keep else [])]
        run(session, *molecule, *verb, f"--scenario-name={name}", **words)
    if options.kept and not options.keep:
        run(session, "bin/lab", "down")
