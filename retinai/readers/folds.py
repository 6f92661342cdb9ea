"""Folds that keep a camera's sessions whole: a table of photographs, each with its session and its fold.

`retinai camera sessions` makes the table for IDRiD, where fellow eyes and repeats of one patient are not named (docs/segmentation.md).
Columns: part ('segmentation' or 'grading'), image, session, fold, dust (the amplitude of the camera's marks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retinai.errors import DataError
from retinai.readers import read
from retinai.readers.idrid import read_segmentation
from retinai.readers.record import Record
from retinai.readers.tables import read_rows

SEGMENTATION, GRADING = "segmentation", "grading"
COLUMNS = ("part", "image", "session", "fold", "dust")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photograph belongs. session: photographs of one session are in one fold; dust: amplitude of the camera's marks."""

    session: int
    fold: int
    dust: float


def read_folds(path: Path) -> dict[tuple[str, str], Place]:
    """(part, photograph) -> its place. Raises DataError where a number is none."""
    try:
        return {
            (row["part"], row["image"]): Place(int(row["session"]), int(row["fold"]), float(row["dust"]))
            for row in read_rows(path, *COLUMNS)
        }
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def outlined(data: Path, folds: dict[tuple[str, str], Place], fold: int | None, inside: bool) -> list[Record]:
    """IDRiD's outlined training photographs in `fold` (inside) or outside of it; all of them where fold is None."""
    records = [record for split in ("train", "validation") for record in read_segmentation(data, split)]
    return _chosen(sorted(records, key=lambda record: record.id), SEGMENTATION, folds, fold, inside)


def graded(data: Path, folds: dict[tuple[str, str], Place], fold: int | None, inside: bool, grades: Sequence[int]) -> list[Record]:
    """IDRiD's graded training photographs of these grades, in `fold` or outside of it; all of them where fold is None."""
    records = [record for split in ("train", "validation") for record in read("idrid", data, split) if record.grade in grades]
    return _chosen(sorted(records, key=lambda record: record.id), GRADING, folds, fold, inside)


def _chosen(records: Sequence[Record], part: str, folds: dict[tuple[str, str], Place], fold: int | None, inside: bool) -> list[Record]:
    missing = [record.id for record in records if (part, record.id) not in folds]
    if missing and fold is not None:
        raise DataError(f"{len(missing)} photographs are in no fold, such as {missing[0]} of the {part} part")
    chosen = [record for record in records if fold is None or (folds[part, record.id].fold == fold) == inside]
    return [replace(record, split="validation" if fold is not None and inside else "train") for record in chosen]
