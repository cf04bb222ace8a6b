# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a site, as nginx's model has it, to a virtual host of Apache httpd. Private to this collection.

A site has one model for both servers: its block for nginx is translated, directive by directive. What has no equal in
httpd is refused with its path, and nothing is left out in silence."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.listen import Listener
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.text import Section, line, word
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.pages import PAGES_PATH

__all__ = ("VirtualHost", "virtual_host")

QUIET = "holdfast_quiet"

_ADDRESS = re.compile(r"(?:(?P<host>\[[^]]*\]|[^:]*):)?(?P<port>\d+)")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# Directives that say what httpd does by itself.
_NEEDLESS = ("real_ip_recursive",)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class VirtualHost:
    """A virtual host: its text, where it listens, and the modules that it needs, by the names of their files."""

    text: str
    listeners: tuple[Listener, ...]
    modules: tuple[str, ...]
    is_default: bool


@dataclass
class _Guard:
    """Who gets in: the rules of access in their order, the realm and the file of users."""

    access: tuple[Block, ...] = ()
    realm: str = ""
    users: str = ""
    path: str = ""

    @classmethod
    def of(cls, block: Block, outer: _Guard | None = None) -> _Guard | None:
        """Return what a block says, with what it leaves to the outer one; None where it says nothing of it."""
        rules = block.find("allow", "deny")
        auth = {child.name: child for child in block.find("auth_basic", "auth_basic_user_file")}
        if not rules and not auth:
            return None
        outer = outer or cls()
        realm = " ".join(auth["auth_basic"].args) if "auth_basic" in auth else outer.realm
        users = auth["auth_basic_user_file"].args[0] if "auth_basic_user_file" in auth else outer.users
        where = (rules or tuple(auth.values()))[0].position.file
        return cls(rules or outer.access, "" if realm == "off" else realm, users, where)


@dataclass
class _Host:
    """A virtual host in the making; ``access_log`` is where it writes when nobody says it."""

    access_log: str
    host: Section = field(default_factory=lambda: Section("VirtualHost"))
    modules: dict[str, None] = field(default_factory=lambda: dict.fromkeys(("authz_core", "dir", "alias")))
    quiet: list[str] = field(default_factory=list)

    def need(self, *modules: str) -> None:
        self.modules.update(dict.fromkeys(modules))


def virtual_host(site: Block, access_log: str, lines: t.Sequence[str] = ()) -> VirtualHost:
    """Return the virtual host of a server block whose positions are the paths of its input.

    It writes its accesses to ``access_log`` unless it says otherwise. ``lines`` are httpd's own and stand
    last, as they are. InputError for the first directive that has no equal.
    """
    made = _Host(access_log)
    listeners, secure, default = _listeners(site)
    made.host.argument = " ".join(f"{one.host or '*'}:{one.port}" for one in listeners)
    _names(made, site)
    _logs(made, site)
    if secure:
        made.need("ssl", "socache_shmcb")
        made.host.add("SSLEngine", "on")
    locations = site.find("location")
    for child in site.children or ():
        if child.name not in ("location", "return", *_TAKEN):
            _translate(made, made.host, child, _SERVER)
    _root(made, site)
    guard = _Guard.of(site)
    if guard:
        made.host.sections.append(_guarded(made, Section("Location", word("/")), guard))
    for child in site.find("return"):
        made.host.lines.append(_redirect(child, "^"))
    _locations(made, locations, guard)
    _pass_on(made, locations)
    made.host.lines += lines
    text = "\n".join(made.host.text()) + "\n"
    return VirtualHost(text, listeners, tuple(made.modules), default)


def _refuse(child: Block, why: str = "") -> InputError:
    reason = why or f"{child.name} has no equal in Apache httpd"
    advice = "leave it out, say it in httpd_directives, or let nginx serve (backend_server: nginx)"
    return InputError(child.position.file, f"{reason}: {advice}")


def _listeners(site: Block) -> tuple[tuple[Listener, ...], bool, bool]:
    """Return where a site listens, whether by TLS, and whether it is the default there."""
    found: dict[Listener, None] = {}
    tls: set[bool] = set()
    default = False
    for child in site.find("listen"):
        match = _ADDRESS.fullmatch(child.args[0])
        unknown = set(child.args[1:]) - {"ssl", "default_server"}
        if match is None or unknown:
            raise _refuse(child, f"{shown(' '.join(child.args))} is nothing that Apache httpd can listen to")
        found[Listener.of(match["host"] or "", int(match["port"]))] = None
        tls.add("ssl" in child.args)
        default = default or "default_server" in child.args
    if len(tls) > 1:
        raise _refuse(
            site.find("listen")[0], "a virtual host of Apache httpd speaks TLS on all of its ports or on none"
        )
    return tuple(found), tls == {True}, default


