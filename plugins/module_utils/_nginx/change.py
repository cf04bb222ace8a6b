# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a module to nginx's files on the host. Private to this collection."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import (
    certificates,
    diversion,
    dynamic,
    main_file,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.drain import MARK, drained, with_drained
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import (
    FOLDERS,
    beginning,
    file_name,
    files,
    site_files,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.foreign import names_in
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.idle import with_idle, workers_of
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.main_file import BEFORE
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import (
    KINDS,
    MANAGED,
    PACKAGE,
    NginxConfig,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import CachePath
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.provision import Lacking, look
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.site_files import FOLDERS_OF_SITES
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.takeover import (
    STREAM,
    as_wanted,
    foreign_tree,
    given_back,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    make_folders,
    missing_folders,
    naming_os_errors,
    read_state,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Result,
    Transaction,
    owned_files,
)

__all__ = ("apply",)

MODE = 0o640  # nginx reads it as root, and a header may hold a password
SECRET_MODE = 0o640  # its workers do, by their group
ROOT_MODE = 0o600  # they do not


def apply(
    options: t.Mapping[str, t.Any],
    *,
    owner: str,
    check_mode: bool,
    single: tuple[str, str] | None = None,
    drift: str = "overwrite",
    stage_only: bool = False,
    awaits_step: bool = False,
    folders: t.Iterable[str] = (),
    root: str = "/etc/nginx",
) -> Result:
    """Make nginx serve what these options describe; see Transaction.apply for what can go wrong.

    ``options`` are those of NginxConfig. Of the files of ``owner`` those go that no option wants any more; a list that
    is None says nothing of its files, and they stay. ``single`` is option and name of the only block that is meant;
    where the options do not hold it, it goes, and all others stay as they are. ``awaits_step``: in check mode
    its test would fail for want of an earlier step, as a kernel that lets it listen on a shared address, or a program
    that is built first. ``folders`` are those
    that an earlier step makes for it, which in check mode are there in the test alone.
    """
    need_root()
    daemon = NginxDaemon(root=root)
    conf = options.get("nginx_conf")
    there = foreign_tree(daemon, owned_files(daemon.name), must_be_read=conf == MANAGED)
    yields = names_in(there.tree, daemon.main_file)
    main = parse((read_state(daemon.main_file).content or b"").decode(errors="replace")) if there.is_known else ()
    options = {**options, "upstreams": with_idle(options.get("upstreams"), workers_of(options, main))}
    try:
        library = parse_build(daemon.build.output).library if daemon.installed() else None
        config = NginxConfig.from_options(options, version=daemon.version, folder=root, yields=yields, library=library)
    except InputError as error:
        raise InputError(_as_written(error.path, single), error.message) from None
    left_out = drained()
    texts = {
        name: with_drained(text, left_out) if left_out and "-upstream-" in name else text
        for name, text in files(config).items()
    }
    modules = _lacking(daemon, config, there.tree)
    # What an earlier step will bring first, no test can know yet.
    daemon.awaits_step = (bool(modules.absent) or awaits_step) and check_mode
    daemon.places = lambda: _places(config, texts, root, single, owned.get(daemon.main_file))
    daemon.blocks = lambda: _blocks(config, single)
    owned: dict[str, Wanted | None] = {
        os.path.join(root, name): Wanted(text.encode(), MODE) for name, text in texts.items()
    }
    owned.update(_beside(config, daemon))
    if single:
        option, name = single
        kind = next(kind for kind in KINDS if kind.option == option)
        owned.setdefault(os.path.join(root, file_name(kind, name)), None)
    spared = () if single else tuple(os.path.join(root, one) for one in _not_asked(options))
    stream = os.path.join(root, FOLDERS["stream"])
    stays = [path for path, one in owned_files(daemon.name).items() if one.owner != owner or path.startswith(spared)]
    if single:
        stays = [path for path in owned_files(daemon.name) if owned.get(path, True)]
    needed = any(path.startswith(stream + os.sep) for path in (*stays, *(path for path, one in owned.items() if one)))
    shared: dict[str, Wanted | None] = {}
    if config.main_file:
        text = main_file.text(config.main_file, there.before, root, has_streams=needed, modules=modules.here)
        owned[daemon.main_file] = Wanted(text.encode(), 0o644)
        shared.update({daemon.main_file + BEFORE: there.keep} if there.keep else {})
    else:
        given = given_back(daemon.main_file) if conf == PACKAGE else {}
        # In check mode, a host without nginx may get its main file with the package.
        must_be = needed and (daemon.installed() or not check_mode)
        shared.update({**given, **_main_file(daemon.main_file, given.get(daemon.main_file), stream, needed=must_be)})
    findings = _findings(config, single) if not daemon.installed() else []
    findings += [replace(one, where=_as_written(one.where, single)) for one in _judged(config)]
    findings += _missing_users(config, daemon, single, severity="warning" if check_mode else "error")
    request = Request(
        *(owner, owned, shared),
        prune=not single,
        spared=spared,
        drift=drift,
        findings=findings,
        adopted=(daemon.main_file,),
    )
    caches = [str(one.path) for one in config.models.get("cache_paths", ()) if isinstance(one, CachePath)]
    daemon.folders = tuple(sorted({*folders, *(os.path.dirname(path) for path in caches)}))
    divert = None
    if conf and not stage_only:
        beside = daemon.main_file + BEFORE
        divert = functools.partial(diversion.settle, daemon.main_file, beside, wanted=conf == MANAGED)
        # Where it cannot be, nothing is changed.
        divert(check=True)
    with _made(() if check_mode else daemon.folders), Transaction(daemon, check_mode=check_mode) as change:
        try:
            result = (change.stage if stage_only else change.apply)(request)
        except HoldfastError as error:
            raise HoldfastError(_explained(str(error), daemon)) from None
    if divert is not None and divert(check=check_mode):
        result.files[diversion.DATABASE] = "changed"
    result.warnings += [
        f"{address} is left out of the upstreams since {since}: bring it back with nginx_drain, or with "
        f"`ansible-playbook holdfast.nginx_ha.drain -e host=NAME -e back=true`"
        for address, since in left_out.items()
        if any(MARK in text and address in text for text in texts.values())
    ]
    return result


def _lacking(daemon: NginxDaemon, config: NginxConfig, tree: t.Sequence[Block]) -> Lacking:
    """Return the modules that this configuration needs and nginx does not load yet."""
    wanted = dynamic.needed([*config.to_blocks(), *(config.main_file.main.directives if config.main_file else ())])
    if not wanted or not daemon.installed():
        return Lacking([], [])
    return look(wanted, parse_build(daemon.build.output), tree, daemon.root)


def _explained(message: str, daemon: NginxDaemon) -> str:
    """Return nginx's words, of a directive that it does not know with the module and the package that have it."""
    if not dynamic.UNKNOWN.search(message):
        return message
    return dynamic.explained(message, dynamic.family(parse_build(daemon.build.output)))


@contextlib.contextmanager
def _made(folders: t.Sequence[str]) -> t.Iterator[None]:
    """Make these folders, and remove them again where the body fails; nginx makes what lies in them."""
    made = missing_folders(folders)
    for folder in folders:
        with naming_os_errors(folder, "nothing was changed"):
            make_folders(folder)
    try:
        yield
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise


def _not_asked(options: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield what the names of the files begin with of which the options say nothing."""
    for kind in KINDS:
        if options[kind.option] is None:
            yield beginning(kind)
            yield from (f"{folder}/" for folder in FOLDERS_OF_SITES) if kind.option == "servers" else ()


def _beside(config: NginxConfig, daemon: NginxDaemon) -> dict[str, Wanted]:
    """Return the files that sites bring along, readable for nginx's workers."""
    found = {}
    for name, file in site_files(config).items():
        text, path = file.text.encode(), os.path.join(daemon.root, name)
        found[path] = Wanted(text, SECRET_MODE, daemon.workers_group()) if file.is_secret else Wanted(text)
        if file.for_root:
            found[path] = Wanted(text, ROOT_MODE)
    return found


def _findings(config: NginxConfig, single: tuple[str, str] | None) -> list[Finding]:
    """Return what the rules say of the request alone, where no nginx is there yet that could show the whole."""
    return [replace(one, where=_as_written(one.where, single)) for one in check(config.to_blocks())]


def _judged(config: NginxConfig) -> list[Finding]:
    return certificates.judge(certificates.questions(config))


def _missing_users(
    config: NginxConfig, daemon: NginxDaemon, single: tuple[str, str] | None, *, severity: str
) -> t.Iterator[Finding]:
    """Yield who names a file of users that is not there: nginx looks for it when a client comes, and refuses them all.

    In check mode it may be that another task brings it.
    """
    for block in _blocks(config, single):
        name = block.args[0] if block.name == "auth_basic_user_file" and len(block.args) == 1 else ""
        path = os.path.join(daemon.root, name)
        if name and "$" not in name and not name.startswith(FOLDERS_OF_SITES) and not os.path.isfile(path):
            message = f"{path} is not there, so nobody could come in: bring it first, or say auth_basic_users"
            yield Finding("missing-users", severity, block.position.file, message)


def _blocks(config: NginxConfig, single: tuple[str, str] | None) -> t.Iterator[Block]:
    """Yield all that is asked for, with the user's input paths as positions."""
    for block in walk(config.to_blocks()):
        yield replace(block, position=Position(_as_written(block.position.file, single)), children=None)


def _as_written(path: str, single: tuple[str, str] | None) -> str:
    """Return an input path as the user of the module wrote it: that of a single block has no list around it."""
    return path[len(f"{single[0]}[0].") :] if single else path


def _places(
    config: NginxConfig,
    texts: t.Mapping[str, str],
    root: str,
    single: tuple[str, str] | None,
    main: Wanted | None,
) -> dict[str, dict[int, str]]:
    """Return which input each line of the owned files comes from."""
    placed = {context: iter(blocks) for context, blocks in config.placed().items()}
    found = {}
    if main and config.main_file:
        of_main = main_file.places(config.main_file, parse(main.content.decode()))
        found[os.path.join(root, "nginx.conf")] = of_main
    for kind, _path, model in config.elements():
        name = file_name(kind, model.name)
        [written] = [block for block in parse(texts[name]) if not block.is_comment]
        pair = (
            [block for block in walk([top]) if not block.is_comment] for top in (written, next(placed[kind.context]))
        )
        lines = zip(*pair)
        found[os.path.join(root, name)] = {
            block.position.line: _as_written(origin.position.file, single) for block, origin in lines
        }
    return found


def _main_file(path: str, wanted: Wanted | None, folder: str, *, needed: bool) -> dict[str, Wanted]:
    """Return the main file where it has to change: with the block that includes our layer 4, or without it.

    ``wanted`` is what it shall be besides, None for as it is. No distribution's main file has such a block, and one of
    ours that this task says nothing of may have more in it. It goes with the last of what lies in the folder.
    """
    main = wanted or as_wanted(read_state(path))
    block = (STREAM % folder).encode()
    if main is None:
        if needed:
            raise HoldfastError(f"{path} is not there: install nginx first")
        return {}
    if needed == (os.fsencode(folder) in main.content):
        return {}
    if main_file.is_ours(main.content):
        text = main_file.with_streams(os.fsdecode(main.content), os.path.dirname(folder), has_streams=needed)
        return {path: Wanted(os.fsencode(text), main.mode)}
    if needed:
        return {path: Wanted(main.content.rstrip(b"\n") + b"\n" + block, main.mode)}
    return {path: Wanted(main.content.replace(block, b""), main.mode)} if block in main.content else {}
