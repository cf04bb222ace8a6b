# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands once in nginx.conf: main, events, http and stream. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import suboptions
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_applications import APPLICATIONS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_http import HTTP
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_proxy import PROXY
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_server import SERVER_SETTINGS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_stream import STREAM_SETTINGS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._nginx_tls import HTTP_TLS, PROXY_TLS, TLS

__all__ = ("MAIN_FILE",)

NGINX_CONF = """\
nginx_conf:
  description:
    - Whose file nginx.conf is. Without it, the file stays as it is found.
    - With V(managed), O(main), O(events), O(http) and O(stream) are laid over the file that is there, with the defaults
      of a load balancer. All that they do not say lives on, as C(include), C(load_module), C(log_format) and whole
      blocks. The file of before is kept beside it as C(nginx.conf.distrib). Where there is dpkg, what the package has
      is diverted there, so that an upgrade asks nobody.
    - A default gives way to a file that nginx.conf includes and that says the same directive.
    - V(package) puts the file of before back.
  type: str
  choices: [managed, package]
"""

DIRECTIVES = """\
directives:
  description: Text of nginx for what no option says, a directive or block an element, with or without its semicolon.
  type: list
  elements: str
"""

MAIN = """\
env:
  description: Variables of the environment that workers keep, or get with a value, such as V(TZ) or V(MODE=test).
  type: list
  elements: str
error_log:
  description: Where errors are logged, and from which level on, such as V(/var/log/nginx/error.log warn).
  type: list
  elements: str
load_module:
  description: Modules that are loaded beside those of before, such as V(modules/ngx_http_geoip2_module.so).
  type: list
  elements: str
lock_file:
  description: File for locks, where the system has no better way.
  type: str
pcre_jit:
  description: Whether regular expressions are compiled when nginx starts.
  type: bool
pid:
  description: File with the number of the main process. The unit of systemd has to know it.
  type: str
ssl_engine:
  description: Hardware for TLS.
  type: str
ssl_object_cache_inheritable:
  description:
    - Whether certificates and keys that have not changed are taken over at a reload.
    - Needs nginx 1.27.4.
  type: bool
thread_pool:
  description: Pools of threads for O(http.aio), such as V(disk threads=16).
  type: list
  elements: str
timer_resolution:
  description: How often the time is asked of the system, such as V(100ms).
  type: str
user:
  description: User, and group where it is another, of the workers. Without it, that of the file of before.
  type: raw
worker_cpu_affinity:
  description: Which processors workers run on, such as V(auto).
  type: raw
worker_priority:
  description: Priority of the workers, from V(-20), the highest, to V(20).
  type: int
worker_processes:
  description: How many workers there are. V(auto), which is the default here, is one for each processor.
  type: str
worker_rlimit_core:
  description: The largest core file of a worker, such as V(500m).
  type: str
worker_rlimit_nofile:
  description:
    - How many files a worker may have open. The default here is two for each of O(events.worker_connections), as a
      proxied request has a connection to the client and one to the backend.
  type: int
worker_shutdown_timeout:
  description: How long a worker of before a reload may go on with its connections, such as V(1h). Without it, for ever.
  type: str
working_directory:
  description: Folder of the workers, for core files.
  type: str
"""

EVENTS = """\
accept_mutex:
  description: Whether workers take new connections in turn.
  type: bool
accept_mutex_delay:
  description: How long a worker then waits before it tries again, such as V(500ms).
  type: str
debug_connection:
  description: Addresses of clients that are logged in detail, where nginx was built for it.
  type: list
  elements: str
multi_accept:
  description: Whether a worker takes all waiting connections at once. The default here is V(true).
  type: bool
use:
  description: How nginx waits for connections, such as V(epoll). It chooses the best way by itself.
  type: str
worker_aio_requests:
  description: The most operations of O(http.aio) of a worker at a time.
  type: int
worker_connections:
  description: The most connections of a worker, those to backends too. The default here is V(8192).
  type: int
"""

HASHES = """\
map_hash_bucket_size:
  description: Size of a bucket in the hashes of maps. Without it, as large as the maps here need.
  type: int
map_hash_max_size:
  description: The most buckets of these hashes. Without it, as many as the maps here need.
  type: int
open_log_file_cache:
  description: How logs with variables in their names are kept open, such as V(max=1000 inactive=20s), or V(off).
  type: raw
variables_hash_bucket_size:
  description: Size of a bucket in the hash of variables.
  type: int
variables_hash_max_size:
  description: The most buckets of this hash.
  type: int
"""

OF_HTTP = """\
charset:
  description: Character set that answers of text are said to have, such as V(utf-8), or V(off).
  type: raw
client_body_in_file_only:
  description: Whether the body of every request goes to a file, V(on), V(clean) or V(off).
  type: raw
client_body_in_single_buffer:
  description: Whether the body of a request lies in memory in one piece.
  type: bool
keepalive_disable:
  description: Browsers whose connections are not kept, such as V(msie6), or V(none).
  type: raw
open_file_cache_errors:
  description: Whether it is remembered that a file could not be opened.
  type: bool
open_file_cache_min_uses:
  description: How often a file must be asked for to stay open.
  type: int
open_file_cache_valid:
  description: After which time an open file is looked at again, such as V(60s).
  type: str
server_names_hash_bucket_size:
  description: Size of a bucket in the hash of server names. Without it, as large as the names here need.
  type: int
server_names_hash_max_size:
  description: The most buckets of this hash. Without it, as many as the names here need.
  type: int
types_hash_bucket_size:
  description: Size of a bucket in the hash of file types.
  type: int
types_hash_max_size:
  description: The most buckets of this hash.
  type: int
"""


def _context(name: str, *sentences: str) -> str:
    return f"{name}:\n  description:\n" + "".join(f"    - {one}\n" for one in sentences) + "  type: dict\n"


IN_HTTP = (OF_HTTP, HASHES, SERVER_SETTINGS, HTTP, APPLICATIONS, PROXY, PROXY_TLS, TLS, HTTP_TLS)
ONLY_MANAGED = "Needs O(nginx_conf=managed)."
MAIN_FILE = (
    NGINX_CONF
    + _context("main", "Settings outside of all blocks of nginx.conf.", ONLY_MANAGED)
    + suboptions("main", MAIN, DIRECTIVES)
    + _context("events", "Settings of the block events.", ONLY_MANAGED)
    + suboptions("events", EVENTS, DIRECTIVES)
    + _context(
        "http",
        "Settings of the block http, which hold for every site that does not say otherwise.",
        ONLY_MANAGED,
        "The guide on nginx.conf has a table of the defaults here.",
    )
    + suboptions(
        "http", OF_HTTP, HASHES, SERVER_SETTINGS, HTTP, APPLICATIONS, PROXY, PROXY_TLS, TLS, HTTP_TLS, DIRECTIVES
    )
    + _context("stream", "Settings of the block stream, which hold for every port of it.", ONLY_MANAGED)
    + suboptions("stream", HASHES, STREAM_SETTINGS, TLS, PROXY_TLS, DIRECTIVES)
)
