"""`retinai evaluate ...`"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

from retinai.strict_json import without_nan

app = typer.Typer(help="Measure a model against labels.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def segmentation(
    data: Annotated[Path, typer.Option(help="Root of IDRiD, the folder with 'A. Segmentation'.", show_default=False)],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    weights: Annotated[Path | None, typer.Option(help="A folder of weights; the bundled ones by default.", show_default=False)] = None,
    sides: Annotated[list[int] | None, typer.Option("--side", help="Working sides instead of the card's; repeat to average.")] = None,
    views: Annotated[int | None, typer.Option(help="Mirrored views to average: 1, 2 or 4; the card says by default.", min=1, max=4)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Measure the lesion U-Net: AUPR under three protocols, Dice, IoU, lesions found against false alarms.

    retinai evaluate segmentation --data IDRID_ROOT --split validation --json
    """
    from segmentation.report import evaluate

    report = evaluate(data, split, weights, sides, views, device)
    if output:
        output.write_text(jsonlib.dumps(without_nan(report), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    typer.echo(jsonlib.dumps(without_nan(report), indent=2, allow_nan=False) if json else _table(report))


def _table(report: dict[str, Any]) -> str:
    """Eighty columns: a row a lesion, the figure with its interval below."""
    names = {"exact": "aupr_exact", "exact-1440": "aupr_exact_1440", "A11": "aupr_a11", "Dice": "dice", "sens@1": "sensitivity_at_1",
             "sens@8": "sensitivity_at_8"}  # fmt: skip
    lines = [f"IDRiD {report['split']}, {report['images']} photographs; 95 % bootstrap intervals below", ""]
    lines.append(" " * 6 + "".join(f"{title:>12}" for title in names))
    for code, row in [*report["lesions"].items(), ("mean", report["mean"])]:
        lines.append(f"{code:<6}" + "".join(f"{row[key]:>12.3f}" for key in names))
        lines.append(" " * 6 + "".join("{:>12}".format("{:.2f}-{:.2f}".format(*row[f"{key}_ci"])) for key in names))
    return "\n".join(lines)
