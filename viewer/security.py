"""Who may ask what: pages of this server alone, by a name that only this machine goes by."""

from __future__ import annotations

import ipaddress
import re
import socket

from flask import Flask, Response, abort, request

# A page of another origin cannot send this header without the browser asking first, which is never granted.
WRITE_HEADER = "X-Viewer"
MAX_BYTES = 32 * 2**20  # of a request: the events of any half
HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")  # in small letters

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def secure(app: Flask, host: str) -> None:
    """Refuse requests under foreign names or from foreign pages, and tell the browser to load nothing foreign.

    Args:
        host: the address that the server listens on.
    """
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
    names = {"localhost", host.lower()}
    if _is_any(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    @app.before_request
    def check() -> None:
        stated = request.headers.get("Host", "").lower()
        found = HOST.fullmatch(stated)
        name = (found["address"] or found["name"]) if found else stated
        # A page of evil.example could have that name lead here (DNS rebinding); an address or our name it cannot.
        if not found or name not in names and not (_is_loopback(name) or (_is_any(host) and _is_address(name))):
            abort(403, f"this server does not go by the name {name!r}")
        if request.headers.get("Origin", f"http://{stated}").lower() not in (f"http://{stated}", f"https://{stated}"):
            abort(403, "pages of another origin may not use this server")
        if request.headers.get("Sec-Fetch-Site", "none") == "cross-site":
            abort(403, "pages of another site may not use this server")
        if request.method not in ("GET", "HEAD") and not (request.headers.get(WRITE_HEADER) and request.is_json):
            abort(403, f"only the viewer's own page may write (header {WRITE_HEADER}, JSON)")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response


def _is_any(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ipaddress.ip_address(name).is_loopback
