"""One HTTP request, with a deadline for the whole of its answer and a cap on its size. No proxy, no redirect, nothing unpacked."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

MOST_BYTES = 8 * 2**20
"""Of an answer. 256 tokens with twenty alternatives each are about half of one."""
_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class Response:
    """headers: by their names in small letters; body: as it came."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class OutOfTime(Exception):
    """The whole answer was not there in time. begun: whether some of it was."""

    def __init__(self, begun: bool) -> None:
        super().__init__("out of time")
        self.begun = begun


class TooLarge(Exception):
    """The answer was cut off at `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes")
        self.most = most


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int = MOST_BYTES) -> Response:
    """Send `body` and read the whole answer. Raises OutOfTime, TooLarge, and OSError or HTTPException where the line fails."""
    parts = urlsplit(url)
    end = time.monotonic() + seconds
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, seconds)
    with _cut_off(connection, end) as begun:
        connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else ""), body, dict(headers))
        with connection.getresponse() as response:
            begun.set()
            content = _read(response, most)
            named = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, response.reason, named, content)


def _connection(scheme: str, host: str, port: int | None, seconds: float) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
    return HTTPConnection(host, port, timeout=seconds)


@contextmanager
def _cut_off(connection: HTTPConnection, end: float) -> Iterator[threading.Event]:
    """Shut the connection down at the deadline: a socket's own timeout starts anew with every byte that drips in.

    Gives an event to set when the answer has begun.
    """
    late, begun = threading.Event(), threading.Event()
    silent, line = True, None

    def cut() -> None:
        nonlocal silent
        silent = not begun.is_set()
        late.set()
        if line is not None:
            _shut(line)

    timer = threading.Timer(max(0.0, end - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        connection.connect()
        line = connection.sock  # kept, since the connection lets go of it where an answer has no length
        if late.is_set():
            raise OutOfTime(begun=False)
        yield begun
        if late.is_set():
            raise OutOfTime(not silent)
    except TimeoutError:
        raise OutOfTime(not silent) from None
    except Exception:
        if late.is_set():
            raise OutOfTime(not silent) from None
        raise
    finally:
        timer.cancel()
        connection.close()


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        line.close()


def _read(response: HTTPResponse, most: int) -> bytes:
    """At most `most` bytes."""
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > most:
            raise TooLarge(most)
        pieces.append(piece)
    if response.length:
        raise ConnectionError("the answer ended before its end")
    return b"".join(pieces)
