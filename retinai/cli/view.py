"""`retinai view`: the viewer in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def view(
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 for a whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.", min=1, max=65535)] = 8501,
    weights: Annotated[
        Path | None, typer.Option(help="A folder of lesion weights; the bundled ones by default.", show_default=False)
    ] = None,
    vlm: Annotated[str, typer.Option(help="Who grades and describes: auto, nano, none, a model id or folder, openai:URL#MODEL.")] = "auto",
    adapter: Annotated[Path | None, typer.Option(help="A LoRA adapter for --vlm.", show_default=False)] = None,
    load_4bit: Annotated[Literal["auto", "yes", "no"], typer.Option("--load-4bit", help="Whether --vlm is loaded in 4 bits.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    feedback: Annotated[Path, typer.Option(help="The SQLite file for what second readers say.")] = Path("retinai-feedback.sqlite"),
) -> None:
    """Start the viewer, a page in the browser for photographs, explanations and second readers.

    retinai view --port 8501
    """
    from apps.launch import launch
    from apps.settings import Settings

    places = {"weights": weights, "adapter": adapter}
    paths = {name: str(path.resolve()) for name, path in places.items() if path}
    launch(Settings(feedback=str(feedback.resolve()), vlm=vlm, load_4bit=load_4bit, device=device, **paths), host, port)
