"""Sets of grades for a language model that is there already: from a graded validation split to its `grade.json`.

Training stores them itself; this is for a model trained before, or another validation split. Stands above the rooms: the answers are the
graders', the file is the language model's.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from retinai.artifacts import record
from retinai.conformal import coverage, fit_conformal
from retinai.errors import DataError, UsageError
from retinai.files import sha256_of_folder
from retinai.grading.results import Row, load_rows
from vlm.calibrate import FILE, Calibration


def store_sets(results: Path, model: Path) -> dict[str, Any]:
    """Fit the threshold on the answers in `results` (of `retinai evaluate grading --split validation --output`) and store it with `model`.

    Returns the threshold and its leave-one-out coverage. Raises DataError for answers of another split or too few of them, UsageError for
    those of another model.
    """
    rows = _answers(results, model)
    probs, levels = np.array([row.probs for row in rows]), np.array([row.truth for row in rows], np.int64)
    fitted = fit_conformal(probs, levels)
    if fitted is None:
        raise DataError(f"{results} holds {len(rows)} graded photographs, too few for sets of grades")
    replace(Calibration.load(model), conformal=fitted).save(model)
    record(model, FILE)
    return {"threshold": fitted.threshold, "rate": fitted.rate, "cases": fitted.cases, "left_out": coverage(probs, levels)}


def _answers(results: Path, model: Path) -> list[Row]:
    """The rows with a grade, of the validation split and of this very model."""
    try:
        run = json.loads((results / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{results} holds no graded photographs: retinai evaluate grading --split validation --output {results}") from None
    if run.get("split") != "validation":
        raise DataError(f"{results} holds the {run.get('split')} split; sets of grades are set on validation")
    if sha256_of_folder(model, "*.safetensors", FILE) not in run.get("grader", {}).values():
        raise UsageError(f"{results} holds the answers of another model than {model}, or of this one before it was calibrated")
    return [row for row in load_rows(results / "photographs.csv").values() if np.isfinite(row.probs).all()]