def _names(made: _Host, site: Block) -> None:
    """httpd.apache.org/docs/2.4/mod/core.html#servername; a pattern can only be an alias."""
    names = [(name, child) for child in site.find("server_name") for name in child.args if name not in ("_", "")]
    for name, child in names:
        if name.startswith("~"):
            raise _refuse(child, f"{shown(name)} is an expression, and Apache httpd knows names and patterns")
    plain = [name for name, _child in names if not re.search(r"^\.|\*", name)]
    others = [name for name, _child in names if name not in plain[:1]]
    if plain:
        made.host.add("ServerName", plain[0])
    for name in others:
        for alias in (name[1:], f"*{name}") if name.startswith(".") else (name,):
            made.host.add("ServerAlias", alias)


def _logs(made: _Host, site: Block) -> None:
    logs = site.find("access_log")
    path = logs[-1].args[0] if logs else made.access_log
    for child in logs:
        if len(child.args) > 1 or child.args[0].startswith("syslog:"):
            raise _refuse(child, "Apache httpd writes an access log to one file, in its format combined")
    for location in site.find("location"):
        for child in location.find("access_log"):
            if child.args != ("off",):
                raise _refuse(child, "Apache httpd has one access log for a site; here it can only be off")
            made.need("setenvif")
            made.quiet.append(line("SetEnvIf", "Request_URI", _pattern(location), QUIET))
    made.host.lines += made.quiet
    if path == "off":
        # Without a log of its own, a virtual host would write into that of all others.
        made.host.add("CustomLog", "/dev/null", "combined")
    else:
        made.host.add("CustomLog", path, "combined", *([f"env=!{QUIET}"] if made.quiet else []))


def _root(made: _Host, site: Block) -> None:
    for child in site.find("root"):
        made.host.add("DocumentRoot", child.args[0], path=child.position.file)
        made.host.sections.append(_granted(child.args[0], child.position.file))


def _granted(folder: str, path: str) -> Section:
    """Return the section that lets clients read a folder, which Debian forbids for all but /var/www and /usr/share."""
    section = Section("Directory", word(folder.rstrip("/") or "/", path))
    section.add("AllowOverride", "None")
    section.add("Require", "all", "granted")
    return section


def _guarded(made: _Host, section: Section, guard: _Guard) -> Section:
    """Say in a section who gets in: httpd.apache.org/docs/2.4/mod/mod_authz_core.html#requiredirectives."""
    who = Section("RequireAll")
    verbs = [rule.name for rule in guard.access]
    everybody = [rule for rule in guard.access if rule.args == ("all",)]
    addresses = [rule.args[0] for rule in guard.access if rule.args != ("all",)]
    made.need("authz_host")
    if guard.access and everybody in ([], [guard.access[-1]]):
        listed = set(verbs[: len(addresses)])
        closed = bool(everybody) and everybody[-1].name == "deny"
        if listed <= {"allow"} and closed:
            who.add("Require", *(["ip", *addresses] if addresses else ["all", "denied"]))
        elif listed <= {"deny"} and not closed:
            who.add("Require", "all", "granted")
            for address in addresses:
                who.add("Require", "not", "ip", address)
        elif listed <= {"allow"}:
            who.add("Require", "all", "granted")
        else:
            raise _refuse(
                guard.access[0], "Apache httpd asks no rules in their order: allow some and deny all, or deny"
            )
    elif guard.access:
        raise _refuse(guard.access[0], "all can only come last for Apache httpd")
    if guard.realm:
        made.need("auth_basic", "authn_core", "authn_file", "authz_user")
        section.add("AuthType", "Basic")
        section.add("AuthName", guard.realm, path=guard.path)
        section.add("AuthUserFile", guard.users, path=guard.path)
        who.add("Require", "valid-user")
    if not who.lines:
        who.add("Require", "all", "granted")
    section.sections.append(who)
    return section


