"""Streamlit, started in this process with the options that a clinic needs."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.guard import Guard, hosts_of
from apps.settings import MOST_MB, Settings
from retinai.errors import UsageError

if TYPE_CHECKING:
    from streamlit import App

SCRIPT = Path(__file__).with_name("viewer.py")
OPTIONS: dict[str, Any] = {
    "server.headless": True,
    "server.maxUploadSize": MOST_MB,
    "server.fileWatcherType": "none",
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableAgentApi": False,
    "client.allowedOrigins": [],
    "logger.hideWelcomeMessage": True,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "global.developmentMode": False,
    "theme.light.primaryColor": "#0b6e6e",
    "theme.light.linkColor": "#0b5f8a",
    "theme.dark.primaryColor": "#168585",
    "theme.dark.linkColor": "#8ecdf5",
}
"""No telemetry, no stack traces, no developer's menu; a photograph of twelve megapixels passes, a disc image does not. Streamlit's own
welcome would ask a server elsewhere for this machine's address."""


def launch(settings: Settings, host: str, port: int, script: Path = SCRIPT) -> None:
    """Serve until interrupted. Raises UsageError where the address is taken or the settings cannot be used."""
    _check(settings, host, port)
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    settings.export()
    print(
        f"retinai: the viewer is at http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port} (Ctrl-C ends it)",
        file=sys.stderr,
    )
    guarded(script, host).run(config=OPTIONS | {"server.address": host, "server.port": port})


def guarded(script: Path, host: str) -> App:
    """The page behind `apps.guard`. Which other names and sites are let in stands in Streamlit's own configuration."""
    import streamlit
    from starlette.middleware import Middleware
    from streamlit import App, config, net_util

    net_util.get_external_ip = _nobody_is_asked
    named, origins = config.get_option("server.allowedHosts"), config.get_option("server.corsAllowedOrigins")
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return App(script, middleware=[Middleware(Guard, hosts=hosts_of(host, named), origins=origins, page=page)])


def _nobody_is_asked() -> None:
    """In place of a question to a server elsewhere, which Streamlit asks for every page of another site that it meets."""


def _check(settings: Settings, host: str, port: int) -> None:
    """What would fail only when the first person opens the page is said here."""
    folder = Path(settings.feedback).parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"the feedback cannot be written to {folder}; name another file with --feedback")
    if settings.weights and not Path(settings.weights).is_dir():
        raise UsageError(f"no folder of weights at {settings.weights}")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise UsageError(f"cannot listen at {host}:{port}: {error.strerror}") from None
