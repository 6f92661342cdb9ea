"""`retinai view`: the viewer in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retinai.cli.options import Adapter, Device, Load4bit, Second, Weights


def view(
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for a whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.", min=1, max=65535)] = 8501,
    weights: Weights = None,
    vlm: Annotated[str, typer.Option(help="Who grades and describes: auto, nano, none, a model id or folder, openai:URL#MODEL.")] = "auto",
    adapter: Adapter = None,
    load_4bit: Load4bit = "auto",
    second: Second = "auto",
    device: Device = "auto",
    feedback: Annotated[Path, typer.Option(help="The SQLite file for what second readers say.")] = Path("retinai-feedback.sqlite"),
) -> None:
    """Start the viewer, a page in the browser for photographs, explanations and second readers.

    retinai view --port 8501
    """
    from apps.launch import launch
    from apps.settings import Settings

    places = {"weights": weights, "adapter": adapter}
    paths = {name: str(path.resolve()) for name, path in places.items() if path}
    launch(Settings(feedback=str(feedback.resolve()), vlm=vlm, load_4bit=load_4bit, second=second, device=device, **paths), host, port)
