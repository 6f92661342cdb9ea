"""Streamlit, started in this process with the options that a clinic needs."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from apps.settings import MOST_MB, Settings
from retinai.errors import UsageError

SCRIPT = Path(__file__).with_name("viewer.py")
OPTIONS: dict[str, Any] = {
    "server.headless": True,
    "server.maxUploadSize": MOST_MB,
    "server.fileWatcherType": "none",
    "server.enableXsrfProtection": True,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "global.developmentMode": False,
    "theme.light.primaryColor": "#0b6e6e",
    "theme.light.linkColor": "#0b5f8a",
    "theme.dark.primaryColor": "#168585",
    "theme.dark.linkColor": "#8ecdf5",
}
"""No telemetry, no stack traces, no developer's menu; a photograph of twelve megapixels passes, a disc image does not."""


def launch(settings: Settings, host: str, port: int, script: Path = SCRIPT) -> None:
    """Serve until interrupted. Raises UsageError where the address is taken or the settings cannot be used."""
    _check(settings, host, port)
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    settings.export()
    from streamlit.web import bootstrap

    options = {name.replace(".", "_"): value for name, value in (OPTIONS | {"server.address": host, "server.port": port}).items()}
    bootstrap.load_config_options(options)
    print(
        f"retinai: the viewer is at http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port} (Ctrl-C ends it)",
        file=sys.stderr,
    )
    bootstrap.run(str(script), False, [], options)


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
