"""A small server on this machine that speaks as much of OpenAI's protocol as the client needs."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Replies = Callable[[dict[str, Any], dict[str, str]], tuple[int, Any]]
"""From a request's body and headers to a status and a reply: bytes as they are, anything else as JSON."""


def token(word: str, probability: float = 1.0, **others: float) -> dict[str, Any]:
    """One row of `logprobs.content`; `others` are named _0 for '0', s0 for ' 0'."""
    names = {word: probability} | {name.replace("_", "").replace("s", " "): p for name, p in others.items()}
    rows = [{"token": name, "logprob": math.log(p), "bytes": None} for name, p in names.items()]
    return {**rows[0], "top_logprobs": rows}


def completion(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    text = "".join(t["token"] for t in tokens)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "choices": [choice]}


class StandIn(ThreadingHTTPServer):
    """Answers with what `replies` makes of a request, and remembers every request."""

    daemon_threads = True

    def __init__(self, replies: Replies) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = replies
        self.seen: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, body, dict(self.headers)))
        status, reply = self.server.replies(body, dict(self.headers))
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "http://elsewhere.example/v1")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def standing_in(replies: Replies) -> Iterator[StandIn]:
    """The server, running until the block ends."""
    server = StandIn(replies)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
