#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a client of a highly available address sees."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_probe
short_description: Measure what a client of an address sees
version_added: 0.1.0
description:
  - Asks an HTTP service at fixed times, each request over its own connection, and returns how many requests failed,
    how long the answers took, and the longest time in which no answer was completed.
  - The client is open loop. It sends the next request when it is due, whatever became of the earlier ones, so an
    outage is neither hidden nor stretched.
  - Run it on a host that is not part of what is measured, and in the background (C(async)) while something else acts.
options:
  url:
    description:
      - The URL to ask for, with scheme V(http) or V(https).
      - It stands for O(host), O(port), O(path) and O(tls); each of them wins over it. Without it O(address) is needed.
    type: str
  address:
    description:
      - Where to connect to. Without it, the host of O(url), looked up once before the first request.
    type: str
  port:
    description: The port to connect to. Without it, the port of O(url), else 443 with O(tls) and 80 without.
    type: int
  path:
    description: Path and query to ask for. Without it, those of O(url), else V(/).
    type: str
  host:
    description:
      - The C(Host) header, and the name that a TLS certificate has to bear.
      - Without it, the host of O(url) or O(address).
    type: str
  tls:
    description: Whether to use HTTPS.
    type: bool
    default: false
  validate_certs:
    description: Whether a certificate that this host does not trust counts as a failed request.
    type: bool
    default: true
  proxy_protocol:
    description: Whether to send a PROXY header first, which tells no address.
    type: bool
    default: false
  headers:
    description: Further headers of every request.
    type: dict
    default: {}
  rate:
    description: Requests per second.
    type: float
    default: 200
  duration:
    description: Seconds for which requests are sent. The module then waits up to O(timeout) for the last answers.
    type: float
    default: 10
  timeout:
    description: Seconds after which a request without a complete answer has failed.
    type: float
    default: 3
  slow_after:
    description: Seconds after which an answer counts as slow. A slow answer is not a failed one.
    type: float
    default: 0.5
  expect:
    description: Statuses that are a good answer. Any other is a failed request.
    type: list
    elements: int
    default: [200]
  served_by:
    description:
      - Name of the answer's header that says who answered, or V(body) where the first line of the body says it.
    type: str
    default: ""
attributes:
  check_mode:
    description: The options are checked and nothing is asked.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
seealso:
  - module: ansible.builtin.uri
author:
  - The holdfast.nginx_ha authors (@holdfast)
"""

EXAMPLES = r"""
- name: Ask the address for a minute while the next tasks act
  holdfast.nginx_ha.vip_probe:
    url: http://blog.example.com/
    address: 10.89.50.100
    duration: 60
  async: 90
  poll: 0
  register: blog_client

- name: Move the address away from this node
  ansible.builtin.service:
    name: keepalived
    state: restarted
  delegate_to: lb1

- name: Wait for what the client saw
  ansible.builtin.async_status:
    jid: "{{ blog_client.ansible_job_id }}"
  register: blog_seen
  until: blog_seen is finished
  retries: 90
  delay: 1
  failed_when: blog_seen.gap_ms | default(0) > 200 or blog_seen.ended_in_outage | default(false)
"""

RETURN = r"""
requests:
  description: Requests sent.
  returned: always, but in check mode
  type: int
  sample: 2000
ok:
  description: Requests that got a complete answer with an expected status within the timeout, slow ones included.
  returned: always, but in check mode
  type: int
  sample: 1985
slow:
  description: Good answers that took longer than O(slow_after).
  returned: always, but in check mode
  type: int
  sample: 1
failures:
  description: >-
    Failed requests by kind: connection refused, connection reset or answer cut short, no complete answer in time, an
    unexpected status, no route, a failed TLS handshake, any other error.
  returned: always, but in check mode
  type: dict
  sample: {refused: 10, reset: 1, timeout: 4, status: 0, unreachable: 0, tls: 0, other: 0}
failed_total:
  description: Failed requests.
  returned: always, but in check mode
  type: int
  sample: 15
statuses:
  description: How often each status was answered.
  returned: always, but in check mode
  type: dict
  sample: {"200": 1985}
