"""`retinai export ...`"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write models in other formats.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Write models in other formats."""


@app.command()
def onnx(
    grader: Annotated[str, typer.Option(help="image, lesions, image:FOLDER or lesions:FOLDER.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a grader as ONNX, check it against torch to 1e-4, and time it on one core.

    retinai export onnx --grader image:runs/grader-image --output grader.onnx
    """
    from retinai.export_grader import export_grader

    made = export_grader(grader, output)
    values = {"path": str(made.path), "difference": made.difference, "milliseconds": made.milliseconds, "bytes": made.size}
    line = f"{made.path}: {made.size / 2**20:.1f} MB, differs from torch by {made.difference:.1g} at most"
    typer.echo(jsonlib.dumps(values, allow_nan=False) if json else f"{line}, {made.milliseconds:.1f} ms on one core")
