"""What holds for every test: no network, and no threads that spin."""

from __future__ import annotations

import os
import socket

import pytest

os.environ["GOMP_SPINCOUNT"] = "0"  # read once, when torch is first imported
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

_connect = socket.socket.connect


def _connect_at_home(self: socket.socket, address: object) -> None:
    """Refuse whatever leaves this machine."""
    if self.family != socket.AF_UNIX and isinstance(address, tuple) and address[0] not in ("localhost", "127.0.0.1", "::1"):
        raise RuntimeError(f"a test may not connect to {address}")
    _connect(self, address)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _connect_at_home)
