"""`retinai evaluate grading`"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from retinai.cli.options import Device, YesNo
from retinai.strict_json import without_nan


def grading(
    data: Annotated[Path, typer.Option(help="Root of the data set.", show_default=False)],
    dataset: Annotated[str, typer.Option(help="Its kind: idrid, aptos, ...; an unknown one lists them all.", show_default=False)],
    split: Annotated[str, typer.Option(help="train, validation or test; all of an external set.")] = "validation",
    grader: Annotated[
        str, typer.Option(help="Who grades: image, lesions, image:FOLDER, lesions:FOLDER, vlm:nano, ...; a wrong word lists all.")
    ] = "vlm:nano",
    adapter: Annotated[Path | None, typer.Option(help="A LoRA adapter for vlm:...", show_default=False)] = None,
    load_4bit: Annotated[YesNo, typer.Option("--load-4bit", help="Whether vlm:... is loaded in 4 bits.")] = "auto",
    device: Device = "auto",
    cache: Annotated[Path | None, typer.Option(help="Keep what the lesion U-Net finds here, for lesions.", show_default=False)] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N photographs.", min=1, show_default=False)] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Keep photographs.csv, report.json and pictures here; a stopped run goes on.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a grader on labelled photographs: agreement, calibration, referral, with intervals and nulls.

    retinai evaluate grading --data IDRID_ROOT --dataset idrid --split validation --grader vlm:nano --output runs/nano-idrid
    """
    from retinai.graders import Options, load_grader
    from retinai.grading.evaluate import evaluate
    from retinai.grading.render import as_table
    from retinai.readers import load, read
    from retinai.talk import FOUR_BITS

    records = load(dataset, data).records if split == "all" else read(dataset, data, split)
    chosen = load_grader(grader, Options(adapter, FOUR_BITS[load_4bit], device, cache))
    report = evaluate(chosen, records, dataset, split, limit, output)
    typer.echo(jsonlib.dumps(without_nan(report), indent=2, allow_nan=False) if json else as_table(report))
    if report["unanswered"]["failed"]:
        raise typer.Exit(1)
