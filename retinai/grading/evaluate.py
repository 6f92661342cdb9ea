"""Measure a grader on labelled photographs: let it grade them, count, and keep the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import retinai
from retinai.about import installed
from retinai.files import whole
from retinai.grading.protocol import Grader
from retinai.grading.render import draw_confusion, draw_risk
from retinai.grading.report import summarise
from retinai.grading.results import Row, claim_folder
from retinai.grading.run import grade_records, labelled
from retinai.readers.record import Record
from retinai.strict_json import dumps, without_nan


def evaluate(
    grader: Grader, records: Sequence[Record], dataset: str, split: str, limit: int | None = None, output: Path | None = None
) -> dict[str, Any]:
    """The report of `grader` on `records`, which are one split of a data set, or on the first `limit` of them.

    With `output`, photographs.csv is filled as it goes, so that a second call goes on where the first was stopped, and
    report.json, confusion.png and risk.png are written at the end. Raises DataError without labels, UsageError where `output`
    holds another run.
    """
    run = {"dataset": dataset, "split": split, "grader": dict(grader.identity)}
    chosen = labelled(records, limit)
    if output:
        claim_folder(output, run)
    rows = grade_records(grader, chosen, output / "photographs.csv" if output else None)
    unlabelled = sum(record.grade is None for record in records)
    report = summarise(rows, run | versions() | {"limit": limit, "unlabelled_left_out": unlabelled, "photographs": fingerprint(rows)})
    if output:
        _keep(report, output)
    return report


def versions() -> dict[str, Any]:
    """Of RetinAI and of what may change a figure."""
    return {"retinai": retinai.__version__, "packages": {name: installed(name) for name in ("numpy", "torch", "transformers")}}


def fingerprint(rows: Sequence[Row]) -> str:
    """SHA-256 of which photographs were graded and what their true grades are: equal for two reports on the same cases."""
    cases = sorted((*row.key, row.truth) for row in rows)
    return hashlib.sha256(json.dumps(cases).encode()).hexdigest()


def _keep(report: Mapping[str, Any], folder: Path) -> None:
    with whole(folder / "report.json") as file:
        file.write(dumps(without_nan(report), indent=2) + "\n")
    draw_confusion(report, folder / "confusion.png")
    draw_risk(report, folder / "risk.png")
