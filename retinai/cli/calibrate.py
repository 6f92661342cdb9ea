"""`retinai calibrate`"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

from retinai.strict_json import without_nan


def calibrate(
    data: Annotated[Path, typer.Option(help="Root of IDRiD with both parts.", show_default=False)],
    weights: Annotated[Path, typer.Option(help="The folder of lesion weights whose card is written.", show_default=False)],
    sides: Annotated[list[int] | None, typer.Option("--side", help="Working sides from now on; repeat to average.")] = None,
    views: Annotated[int | None, typer.Option(help="Mirrored views from now on: 1, 2 or 4.", min=1, max=4)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose on validation from which probability on lesions are outlined and told, and store it with the weights.

    retinai calibrate --data IDRID_ROOT --weights runs/segmentation-selftrain --side 1536 --views 2
    """
    from retinai.calibrate import calibrate as choose

    stored = choose(data, weights, sides, views, device)
    typer.echo(jsonlib.dumps(without_nan(stored), indent=2, allow_nan=False) if json else _table(stored))


def _table(stored: dict[str, Any]) -> str:
    lines = [f"{'':<4}{'threshold':>10}{'peak':>9}{'told':>7}{'true':>7}{'precision 95 %':>17}{'healthy with one':>19}"]
    for code, told in stored["told"].items():
        precision, healthy = "{}-{}".format(*told["precision_ci"]), f"{told['healthy_with_a_lesion']}/{told['healthy_photographs']}"
        lines.append(
            f"{code:<4}{stored['thresholds'][code]:>10.3f}{stored['peaks'][code]:>9.4f}{told['told_lesions']:>7}"
            f"{told['true_lesions']:>7}{precision:>17}{healthy:>19}"
        )
    return "\n".join(lines)
