"""`retinai conformal`: sets of grades for a language model that was trained before."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from retinai.strict_json import without_nan


def conformal(
    results: Annotated[Path, typer.Argument(help="What `retinai evaluate grading --split validation --output` wrote.", show_default=False)],
    model: Annotated[Path, typer.Option(help="The folder of the model or adapter that gave the answers.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit the 90 % sets of grades on validation answers and store them with the model.

    retinai conformal runs/nano-validation --model vlm/weights/nano
    """
    from retinai.grade_sets import store_sets

    stored = store_sets(results, model)
    if json:
        typer.echo(jsonlib.dumps(without_nan(stored), indent=2, allow_nan=False))
        return
    left_out = stored["left_out"] or {"covered": [0, 0], "mean_size": float("nan")}
    held, cases = left_out["covered"]
    typer.echo(f"threshold {stored['threshold']:.3f} for {stored['rate']:.0%} on {stored['cases']} photographs, stored in {model}")
    typer.echo(f"left one out: {held} of {cases} sets hold the true grade, {left_out['mean_size']:.2f} grades on average")