def _pattern(location: Block, others: t.Iterable[Block] = ()) -> str:
    """Return the expression for the paths of a location, without those of longer ones inside it."""
    *modifier, path = location.args
    if modifier in ([], ["^~"]):
        inside = {
            other.args[-1][len(path) :]
            for other in others
            if len(other.args) < 3
            and other.args[0] not in ("~", "~*")
            and other.args[-1].startswith(path)
            and (other.args[-1] != path or other.args[0] == "=")
            and other is not location
        }
        apart = "".join(f"(?!{re.escape(rest)}{'' if rest else '$'})" for rest in sorted(inside))
        return f"^{re.escape(path)}{apart}"
    if modifier == ["="]:
        return f"^{re.escape(path)}$"
    if modifier in (["~"], ["~*"]):
        return path if modifier == ["~"] else f"(?i){path}"
    raise _refuse(location, f"{shown(' '.join(location.args))} is no location that Apache httpd knows")


def _locations(made: _Host, locations: t.Sequence[Block], outer: _Guard | None) -> None:
    """Add the locations; the last section that fits wins in httpd, so what nginx prefers comes last."""
    ranks = {"=": 2, "~": 1, "~*": 1}
    redirects: list[str] = []
    ordered = sorted(locations, key=lambda one: (ranks.get(one.args[0], 0), len(one.args[-1])))
    for location in ordered:
        modifier, path = location.args[:-1], location.args[-1]
        if path.startswith("@"):
            raise _refuse(location, "a named location has no equal in Apache httpd")
        if modifier in ((), ("^~",)):
            # httpd takes /docs for /docs and /docs/x, and not for /docsx as nginx does.
            section = Section("LocationMatch", word(_pattern(location))) if path != "/" else Section("Location", "/")
        else:
            section = Section("LocationMatch", word(_pattern(location), location.position.file))
        for child in location.children or ():
            if child.name == "return":
                redirects.insert(0, _redirect(child, _pattern(location, locations)))
            elif child.name == "internal" and path == PAGES_PATH:
                pass  # whoever asks for a page of errors by its name may have it
            elif child.name == "alias":
                _alias(made, location, child)
            elif child.name not in _TAKEN or child.name == "root":
                _translate(made, section, child, _LOCATION)
        guard = _Guard.of(location, outer)
        if guard:
            _guarded(made, section, guard)
        if section.lines or section.sections:
            made.host.sections.append(section)
    # Of these, the first that fits counts.
    made.host.lines += redirects


def _alias(made: _Host, location: Block, child: Block) -> None:
    if len(location.args) > 1 and location.args[0] != "^~":
        raise _refuse(child, "Apache httpd takes an alias for a plain path only")
    made.host.add("Alias", location.args[-1], child.args[0], path=child.position.file)
    made.host.sections.append(_granted(child.args[0], child.position.file))


def _redirect(child: Block, pattern: str) -> str:
    """httpd.apache.org/docs/2.4/mod/mod_alias.html#redirectmatch: a status that is no redirect has no target."""
    args = child.args if child.args[0].isdigit() else ("302", *child.args)
    code, target = args[0], args[1] if len(args) > 1 else ""
    number = int(code)
    if number in _REDIRECTS and target:
        if "$" in target:
            raise _refuse(child, f"{shown(target)} has variables of nginx")
        return line("RedirectMatch", code, pattern, target, path=child.position.file)
    if target or not (number == 204 or 400 <= number <= 599) or number == 444:
        raise _refuse(child, f"{shown(' '.join(child.args))} is no answer that Apache httpd can give")
    return line("RedirectMatch", code, pattern)


Translation = t.Callable[[_Host, Section, Block], None]


def _plainly(name: str, *modules: str) -> Translation:
    """Return a translation that keeps the words."""

    def translate(made: _Host, section: Section, child: Block) -> None:
        made.need(*modules)
        section.add(name, *child.args, path=child.position.file)

    return translate


def _nothing(_made: _Host, _section: Section, _child: Block) -> None:
    """Write nothing here: httpd does it by itself, or it is said elsewhere."""


def _autoindex(made: _Host, section: Section, child: Block) -> None:
    made.need("autoindex")
    section.add("Options", "+Indexes" if child.args == ("on",) else "-Indexes")


def _error_page(_made: _Host, section: Section, child: Block) -> None:
    *codes, target = child.args
    if not codes or not all(code.isdigit() for code in codes) or not target.startswith("/"):
        raise _refuse(
            child, f"{shown(' '.join(child.args))} is no page of errors for Apache httpd, as in 404 /404.html"
        )
    for code in codes:
        section.add("ErrorDocument", code, target, path=child.position.file)