served_by:
  description: Good answers by who gave them, empty without O(served_by).
  returned: always, but in check mode
  type: dict
  sample: {web1: 993, web2: 992}
p50_ms:
  description: Median of the milliseconds from the first packet of a request to its complete good answer, or null.
  returned: always, but in check mode
  type: float
  sample: 0.8
p99_ms:
  description: Milliseconds within which 99 of 100 good answers came, or null.
  returned: always, but in check mode
  type: float
  sample: 2.5
max_ms:
  description: Milliseconds of the slowest good answer, or null.
  returned: always, but in check mode
  type: float
  sample: 1012.4
gap_ms:
  description: >-
    The longest time within the window in which no good answer was completed. The time before the first and after the
    last answer counts too.
  returned: always, but in check mode
  type: float
  sample: 84.2
gap_begin_s:
  description: Seconds from the beginning of the window to the beginning of that gap.
  returned: always, but in check mode
  type: float
  sample: 3.215
gap_begin:
  description: When that gap began, in UTC.
  returned: always, but in check mode
  type: str
  sample: "2026-01-31T12:00:03.215000Z"
ended_in_outage:
  description: Whether the last request failed or was slow, so that the outage may have outlasted the window.
  returned: always, but in check mode
  type: bool
  sample: false
began:
  description: When the window began, in UTC.
  returned: always, but in check mode
  type: str
  sample: "2026-01-31T12:00:00.000000Z"
length_s:
  description: Length of the window in seconds.
  returned: always, but in check mode
  type: float
  sample: 10.0
late_ms:
  description: >-
    How late this client itself was at most in sending a request. Where it comes near to the gap, the host was too busy
    to measure.
  returned: always, but in check mode
  type: float
  sample: 1.1
"""

import typing as t
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, probe
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import summary

PORTS = {False: 80, True: 443}


def settings_of(params: t.Mapping[str, t.Any]) -> Settings:
    """Return what the module's options ask for; raises InputError for what cannot be asked."""
    target = {name: params[name] for name in ("address", "port", "path", "host", "tls")}
    if params["url"]:
        target.update((name, value) for name, value in _parts(params["url"]).items() if not target[name])
    return Settings(
        address=target["address"],
        port=target["port"] or PORTS[target["tls"]],
        path=target["path"] or "/",
        host=target["host"] or "",
        tls=target["tls"],
        headers={str(name): str(value) for name, value in params["headers"].items()},
        expect=tuple(params["expect"]),
        served_by=params["served_by"],
        **{
            name: params[name]
            for name in ("rate", "duration", "timeout", "slow_after", "validate_certs", "proxy_protocol")
        },
    )


def _parts(url: str) -> dict[str, t.Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError("url", f"{url} cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("url", f"must look like http://name/path or https://name/path, not {url}")
    path = parts.path or "/"
    return {
        "address": parts.hostname,
        "host": parts.netloc.rpartition("@")[2],
        "port": port,
        "path": f"{path}?{parts.query}" if parts.query else path,
        "tls": parts.scheme == "https",
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str"},
            "address": {"type": "str"},
            "port": {"type": "int"},
            "path": {"type": "str"},
            "host": {"type": "str"},
            "tls": {"type": "bool", "default": False},
            "validate_certs": {"type": "bool", "default": True},
            "proxy_protocol": {"type": "bool", "default": False},
            "headers": {"type": "dict", "default": {}},
            "rate": {"type": "float", "default": 200},
            "duration": {"type": "float", "default": 10},
            "timeout": {"type": "float", "default": 3},
            "slow_after": {"type": "float", "default": 0.5},
            "expect": {"type": "list", "elements": "int", "default": [200]},
            "served_by": {"type": "str", "default": ""},
        },
        required_one_of=[("url", "address")],
        supports_check_mode=True,
    )
    try:
        settings = settings_of(module.params)
        if module.check_mode:
            module.exit_json(changed=False, msg="Nothing was asked in check mode.")
        module.exit_json(changed=False, **summary(probe(settings)))
    except HoldfastError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
