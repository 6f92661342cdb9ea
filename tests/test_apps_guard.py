"""What stands before Streamlit: strangers are refused, nobody elsewhere is asked, and every answer carries its headers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from apps.guard import HEADERS, LOOPBACK, Guard, content_policy, hosts_of
from apps.launch import OPTIONS, guarded

PAGE = "<html><script>\n  window.prerenderReady = false\n</script><script type=module src=a.js></script></html>"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers, with a header that the guard has its own word for."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"ALLOWALL"), (b"x-mine", b"1")]})
    await send({"type": "http.response.body", "body": b"hello"})


def ask(guard: Guard, kind: str = "http", **headers: str) -> list[dict[str, Any]]:
    """What the server sends to a request with these headers."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(guard(scope, receive, send))  # type: ignore[arg-type]
    return sent


def test_every_answer_carries_the_headers_once() -> None:
    start, body = ask(Guard(application, page=PAGE), host="localhost:8501")
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(found) == len(start["headers"]) and body["body"] == b"hello" and found["x-mine"] == "1"
    assert found["x-frame-options"] == "DENY" and found["x-content-type-options"] == "nosniff"
    assert found["content-security-policy"] == content_policy(PAGE)
    assert {name.lower() for name in HEADERS} <= set(found)


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in content_policy(PAGE).split("; "))
    assert policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'" and policy["object-src"] == "'none'"
    assert policy["connect-src"] == "'self'" and policy["base-uri"] == "'self'"
    assert policy["script-src"] == "'self' blob: 'sha256-4u1OPAdtCr8+M1HRaukHjIcJ16zKttM2uTopyOMkJqA='"
    assert "http" not in content_policy(PAGE) and "*" not in content_policy(PAGE)


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"host": "localhost:8501"}, True),
        ({"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}, True),
        ({"host": "LOCALHOST:8501", "origin": "http://localhost:8501"}, True),
        ({"host": "[::1]:8501", "origin": "http://[::1]:8501"}, True),
        ({"host": "localhost:8501", "origin": "http://evil.example"}, False),
        ({"host": "localhost:8501", "origin": "http://localhost:9999"}, False),  # another page of this machine
        ({"host": "localhost:8501", "origin": "null"}, False),
        ({"host": "localhost:8501", "origin": "file://localhost:8501"}, False),
        ({"host": "localhost:8501", "origin": "http://[::1"}, False),
        ({"host": "evil.example:8501", "origin": "http://evil.example:8501"}, False),  # a name that was turned to this machine
        ({"host": "localhost.evil.example:8501"}, False),
        ({"host": "localhost@evil.example"}, False),
        ({"host": ""}, False),
        ({}, False),
    ],
)
def test_strangers_are_refused_before_anything_looks_at_them(headers: dict[str, str], admitted: bool) -> None:
    async def untouched(*_: Any) -> None:
        pytest.fail("the application was asked")

    guard = Guard(application if admitted else untouched, hosts=LOOPBACK)
    (start, *_), (first, *_) = ask(guard, **headers), ask(guard, "websocket", **headers)
    assert start["status"] == (200 if admitted else 403)
    assert first["type"] == ("websocket.accept" if admitted else "websocket.close")
    assert (b"x-content-type-options", b"nosniff") in start["headers"]


def test_a_header_that_comes_twice_is_nobody_s() -> None:
    scope = {"type": "http", "headers": [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil.example")]}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(application)(scope, send, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


def test_names_and_sites_that_the_owner_gives_are_let_in() -> None:
    guard = Guard(application, hosts=hosts_of("127.0.0.1", ["eyes.clinic.example"]), origins=["https://portal.clinic.example"])
    assert guard.admits("eyes.clinic.example", "https://eyes.clinic.example")
    assert guard.admits("eyes.clinic.example", "https://portal.clinic.example")
    assert not guard.admits("eyes.clinic.example", "https://other.clinic.example") and not guard.admits("localhost:8501", None)


@pytest.mark.parametrize(
    ("address", "hosts"),
    [("127.0.0.1", LOOPBACK), ("localhost", LOOPBACK), ("0.0.0.0", ()), ("::", ()), ("10.1.2.3", ("10.1.2.3", *LOOPBACK))],
)
def test_a_server_answers_to_the_names_of_its_address(address: str, hosts: tuple[str, ...]) -> None:
    assert hosts_of(address) == hosts


def test_nobody_elsewhere_is_asked_for_this_machine_s_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests
    from streamlit import config, net_util
    from streamlit.web.server.server_util import is_url_from_allowed_origins

    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("a server elsewhere was asked"))
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)
    monkeypatch.setattr(config, "_main_script_path", None)
    script = tmp_path / "page.py"
    script.write_text("")
    guarded(script, "0.0.0.0")
    assert not is_url_from_allowed_origins("http://evil.example")
    assert OPTIONS["logger.hideWelcomeMessage"] is True
