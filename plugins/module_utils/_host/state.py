# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a role wants of a host, in one go and in one order. Private to this collection.

A section is a part of that, as the files, nginx or the services. One that is not given is not looked at. What a section
needs is imported with it, so that a host compiles nothing that it does not use.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome

__all__ = ("SECTIONS", "HostState", "checked", "section_options")

Options = t.Dict[str, t.Dict[str, t.Any]]
Given = t.Mapping[str, t.Any]
HIDDEN = "(not shown: it may hold secrets)\n"
WATCHER = "/etc/holdfast/watcher.json"


class HostState:
    """What the sections have done so far, which the later ones build on.

    ``done`` are the outcomes with the names of their sections, of several roles one after the other. After an error
    those are there that were done before, and ``role`` is the one that it came from.
    """

    def __init__(self, *, check: bool) -> None:
        self.check = check
        self.role = ""
        self.done: list[tuple[str, Outcome]] = []
        self.programs: t.Mapping[str, t.Sequence[str]] = {}
        self.homes: t.Sequence[t.Mapping[str, str]] = ()
        self.written: set[str] = set()
        self.folders: t.Sequence[str] = ()
        self.given: t.Mapping[str, Given] = {}
        self.freed: t.Container[str] = ()
        self.replaced: t.Sequence[t.Any] = ()

    @property
    def changes(self) -> list[str]:
        """What was done, or would be, each with the name of its section."""
        return [f"{name}: {change}" for name, outcome in self.done for change in outcome.changes]

    @property
    def warnings(self) -> list[str]:
        return [warning for _name, outcome in self.done for warning in outcome.warnings]

    @property
    def diff(self) -> list[t.Mapping[str, t.Any]]:
        return [difference for _name, outcome in self.done for difference in outcome.diff]

    @property
    def returned(self) -> dict[str, t.Any]:
        """What sections have to say beside their changes, by their names."""
        return {name: outcome.returned for name, outcome in self.done if outcome.returned}

    def bring(self, given: t.Mapping[str, Given], role: str = "") -> None:
        """Bring about what each section says; HoldfastError, with the name of the section, where one cannot be."""
        self.given, self.role, self.folders = given, role, ()
        for name, section in SECTIONS.items():
            if given.get(name) is not None:
                options = checked(name, section.options(), given[name])
                try:
                    self.done.append((name, section.bring(self, options)))
                except InputError as error:
                    self._put_back()
                    raise InputError(f"{name}.{error.path}", error.message) from None
                except HoldfastError:
                    self._put_back()
                    raise

    def _put_back(self) -> None:
        """Let the web servers serve again that had to make room for one that does not."""
        for one in () if self.check else self.replaced:
            one.put_back()

    def _changes_of(self, section: str) -> list[str]:
        return [change for name, outcome in self.done if name == section for change in outcome.changes]

    # In the order in which they happen.

    def package_sources(self, given: Given) -> Outcome:
        """Write what the package manager reads, and let it read a repository of nginx that is new."""
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.nginx_org import source
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packages import package_manager
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.pin import Pin

        manager = package_manager()
        repository = source(given["nginx_source"]) if given["nginx_source"] else None
        pin = Pin(**given["pin"]) if given["pin"] else None
        texts = manager.files(given["daemon"], pin, repository)
        files = [
            {"path": path, "content": text, "mode": "0644", "shown": True, **_PLAIN} for path, text in texts.items()
        ]
        outcome = self.files({"folders": [], "files": files})
        if repository and not self.check and set(repository.files()).intersection(outcome.changes):
            manager.read_source(repository)
        return outcome

    def build(self, given: Given) -> Outcome:
        """Build a daemon, and let the new program take over from the one that runs."""
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.built import bring

        return bring(given, check=self.check)

    def agent(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.delivery import deliver
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.tree import summary
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference

        done = deliver(given["folder"], check=self.check)
        self.programs = done.paths
        if not done.changed:
            return Outcome()
        self.written.update(path for part in done.parts for path in done.paths[part])
        return Outcome(
            [done.path],
            [difference(done.path, summary(done.before), summary(done.after))],
            returned={"parts": done.parts},
        )

    def files(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import filled
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.owned import File, Folder, bring
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference

        folders = [
            Folder(one["path"], _bits(one["mode"], f"folders[{index}].mode"), one["group"], one["owner"], one["kept"])
            for index, one in enumerate(given["folders"])
        ]
        files = [
            File(
                one["path"],
                one["content"] and filled(one["content"]),
                _bits(one["mode"], f"files[{index}].mode"),
                one["unit"],
                owner=one["owner"],
                group=one["group"],
                tests=one["tests"],
                conffile_of=one["conffile_of"],
            )
            for index, one in enumerate(given["files"])
        ]
        self.folders = [folder.path for folder in folders]
        secret = {one["path"] for one in given["files"] if not one["shown"]}
        changes = bring(folders, files, check=self.check)
        self.written.update(change.path for change in changes)
        return Outcome(
            [change.path for change in changes],
            [
                difference(change.path, "", HIDDEN)
                if change.path in secret
                else difference(change.path, change.before, change.after)
                for change in changes
            ],
        )

    def content(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.content import serve

        return serve(given, check=self.check)

    def kernel(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.kernel import set_kernel
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.kernel import Setting

        settings = [
            Setting(one["name"], one["value"], one["reason"], is_needed=one["needed"]) for one in given["settings"]
        ]
        return set_kernel(given["path"], settings, check=self.check)

    def loopback(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.loopback import share

        return share(given["addresses"], check=self.check)

    def firewall(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.firewall import open_firewall

        return open_firewall(given, check=self.check)

    def selinux_ports(self, given: Given) -> Outcome:
        """Let the web server listen where it is about to, where SELinux is on."""
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import (
            Ports,
            is_enabled,
            labelled_ports,
        )

        if not is_enabled():
            return Outcome()
        changes = labelled_ports([Ports(**one) for one in given["ports"]], check=self.check)
        return Outcome(changes, [_listed("SELinux", changes)] if changes else [])

    def web_server(self, given: Given) -> Outcome:
        """Free the ports of the web servers that the host served with before, once the new one is seen to be right."""
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.web_server import Replaced, note

        note(given["brought"], check=self.check)
        replaced = [Replaced(name) for name in given["replaces"]]
        self.freed = {one.program for one in replaced if one.is_ours}
        if not any(one.differs for one in replaced):
            return Outcome()
        if not self.check:
            after = {name: self.given[name] for name in ("nginx", "httpd") if self.given.get(name) is not None}
            trial = HostState(check=True)
            trial.freed = self.freed
            trial.bring(after)
        self.replaced = replaced
        return Outcome.of_all(one.free(check=self.check) for one in replaced)

    def nginx(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.service_ports import (
            PORTS_FILE,
            service_ports,
        )
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.change import apply
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS

        # What a role leaves out is not there: its document is complete.
        options = {name: given[name] or [] for name in NGINX_OPTIONS}
        ports = given["service_ports"]
        with contextlib.nullcontext(False) if ports is None else service_ports(ports, check=self.check) as anew:
            result = apply(
                options,
                owner="nginx_config",
                check_mode=self.check,
                drift=given["drift"],
                stage_only=given["stage_only"],
                awaits_step=bool(self._changes_of("build"))
                or any(change.endswith(".ip_nonlocal_bind = 1") for change in self._changes_of("kernel")),
                folders=self.folders,
            )
        found = _changed(result)
        return Outcome([*found.changes, PORTS_FILE], found.diff, found.warnings, found.returned) if anew else found

    def httpd(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.change import apply

        options = {"servers": given["servers"]}
        return _changed(
            apply(options, check_mode=self.check, drift=given["drift"], freed=self.freed, folders=self.folders)
        )

    def keepalived(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.moved import remembered
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import apply, homes
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import CONFIG_OPTIONS
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.move import marked

        options = {name: given[name] for name in CONFIG_OPTIONS}
        marks = remembered() if given["moved"] is None else given["moved"]
        if marks:
            options["instances"] = marked(options["instances"] or (), marks)
        result, config = apply(
            options,
            owner="keepalived_config",
            check_mode=self.check,
            drift=given["drift"],
            stage_only=given["stage_only"],
            adopt=given["adopt"],
        )
        found = homes(config.instances or ())
        self.homes = [{"address": address, "interface": interface} for address, interface in found.items()]
        return _changed(result, addresses=self.homes, moved=marks)

    def watcher(self, given: Given) -> Outcome:
        """Write what the watcher watches, with the addresses of the keepalived section and their interfaces."""
        document = {**given["document"], "addresses": self.homes}
        text = json.dumps(document, indent=4) + "\n"
        return self.files(
            {
                "folders": [],
                "files": [{"path": WATCHER, "content": text, "mode": "0600", "shown": False, **_PLAIN}],
            }
        )

    def networkd(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.networkd import keep_addresses

        homes = {one["interface"] for one in self.homes} - {""}
        return keep_addresses(sorted({*given["interfaces"], *homes}), check=self.check)

    def selinux(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import (
            is_enabled,
            labelled,
            switched_on,
        )

        if not is_enabled():
            return Outcome()
        labels = labelled(given["paths"], check=self.check)
        booleans = switched_on(given["booleans"], check=self.check)
        changes = [*labels, *(f"{name}=on" for name in booleans)]
        return Outcome(changes, [_listed("SELinux", changes)] if changes else [])

    def services(self, given: Given) -> Outcome:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import filled
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.services import Service, settle

        services = []
        for one in given["services"]:
            part = one.pop("part")
            one["name"] = filled(one["name"])
            services.append(Service(**{**one, "programs": [*one["programs"], *self.programs.get(part, ())]}))
        done = settle(services, written=self.written, check=self.check)
        actions = [f"{verb} {name}".strip() for name, verb in done]
        return Outcome(actions, [_listed("services", [f"systemctl {one}" for one in actions])] if actions else [])


class Section(t.NamedTuple):
    """A part of a host's state: what it is told, as an argument spec, and what brings it about."""

    options: t.Callable[[], Options]
    bring: t.Callable[[HostState, Given], Outcome]


def _firewall_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.firewall import FIREWALL_OPTIONS

    return FIREWALL_OPTIONS


def _build_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.built import BUILD_OPTIONS

    return BUILD_OPTIONS


def _content_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.content import CONTENT_OPTIONS

    return CONTENT_OPTIONS


def _nginx_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS

    ports = {
        "address": {"type": "str", "default": ""},
        "first": {"type": "int", "required": True},
        "last": {"type": "int", "required": True},
        "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    }
    return {
        **NGINX_OPTIONS,
        **CHANGE_OPTIONS,
        "service_ports": {"type": "list", "elements": "dict", "options": ports},
    }


def _httpd_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.config import HTTPD_OPTIONS
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS

    return {**HTTPD_OPTIONS, "drift": CHANGE_OPTIONS["drift"]}


def _keepalived_options() -> Options:
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import CONFIG_OPTIONS
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS

    return {**CONFIG_OPTIONS, **CHANGE_OPTIONS, "adopt": {"type": "bool", "default": False}, "moved": {"type": "dict"}}


def _lists(**options: Options) -> Options:
    return {
        name: {"type": "list", "elements": "dict", "default": [], "options": fields} for name, fields in options.items()
    }


_PATH = {"type": "path", "required": True}
_PATHS = {"type": "list", "elements": "path", "default": []}
_PLAIN = {"unit": "", "owner": "", "group": "", "tests": [], "conffile_of": ""}
_YES = {"type": "bool", "default": True}
FILES = _lists(
    folders={
        "path": _PATH,
        "mode": {"type": "str", "default": "0755"},
        "group": {"type": "str", "default": "root"},
        "owner": {"type": "str", "default": ""},
        "kept": {"type": "bool", "default": False},
    },
    files={
        "path": _PATH,
        "content": {"type": "str"},
        "mode": {"type": "str", "default": "0644"},
        "unit": {"type": "str", "default": ""},
        "owner": {"type": "str", "default": ""},
        "group": {"type": "str", "default": ""},
        "shown": _YES,
        "tests": {"type": "list", "elements": "list", "default": []},
        "conffile_of": {"type": "str", "default": ""},
    },
)
NGINX_SOURCE: Options = {
    "url": {"type": "str", "required": True},
    "package": {"type": "str", "default": "nginx"},
    "key": {"type": "str", "default": "", "no_log": False},
    "fingerprints": {"type": "list", "elements": "str", "default": []},
}
PACKAGE_SOURCES: Options = {
    "daemon": {"type": "str", "choices": ["nginx", "keepalived"], "required": True},
    "pin": {
        "type": "dict",
        "options": {name: {"type": "str", "required": True} for name in ("package", "version", "path")},
    },
    "nginx_source": {"type": "dict", "options": NGINX_SOURCE},
}
KERNEL: Options = {
    "path": {"type": "path", "default": "/etc/sysctl.d/90-holdfast.conf"},
    **_lists(
        settings={
            "name": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
            "reason": {"type": "str", "required": True},
            "needed": {"type": "bool", "default": False},
        }
    ),
}
SELINUX_PORTS = _lists(
    ports={
        "first": {"type": "int", "required": True},
        "last": {"type": "int", "required": True},
        "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    }
)
_SERVERS = {"type": "list", "elements": "str", "choices": ["nginx", "httpd"], "default": []}
WEB_SERVER: Options = {"replaces": _SERVERS, "brought": _SERVERS}
SERVICES = _lists(
    services={
        "name": {"type": "str", "required": True},
        "part": {"type": "str", "default": ""},
        "programs": _PATHS,
        "settings": _PATHS,
        "runs": _YES,
        "enabled": {"type": "bool"},
        "restarts": _YES,
        "removed": _PATHS,
    }
)
SECTIONS: dict[str, Section] = {
    # What the package manager reads comes before the packages that a play installs.
    "package_sources": Section(lambda: PACKAGE_SOURCES, HostState.package_sources),
    "build": Section(_build_options, HostState.build),
    "agent": Section(lambda: {"folder": {"type": "path", "default": "/usr/local/lib/holdfast"}}, HostState.agent),
    "files": Section(lambda: FILES, HostState.files),
    "content": Section(_content_options, HostState.content),
    "kernel": Section(lambda: KERNEL, HostState.kernel),
    "loopback": Section(lambda: {"addresses": {"type": "list", "elements": "str", "default": []}}, HostState.loopback),
    "firewall": Section(_firewall_options, HostState.firewall),
    # A port has its type before the web server listens on it.
    "selinux_ports": Section(lambda: SELINUX_PORTS, HostState.selinux_ports),
    "web_server": Section(lambda: WEB_SERVER, HostState.web_server),
    "nginx": Section(_nginx_options, HostState.nginx),
    "httpd": Section(_httpd_options, HostState.httpd),
    "keepalived": Section(_keepalived_options, HostState.keepalived),
    "watcher": Section(lambda: {"document": {"type": "dict", "required": True}}, HostState.watcher),
    "networkd": Section(lambda: {"interfaces": {"type": "list", "elements": "str", "default": []}}, HostState.networkd),
    "selinux": Section(
        lambda: {"paths": _PATHS, "booleans": {"type": "list", "elements": "str", "default": []}}, HostState.selinux
    ),
    "services": Section(lambda: SERVICES, HostState.services),
}


def section_options() -> Options:
    """Return the spec of all sections, which are free dicts to Ansible: it says where their secrets are."""
    return {name: {"options": section.options()} for name, section in SECTIONS.items()}


def checked(name: str, options: Options, given: Given) -> dict[str, t.Any]:
    """Return what was given to a section, of the types of its options; HoldfastError in Ansible's words for others."""
    result = ArgumentSpecValidator(options).validate(given)
    if result.error_messages:
        raise HoldfastError(f"{name}: {'; '.join(result.error_messages)}")
    return dict(result.validated_parameters)


def _bits(mode: str, path: str) -> int:
    try:
        return int(mode, 8)
    except ValueError:
        raise InputError(path, f"{mode} is no permission in octal: write it as 0644") from None


def _changed(result: t.Any, **returned: t.Any) -> Outcome:
    """Return what a transaction did. Addresses that were put back are a change without a file."""
    changes = [f"{path} {action}" for path, action in sorted(result.files.items())]
    if result.repaired:
        changes.append("addresses, routes and rules that the kernel had lost")
    return Outcome(changes, result.diff, result.warnings, {**result.to_dict(), **returned})


def _listed(header: str, lines: t.Iterable[str]) -> dict[str, str]:
    return {
        "before_header": header,
        "after_header": header,
        "before": "",
        "after": "".join(f"{line}\n" for line in lines),
    }
