"""Second readers' opinions -> labels to train on: a table of grades that `retinai` reads as a data set, and a mask for each class."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from apps.feedback import Store
from retinai.errors import DataError, UsageError
from retinai.files import photographs as photographs_in
from retinai.files import sha256_of


def grade_labels(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Photograph's SHA-256 -> the grade that its readers give. One reader's opinion after seeing the model's takes the place of the one
    before. A photograph on which readers differ, or that one calls ungradable, has no label."""
    opinions: dict[str, dict[str, int | None]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: (1 - row["blind"], row["id"])):
        given = row["lesion_grade"] if row["verdict"] == "agree" else row["grade"]
        if given is None and row["verdict"] == "disagree":
            continue  # says what the grade is not
        opinions[row["image_sha256"]][row["reader"]] = given
    return {image: level for image, by in opinions.items() if (level := _agreed(by.values())) is not None}


def _agreed(levels: Iterable[int | None]) -> int | None:
    different = set(levels)
    return different.pop() if len(different) == 1 else None


def export(store: Store, folder: Path, photographs: Path | None = None) -> dict[str, int]:
    """Write labels.csv, grades.jsonl and lesions.jsonl. Returns how many of each.

    labels.csv has the columns image and grade, the image by its SHA-256. With `photographs`, a folder in which the graded files are found
    by content, they are copied beside the table under that name, so that `--dataset csv` reads the whole; those not found have no label.
    Raises DataError where there is no feedback, UsageError where the folder cannot be written.
    """
    if not store.path.is_file():
        raise DataError(f"no feedback at {store.path}")
    grades, lesions = store.grades(), store.lesions()
    labels = grade_labels(grades)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if photographs is not None:
            labels = _copied(labels, photographs, folder / "photographs")
        _write_lines(folder / "grades.jsonl", grades)
        _write_lines(folder / "lesions.jsonl", lesions)
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("image", "grade"), *sorted(labels.items())])
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}") from None
    return {"labels": len(labels), "grades": len(grades), "lesions": len(lesions)}


def _copied(labels: Mapping[str, int], photographs: Path, target: Path) -> dict[str, int]:
    """Copy the labelled photographs, each named by its checksum; name -> grade of those that were found."""
    if not photographs.is_dir():
        raise UsageError(f"no folder at {photographs}")
    target.mkdir(exist_ok=True)
    found = {}
    for path in photographs_in(photographs):
        image = sha256_of(path)
        if image in labels:
            name = f"photographs/{image}{path.suffix.lower()}"
            shutil.copyfile(path, target.parent / name)
            found[name] = labels[image]
    return found


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, allow_nan=False) + "\n" for row in rows), encoding="utf-8")
