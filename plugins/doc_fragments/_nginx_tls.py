# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: of a site as a whole, towards clients, of http and of stream, and towards backends. Private."""

from __future__ import annotations

__all__ = ("HTTP_TLS", "PROXY_TLS", "SITE_TLS", "TLS")

SITE_TLS = """\
certificate:
  description:
    - The certificate of the site in PEM, those of its chain behind it, or the absolute path of a file on the host that
      holds them. In C(balancer_sites) a relative path is a file on the controller, beside the inventory.
    - It is judged before anything is changed. The key has to fit, a client has to be able to follow the chain to an
      authority that the host knows or to O(.trusted_certificate), all of the C(server_name) have to be covered, and its
      time must not be over. With fewer than 14 days left there is a warning.
    - Without it, O(.profile), O(.session_ticket_keys) and O(.client_certificate) are all that is said.
  type: str
certificate_key:
  description: The secret key, without a passphrase, given like O(.certificate). Its file is for root alone.
  type: str
chain:
  description: The certificates between O(.certificate) and the authority, where they come apart from it.
  type: str
trusted_certificate:
  description: The authority that has issued all that, where it is one of your own that the host does not know.
  type: str
client_certificate:
  description:
    - The authorities whose certificates clients have to show, given like O(.certificate).
    - With C(ssl_verify_client) of V(optional) they may also show none.
  type: str
profile:
  description:
    - Which clients are served. V(intermediate) and V(modern) are those of Mozilla's guidelines, version 6.0; the latter
      is TLS 1.3 alone, and needs nginx 1.13.0. With V(none) nothing is said, and nginx's own defaults hold.
    - What an option C(ssl_...) says takes the place of what the profile says. Of sites at one address, nginx takes the
      versions of TLS from the default server.
  type: str
  choices: [modern, intermediate, none]
  default: intermediate
stapling:
  description:
    - Whether the answer of the authority about the certificate is sent along (OCSP). nginx has to reach it, and needs a
      C(resolver) for its name.
    - nginx verifies that answer where there is a O(.trusted_certificate).
  type: bool
session_ticket_keys:
  description:
    - Keys for session tickets of 48 or 80 characters, the same on all balancers, so that a client resumes its session
      after a failover. The first encrypts. C(balancer_ssl_session_ticket_secret) makes them, and new ones in time.
    - Without them, an nginx before 1.23.2, which keeps one key until it is restarted, hands out no tickets.
  type: list
  elements: str
acme_challenge:
  description:
    - Where the one host that gets certificates from an authority by ACME answers its challenges, such as
      V(http://192.0.2.50:8080).
    - Every balancer hands C(/.well-known/acme-challenge/) of the site to it, by http and by https, also while the site
      has no certificate yet, and during maintenance.
  type: str
redirect:
  description:
    - Whether a server of its own sends requests by http to https. By default it does so unless the site listens for
      http itself.
  type: bool
redirect_listen:
  description: Where that server listens. Without it, on port 80 beside every listen of the site with C(ssl).
  type: list
  elements: str
"""

