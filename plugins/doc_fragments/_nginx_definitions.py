# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers of nginx refer to by name: log formats, maps, shares, limits, caches. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import suboptions

__all__ = ("CACHE_PATH", "GEO", "LIMIT_CONN_ZONE", "LIMIT_REQ_ZONE", "LOG_FORMAT", "MAP", "SPLIT_CLIENTS")

LOG_FORMAT = """\
name:
  description: Name of the format.
  type: str
  required: true
format:
  description: The line for each request or connection, text and variables.
  type: str
  required: true
escape:
  description:
    - How signs in variables are escaped.
    - Needs nginx 1.11.8.
  type: str
  choices: [default, json, none]
"""

MAP_ENTRY = """\
match:
  description: Value of the source, or a regular expression behind V(~) or, without regard to capitals, V(~*).
  type: str
  required: true
value:
  description: What the variable then is, text and variables.
  type: str
  required: true
"""

MAP = """\
variable:
  description: The variable that is made, such as V($pool).
  type: str
  required: true
source:
  description: What it depends on, text and variables, such as V($http_host).
  type: str
  required: true
default:
  description: What the variable is where nothing matches. Without it, it is empty. It or an entry must be there.
  type: str
hostnames:
  description: Whether matches are host names, which may have V(*) as their first or last part.
  type: bool
volatile:
  description:
    - Whether the variable is found anew each time it is used.
    - Needs nginx 1.11.7.
  type: bool
entries:
  description: What matches and what results, in this order.
  type: list
  elements: dict
""" + suboptions("entries[]", MAP_ENTRY)

GEO_ENTRY = """\
match:
  description: A network, such as V(10.0.0.0/8) or V(2001:db8::/32), or with O(.ranges) two addresses and a dash.
  type: str
  required: true
value:
  description: What the variable is for addresses in it.
  type: str
  required: true
"""

GEO = """\
variable:
  description: The variable that is made, such as V($inside).
  type: str
  required: true
source:
  description: Variable with the address that it depends on. Without it, the client's.
  type: str
default:
  description: What the variable is for all other addresses. Without it, it is empty. It or an entry must be there.
  type: str
ranges:
  description: Whether entries are ranges of IPv4 instead of networks, which is quicker for very many.
  type: bool
proxies:
  description: Networks of proxies, whose C(X-Forwarded-For) tells the address.
  type: list
  elements: str
proxy_recursive:
  description: Whether all addresses of O(.proxies) are passed over, and the first other one counts.
  type: bool
entries:
  description: Networks and what results. The most specific one counts.
  type: list
  elements: dict
""" + suboptions("entries[]", GEO_ENTRY).replace("O(.entries[].ranges)", "O(.ranges)")

SHARE = """\
percent:
  description: Share of the clients, with at most two decimals. All shares together are not more than 100.
  type: float
  required: true
value:
  description: What the variable is for them.
  type: str
  required: true
"""

SPLIT_CLIENTS = """\
variable:
  description: The variable that is made, such as V($variant).
  type: str
  required: true
key:
  description: What is hashed, such as V($remote_addr). The same key always gets the same share.
  type: str
  required: true
default:
  description: What the variable is for all that are in no share. Without it, it is empty.
  type: str
entries:
  description: The shares, in this order.
  type: list
  elements: dict
  required: true
""" + suboptions("entries[]", SHARE)

LIMIT_CONN_ZONE = """\
name:
  description: Name of the zone, by which C(limit_conn) or C(limit_req) refers to it.
  type: str
  required: true
key:
  description: What is counted by, text and variables. What has an empty key is not counted.
  type: str
  default: $binary_remote_addr
size:
  description: Size of the shared memory, from V(32k) on. One megabyte holds some 16,000 addresses of IPv4.
  type: str
  default: 10m
"""

LIMIT_REQ_ZONE = (
    LIMIT_CONN_ZONE
    + """\
rate:
  description: Requests for each key, a second or a minute, such as V(10r/s) or V(30r/m).
  type: str
  required: true
"""
)

CACHE_PATH = """\
name:
  description: Name of the cache, by which C(proxy_cache) refers to it.
  type: str
  required: true
path:
  description:
    - Folder of the cache, absolute. Without it, one of the name of the cache in C(/var/cache/nginx).
    - It is made, and those above it, where they are not there. It belongs to the user of the workers.
  type: str
zone_size:
  description: Size of the shared memory for its keys, from V(32k) on. One megabyte holds some 8,000.
  type: str
  default: 10m
levels:
  description: Levels of folders, as the lengths of their names.
  type: str
  default: "1:2"
use_temp_path:
  description: Whether answers are written to C(proxy_temp_path) first, which may be on another file system.
  type: bool
  default: false
inactive:
  description: Time after which an answer that nobody asked for goes, such as V(1d). Defaults to V(10m).
  type: str
max_size:
  description: Size from which on what was not asked for the longest time goes, such as V(10g).
  type: str
min_free:
  description:
    - Free space on the file system below which it goes as well.
    - Needs nginx 1.19.1.
  type: str
manager_files:
  description: The most files that are removed in one go.
  type: int
manager_sleep:
  description: Pause between two goes, such as V(50ms).
  type: str
manager_threshold:
  description: The longest time for one go, such as V(200ms).
  type: str
loader_files:
  description: The most files that are read in one go when nginx starts.
  type: int
loader_sleep:
  description: Pause between two goes, such as V(50ms).
  type: str
loader_threshold:
  description: The longest time for one go, such as V(200ms).
  type: str
"""
