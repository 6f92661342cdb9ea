"""`retinai feedback export`: what second readers said, as training labels."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What second readers said in the viewer.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What second readers said in the viewer."""


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.", show_default=False)],
    feedback: Annotated[Path, typer.Option(help="The viewer's file.")] = Path("retinai-feedback.sqlite"),
    photographs: Annotated[
        Path | None, typer.Option(help="A folder in which the graded files are found by content and copied from.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write labels.csv (image, grade), grades.jsonl and lesions.jsonl.

    retinai feedback export --output labels --photographs clinic/
    """
    from apps.feedback import Store
    from apps.labels import export as write

    counts = write(Store(feedback), output, photographs)
    if json:
        typer.echo(jsonlib.dumps(counts, allow_nan=False))
    else:
        typer.echo(f"{counts['labels']} grades that readers agree on, from {counts['grades']} opinions; {counts['lesions']} lesions judged")
