"""Chromium, and a server for it to look at, for the tests of what people see. They are left out, by name, where either is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
_QUIET = ("--server.address=127.0.0.1", "--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false")


def needs_chromium(what: str) -> None:
    """Skip where there is no browser to test `what` with."""
    pytest.importorskip("playwright.sync_api", reason=f"playwright is not installed: no browser test of {what}")
    if CHROMIUM is None:
        pytest.skip(f"no Chromium on this machine: no browser test of {what}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser that asks nobody for anything."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, "--disable-component-update"])
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def streamlit(script: str, port: int) -> list[str]:
    """The command that serves a script."""
    return [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}", *_QUIET]


@contextmanager
def served(command: Sequence[str], port: int, patience_s: float, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Where a Streamlit server answers, while it is needed. Raises TimeoutError where it does not."""
    place = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=place)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/_stcore/health", patience_s)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url: str, patience_s: float) -> None:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"{url} does not answer")
