"""Sets of grades from a graded validation split: stored with the model that gave the answers, and with no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retinai.errors import DataError, UsageError
from retinai.files import sha256_of_folder
from retinai.grade_sets import store_sets
from retinai.grading.results import Row, append_rows
from vlm.calibrate import FILE, Calibration


def graded(tmp_path: Path, split: str = "validation", count: int = 12) -> tuple[Path, Path]:
    """A model folder and the answers that it gave: all right but one."""
    model, results = tmp_path / "model", tmp_path / "results"
    model.mkdir()
    results.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    Calibration((0.0,) * 5, 2.0).save(model)
    run = {"split": split, "grader": {"name": "vlm:model", "weights": sha256_of_folder(model, "*.safetensors", FILE)}}
    (results / "run.json").write_text(json.dumps(run))
    rows = [
        Row("drawn", split, str(number), "", 2 if number else 3, 2, 0.05, 0.1, 0.6, 0.2, 0.05, False, False, "", "", 0.1)
        for number in range(count)
    ]
    nan = float("nan")
    refused = Row("drawn", split, "refused", "", 2, -1, nan, nan, nan, nan, nan, False, False, "said to be ungradable", "", 0.1)
    append_rows(results / "photographs.csv", [*rows, refused])
    return results, model


def test_the_threshold_is_stored_beside_the_temperature(tmp_path: Path) -> None:
    results, model = graded(tmp_path)
    stored = store_sets(results, model)
    assert (stored["threshold"], stored["cases"]) == (pytest.approx(0.6), 12)  # the twelfth of twelve: the wrong one's
    calibration = Calibration.load(model)
    assert calibration.temperature == 2.0 and calibration.conformal is not None and calibration.conformal.cases == 12
    with pytest.raises(UsageError, match="another model"):
        store_sets(results, model)


def test_another_split_too_few_answers_and_no_answers_are_one_line(tmp_path: Path) -> None:
    for name, words in {"test": "holds the test split", "train": "holds the train split"}.items():
        (tmp_path / name).mkdir()
        with pytest.raises(DataError, match=words):
            store_sets(*graded(tmp_path / name, name))
    (tmp_path / "few").mkdir()
    with pytest.raises(DataError, match="8 graded photographs, too few"):
        store_sets(*graded(tmp_path / "few", count=8))
    with pytest.raises(DataError, match="retinai evaluate grading"):
        store_sets(tmp_path / "nothing", tmp_path)
