"""What stands before Streamlit: who may ask, and what every answer says to the browser.

A page of another site may not talk to the viewer, and a name that somebody else's DNS gives to this machine is not this machine's.
Streamlit would look its own outside address up at a server elsewhere to find out; here nobody is asked.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' blob:",  # Streamlit makes the canvas's module a blob; its inline scripts are added by their hashes
    "style-src": "'self' 'unsafe-inline'",  # Streamlit's styles are made in the page
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
HEADERS: dict[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""On every answer, beside the policy. No other site may show the page in a frame."""
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def content_policy(page: str) -> str:
    """No script, style, picture or font from elsewhere, and of the scripts inside a page those of `page` alone, by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _INLINE.findall(page)]
    scripts = " ".join((_POLICY["script-src"], *(f"'sha256-{each}'" for each in hashes)))
    return "; ".join(f"{name} {value}" for name, value in (_POLICY | {"script-src": scripts}).items())


class Guard:
    """hosts: the names by which this server is called, any where there are none; origins: other sites that may talk to it;
    page: the HTML that the server gives, whose inline scripts may run."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = (), origins: Sequence[str] = (), page: str = "") -> None:
        self.app, self.hosts, self.origins = app, frozenset(map(str.lower, hosts)), frozenset(origins)
        headers = {"Content-Security-Policy": content_policy(page), **HEADERS}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif not self.admits(_header(scope, b"host"), _header(scope, b"origin")):
            await _refuse(scope, receive, self._marked(send))
        else:
            await self.app(scope, receive, self._marked(send))

    def admits(self, host: str | None, origin: str | None) -> bool:
        """Whether a request with these headers is one of this server's own pages, or of no page at all."""
        if self.hosts and _name(host) not in self.hosts:
            return False
        return origin is None or origin in self.origins or _place(origin) == (host or "").lower()

    def _marked(self, send: Send) -> Send:
        """`send` with the headers on the answer, in the place of any that it has of the same names."""
        names = {name for name, _ in self.headers}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
                message = {**message, "headers": [*kept, *self.headers]}
            await send(message)

        return marked


def hosts_of(address: str, named: Sequence[str] = ()) -> tuple[str, ...]:
    """The names that a server at this address answers to: those that its owner gave, else its own; () for any, where it listens
    everywhere."""
    if named or address in ("0.0.0.0", "::", ""):
        return tuple(named)
    return LOOPBACK if address in LOOPBACK else (address, *LOOPBACK)


def _header(scope: Scope, name: bytes) -> str | None:
    """The header's value; 'null', which nobody is, where it was sent more than once."""
    found = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    return None if not found else found[0] if len(found) == 1 else "null"


def _name(host: str | None) -> str:
    """'Localhost:8501' -> 'localhost'."""
    try:
        return (urlsplit(f"//{host or ''}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _place(origin: str) -> str | None:
    """'http://localhost:8501' -> 'localhost:8501'; None for what is no origin of a page, such as 'null'."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """403, and to a WebSocket before it is opened."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    words = b"This address, or the page that asks, is not known to this viewer.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(words)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": words})