TLS = """\
ssl_certificate:
  description:
    - Files with the server's certificate and its chain (PEM), one for each kind of key.
    - Each needs its O(.ssl_certificate_key).
  type: list
  elements: str
ssl_certificate_cache:
  description:
    - How certificates whose file names hold variables are kept in memory, such as V(max=1000 inactive=20s valid=1m),
      or V(off).
    - Needs nginx 1.27.4.
  type: raw
ssl_certificate_compression:
  description:
    - Whether certificates are sent compressed to clients of TLS 1.3 that understand it.
    - Needs nginx 1.29.1.
  type: bool
ssl_certificate_key:
  description: Files with the secret keys, in the order of O(.ssl_certificate). nginx reads them before it drops root.
  type: list
  elements: str
ssl_ciphers:
  description: Ciphers up to TLS 1.2, in the format of OpenSSL.
  type: str
ssl_client_certificate:
  description:
    - File with the authorities whose client certificates are accepted; their names are sent to clients.
    - In stream it needs nginx 1.11.8.
  type: str
ssl_conf_command:
  description:
    - Commands for OpenSSL itself, one an element, such as V(Ciphersuites TLS_AES_256_GCM_SHA384).
    - Needs nginx 1.19.4.
  type: list
  elements: str
ssl_crl:
  description:
    - File with revoked client certificates (PEM).
    - In stream it needs nginx 1.11.8.
  type: str
ssl_dhparam:
  description: File with parameters for ciphers of the kind DHE. Without it, none of them is used.
  type: str
ssl_ecdh_curve:
  description: Curves for ciphers of the kind ECDHE, such as V(X25519:prime256v1), or V(auto).
  type: str
ssl_ech_file:
  description:
    - Files with keys for the encrypted hello of a client (ECH), one an element.
    - Needs nginx 1.29.4.
  type: list
  elements: str
ssl_ocsp:
  description:
    - Whether client certificates are checked by asking their authority (OCSP), V(on), V(off), or V(leaf) for the
      client's own certificate only.
    - Needs nginx 1.19.0, in stream nginx 1.27.2.
  type: raw
ssl_ocsp_cache:
  description:
    - Shared memory for the answers to O(.ssl_ocsp), such as V(shared:ocsp:10m), or V(off).
    - Needs nginx 1.19.0, in stream nginx 1.27.2.
  type: raw
ssl_ocsp_responder:
  description:
    - URL to ask for O(.ssl_ocsp), in the place of the one that the certificate names.
    - Needs nginx 1.19.0, in stream nginx 1.27.2.
  type: raw
ssl_password_file:
  description: File with the passphrases of the secret keys, one a line; each is tried.
  type: str
ssl_prefer_server_ciphers:
  description: Whether the order of O(.ssl_ciphers) wins over that of the client.
  type: bool
ssl_protocols:
  description: Versions of TLS that clients may use, such as V(TLSv1.2) and V(TLSv1.3).
  type: list
  elements: str
ssl_reject_handshake:
  description:
    - Whether every TLS connection to these names is refused before a certificate is sent. A default server with it
      answers no stranger.
    - Needs nginx 1.19.4, in stream nginx 1.25.5.
  type: bool
ssl_session_cache:
  description: Where sessions are kept so that clients resume them, such as V(shared:tls:10m), or V(off).
  type: raw
ssl_session_ticket_key:
  description:
    - Files with keys for session tickets, one an element; the first encrypts. The same files on all balancers let a
      client resume after a failover.
  type: list
  elements: str
ssl_session_tickets:
  description: Whether a client may resume its session by a ticket that it holds itself.
  type: bool
ssl_session_timeout:
  description: Time for which a session can be resumed, such as V(1d). Defaults to V(5m).
  type: str
ssl_stapling:
  description:
    - Whether the answer of the authority about the server's own certificate is sent along (OCSP).
    - In stream it needs nginx 1.27.2.
  type: bool
ssl_stapling_file:
  description:
    - File with that answer, in the place of asking for it.
    - In stream it needs nginx 1.27.2.
  type: str
ssl_stapling_responder:
  description:
    - URL to ask for O(.ssl_stapling), in the place of the one that the certificate names.
    - In stream it needs nginx 1.27.2.
  type: str
ssl_stapling_verify:
  description:
    - Whether nginx verifies the answer before it sends it along. The chain must be in O(.ssl_trusted_certificate).
    - In stream it needs nginx 1.27.2.
  type: bool
ssl_trusted_certificate:
  description:
    - File with authorities to verify client certificates and stapled answers; their names are not sent to clients.
    - In stream it needs nginx 1.11.8.
  type: str
ssl_verify_client:
  description:
    - Whether clients need a certificate, V(on), V(off), V(optional), or V(optional_no_ca) to let the backend judge it.
    - In stream it needs nginx 1.11.8.
  type: raw
ssl_verify_depth:
  description:
    - Certificates between the client's and the authority's that are allowed. Defaults to V(1).
    - In stream it needs nginx 1.11.8.
  type: int
"""

HTTP_TLS = """\
ssl_buffer_size:
  description: Size of the buffer for what is sent, such as V(4k). A small one sends the first byte sooner.
  type: str
ssl_early_data:
  description:
    - Whether a client of TLS 1.3 may send its request with the first packet (0-RTT). Such a request can be replayed.
    - Needs nginx 1.15.3.
  type: bool
"""

PROXY_TLS = """\
proxy_ssl_certificate:
  description: File with the certificate that nginx shows to the backend (PEM).
  type: str
proxy_ssl_certificate_cache:
  description:
    - How certificates whose file names hold variables are kept in memory, such as V(max=1000 inactive=20s valid=1m),
      or V(off).
    - Needs nginx 1.27.4.
  type: raw
proxy_ssl_certificate_key:
  description: File with the secret key of O(.proxy_ssl_certificate).
  type: str
proxy_ssl_ciphers:
  description: Ciphers for connections to the backend, in the format of OpenSSL.
  type: str
proxy_ssl_conf_command:
  description:
    - Commands for OpenSSL itself, one an element, such as V(MinProtocol TLSv1.3).
    - Needs nginx 1.19.4.
  type: list
  elements: str
proxy_ssl_crl:
  description: File with revoked certificates of backends (PEM).
  type: str
proxy_ssl_name:
  description:
    - Name that the backend's certificate must bear, and that is sent with O(.proxy_ssl_server_name).
    - Without it, the host of C(proxy_pass), which is the name of the group where it goes to an upstream.
  type: str
proxy_ssl_password_file:
  description: File with the passphrases of O(.proxy_ssl_certificate_key), one a line.
  type: str
proxy_ssl_protocols:
  description: Versions of TLS for connections to the backend, such as V(TLSv1.2) and V(TLSv1.3).
  type: list
  elements: str
proxy_ssl_server_name:
  description: Whether nginx tells the backend which name it wants (SNI).
  type: bool
proxy_ssl_session_reuse:
  description: Whether a TLS session with a backend is resumed by the next connection.
  type: bool
proxy_ssl_trusted_certificate:
  description: File with the authorities whose certificates of backends are accepted (PEM).
  type: str
proxy_ssl_verify:
  description: Whether the backend's certificate is verified, against O(.proxy_ssl_trusted_certificate).
  type: bool
proxy_ssl_verify_depth:
  description: Certificates between the backend's and the authority's that are allowed. Defaults to V(1).
  type: int
"""
