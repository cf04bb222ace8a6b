# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that is built from source: the section of it, and what is seen before. Private to this collection."""

from __future__ import annotations

import contextlib
import os
import pwd
import tempfile
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host import build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import Recipe
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.main_file import standard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.upgrade import Question, upgrade
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.tarball import (
    digest_of,
    fetch,
    is_url,
    need_checksum,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import make_folders
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import check_staged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference, replace_text

__all__ = ("BUILD_OPTIONS", "bring", "lacking", "look")

Given = t.Mapping[str, t.Any]
Back = t.Callable[[], None]
KEEPALIVED = "keepalived.service"
SECONDS = 20.0
"""How long a keepalived that was started may take until it runs what its files say."""
CACHE = "/var/cache/holdfast"
"""Where a tarball waits that was fetched before anything was changed."""
NOLOGIN = "/usr/sbin/nologin"

BUILD_OPTIONS: dict[str, dict[str, t.Any]] = {
    "daemon": {"type": "str", "required": True, "choices": list(build.DAEMONS)},
    "tarball": {"type": "str", "required": True},
    "checksum": {"type": "str", "required": True},
    "options": {"type": "list", "elements": "str", "default": []},
    "prefix": {"type": "str", "required": True},
    "user": {"type": "str", "default": ""},
    "question": {
        "type": "dict",
        "options": {
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "host": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
        },
    },
    "pack": {"type": "path", "default": ""},
}
"""What a daemon is built from; of a file of the controller, that adds where it was sent to."""


def lacking(given: Given) -> list[str]:
    """Return the tarball where it is a file of the controller that has to be sent first."""
    return [] if is_url(given["tarball"]) or given["pack"] or build.is_built(_recipe(given)) else [given["tarball"]]


def look(given: Given, *, check: bool, runner: Runner = run) -> None:
    """Raise InputError where the daemon cannot be built here; what is fetched to know that is kept but in check mode.

    A file of the controller is compared there.
    """
    recipe = _recipe(given)
    build.refuse_others(recipe, runner)
    if build.is_built(recipe) or not is_url(recipe.tarball):
        return
    if not check:
        _fetched(recipe)
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-tarball-") as folder:
        fetch(recipe.daemon, recipe.tarball, recipe.checksum, os.path.join(folder, "tarball"))


def bring(given: Given, *, check: bool, runner: Runner = run) -> Outcome:
    """Build the daemon where it is not built yet, and let it take over from what runs; as it was where it does not.

    Raises HoldfastError.
    """
    recipe = _recipe(given)
    build.refuse_others(recipe, runner)
    before, wanted = build.links(recipe), build.Links(recipe.folder, recipe.program)
    if before == wanted and build.is_built(recipe):
        return Outcome()
    outcome = Outcome(
        [recipe.folder],
        [difference(recipe.folder, build.recipe_in(before.prefix or ""), recipe.text)],
    )
    if check:
        return outcome
    _bring_user(recipe.user, runner)
    if not build.is_built(recipe):
        tarball = given["pack"] if not is_url(recipe.tarball) else _fetched(recipe)
        need_checksum(recipe.daemon, recipe.tarball, digest_of(tarball), recipe.checksum)
        build.compile_daemon(recipe, tarball, runner)
        with contextlib.suppress(OSError):
            os.unlink(_cached(recipe))
    # Before there is a program that would test what lies there.
    make_folders(f"/etc/{recipe.daemon}")
    if recipe.daemon == "nginx":
        _bring_main_file(recipe.user)
    build.switch(recipe, wanted)
    try:
        warning = TAKES_OVER[recipe.daemon](recipe, given, lambda: build.switch(recipe, before), runner)
    except HoldfastError as error:
        build.switch(recipe, before)
        raise HoldfastError(f"{recipe.daemon}_tarball: {error}. The one of before serves on") from None
    outcome.warnings += [warning] if warning else []
    build.remove_others(recipe, {recipe.folder, before.prefix})
    return outcome


def _nginx_takes_over(recipe: Recipe, given: Given, _back: Back, runner: Runner) -> str:
    daemon = NginxDaemon(runner=runner)
    if daemon.main_pid() is None:
        return ""
    refused = daemon.verdict(runner(recipe.program, "-t", "-q"))
    if refused:
        raise HoldfastError(f"the new nginx refuses the configuration: {refused}")
    return upgrade(daemon, recipe.folder, Question(**given["question"]) if given["question"] else None)


def _keepalived_takes_over(recipe: Recipe, _given: Given, back: Back, runner: Runner) -> str:
    daemon = KeepalivedDaemon(binary=f"{recipe.folder}/sbin/keepalived", runner=runner)
    if daemon.main_pid() is None:
        return ""
    refused = daemon.verdict(check_staged(daemon.check({}), {}, name="keepalived", runner=runner).completed)
    if refused:
        raise HoldfastError(f"the new keepalived refuses the configuration: {refused}")
    done = runner("systemctl", "restart", KEEPALIVED)
    fault = f"it does not start ({done.output})" if done.rc else _unlike_its_files(daemon)
    if fault:
        back()
        runner("systemctl", "restart", KEEPALIVED)
        raise HoldfastError(f"the new keepalived was given up, because {fault}")
    return ""


def _unlike_its_files(daemon: KeepalivedDaemon) -> str:
    """Return why a keepalived that has just been started does not run what its files say; empty where it does."""
    end = time.monotonic() + SECONDS
    while daemon.main_pid() is None and time.monotonic() < end:
        time.sleep(0.05)
    return daemon.confirm(daemon.before_reload(), {}, timeout=SECONDS) or ""


TAKES_OVER: t.Mapping[str, t.Callable[[Recipe, Given, Back, Runner], str]] = {
    "nginx": _nginx_takes_over,
    "keepalived": _keepalived_takes_over,
}


def _recipe(given: Given) -> Recipe:
    return Recipe(
        given["daemon"],
        given["tarball"],
        given["checksum"],
        tuple(given["options"]),
        given["prefix"].rstrip("/"),
        given["user"],
    )


def _cached(recipe: Recipe) -> str:
    return os.path.join(CACHE, f"{recipe.daemon}-{recipe.checksum.lower()}.tar")


def _fetched(recipe: Recipe) -> str:
    """Return the path of the tarball on this host, which is fetched where it is not there."""
    path = _cached(recipe)
    if not (os.path.exists(path) and digest_of(path) == recipe.checksum.lower()):
        fetch(recipe.daemon, recipe.tarball, recipe.checksum, path)
    return path


def _bring_user(name: str, runner: Runner) -> None:
    """Make the user of nginx's workers, with a group of that name, where there is none."""
    try:
        pwd.getpwnam(name or "root")
    except KeyError:
        must("useradd", "--system", "--user-group", "--no-create-home", f"--shell={NOLOGIN}", name, runner=runner)


def _bring_main_file(user: str) -> None:
    """Write an nginx.conf that serves nothing where there is none, for the test of what comes into it."""
    daemon = NginxDaemon()
    if not os.path.lexists(daemon.main_file):
        replace_text(daemon.main_file, render(standard(daemon.root, user, "")))