def _error_log(_made: _Host, section: Section, child: Block) -> None:
    path, *level = child.args
    if path in ("stderr", "off") or path.startswith(("syslog:", "memory:")):
        raise _refuse(child, f"{shown(path)} is no log of Apache httpd: name a file")
    section.add("ErrorLog", path, path=child.position.file)
    if level:
        section.add("LogLevel", level[0], path=child.position.file)


def _header(made: _Host, section: Section, child: Block) -> None:
    if "$" in child.args[1]:
        raise _refuse(child, f"{shown(child.args[1])} has variables of nginx")
    made.need("headers")
    # A sign of percent begins a word of httpd's own.
    section.add("Header", "always", "set", child.args[0], child.args[1].replace("%", "%%"), path=child.position.file)


def _body(_made: _Host, section: Section, child: Block) -> None:
    found = _SIZE.fullmatch(child.args[0])
    if found is None:
        raise _refuse(child)
    section.add("LimitRequestBody", str(int(found[1]) * _UNITS[found[2].lower()]))


def _pass_on(made: _Host, locations: t.Sequence[Block]) -> None:
    """httpd.apache.org/docs/2.4/mod/mod_proxy.html#proxypass: the first that fits counts, before every other module."""
    passed = [one for one in locations if one.find("proxy_pass")]
    if not passed:
        return
    made.need("proxy", "proxy_http")
    for location in sorted(locations, key=lambda one: len(one.args[-1]), reverse=True):
        if location not in passed:
            made.host.add("ProxyPassMatch", _pattern(location), "!", path=location.position.file)
            continue
        [*modifier, path], [child] = location.args, location.find("proxy_pass")
        parts = urlsplit(child.args[0])
        if "$" in child.args[0] or parts.scheme not in ("http", "https") or modifier not in ([], ["^~"]):
            raise _refuse(child, "Apache httpd passes requests for a plain path on to one URL, and to no other")
        if parts.scheme == "https":
            made.need("ssl", "socache_shmcb")
            made.host.add("SSLProxyEngine", "on")
        target = child.args[0] if parts.path else child.args[0] + path
        made.host.add("ProxyPass", path, target, path=child.position.file)
        made.host.add("ProxyPassReverse", path, target, path=child.position.file)


def _status(made: _Host, section: Section, _child: Block) -> None:
    made.need("status")
    section.add("SetHandler", "server-status")


def _type(_made: _Host, section: Section, child: Block) -> None:
    section.add("ForceType", child.args[0], path=child.position.file)


def _protocols(_made: _Host, section: Section, child: Block) -> None:
    section.add("SSLProtocol", "-all", *(f"+{name}" for name in child.args))


_COMMON: dict[str, Translation] = {
    **dict.fromkeys(_NEEDLESS, _nothing),
    "add_header": _header,
    "autoindex": _autoindex,
    "client_max_body_size": _body,
    "error_page": _error_page,
    "index": _plainly("DirectoryIndex", "dir"),
}
_SERVER: dict[str, Translation] = {
    **_COMMON,
    "error_log": _error_log,
    # httpd.apache.org/docs/2.4/mod/mod_remoteip.html
    "real_ip_header": _plainly("RemoteIPHeader", "remoteip"),
    "set_real_ip_from": _plainly("RemoteIPInternalProxy", "remoteip"),
    # httpd.apache.org/docs/2.4/mod/mod_ssl.html
    "ssl_certificate": _plainly("SSLCertificateFile"),
    "ssl_certificate_key": _plainly("SSLCertificateKeyFile"),
    "ssl_ciphers": _plainly("SSLCipherSuite"),
    "ssl_protocols": _protocols,
}
_LOCATION: dict[str, Translation] = {**_COMMON, "proxy_pass": _nothing, "stub_status": _status, "default_type": _type}

_TAKEN = (*("listen", "server_name", "access_log", "root", "allow", "deny", "auth_basic", "auth_basic_user_file"),)
"""Directives that are looked at together with others."""


def _translate(made: _Host, section: Section, child: Block, table: t.Mapping[str, Translation]) -> None:
    translation = table.get(child.name) if child.children is None else None
    if translation is None:
        raise _refuse(child)
    translation(made, section, child)
