"""One row a photograph, kept in a CSV file as soon as it is known, so that a run that was killed goes on.

A batch of rows is one write, flushed to disk before the next photograph is looked at. Words are written on one line,
so a write that was cut short is a last line without its end, and is dropped when the file is read again.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from retinai.errors import DataError, UsageError
from retinai.files import whole
from retinai.grading.metrics import NONE
from retinai.grading.protocol import Reading
from retinai.readers.record import Record

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """truth, level: ICDR 0-4, level NONE without a grade; p0-p4: probabilities, NaN then; reason: why there is no grade;
    failed: the file could not be read; malformed: the words could be read only in part; seconds: the photograph's share of its batch."""

    source: str
    split: str
    id: str
    patient: str
    truth: int
    level: int
    p0: float
    p1: float
    p2: float
    p3: float
    p4: float
    failed: bool
    malformed: bool
    reason: str
    text: str
    seconds: float

    @property
    def key(self) -> Key:
        return self.source, self.split, self.id

    @property
    def valid(self) -> bool:
        """Whether there is a grade and every word could be read."""
        return self.level != NONE and not self.malformed

    @property
    def probs(self) -> tuple[float, ...]:
        return self.p0, self.p1, self.p2, self.p3, self.p4


_COLUMNS = tuple(field.name for field in fields(Row))
_KINDS = {"int": int, "float": float, "str": str, "bool": lambda word: word == "True"}


def row_of(record: Record, reading: Reading, seconds: float, failed: bool = False) -> Row:
    """The row of a labelled record. Raises ValueError where it has no grade to compare with."""
    if record.grade is None:
        raise ValueError(f"{record.id} has no grade")
    grade = reading.grade
    probs = grade.probs if grade else (float("nan"),) * 5
    return Row(
        source=record.source,
        split=record.split,
        id=record.id,
        patient=record.patient or "",
        truth=record.grade,
        level=grade.level if grade else NONE,
        **{f"p{level}": prob for level, prob in enumerate(probs)},
        failed=failed,
        malformed=reading.malformed,
        reason=" ".join(reading.reason.split()),
        text=" ".join(reading.text.split()),
        seconds=round(seconds, 4),
    )


def append_rows(path: Path, rows: Sequence[Row]) -> None:
    """Add rows at the end in one write, with the header before the first, and wait until they are on the disk."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    if not path.exists() or path.stat().st_size == 0:
        writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    with path.open("ab") as file:
        file.write(text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


def load_rows(path: Path) -> dict[Key, Row]:
    """The rows of an earlier run, none where there is no file. A last line without its end is cut off the file.

    Raises DataError where the file has other columns, or a line that is no row.
    """
    if not path.exists():
        return {}
    _cut_torn_line(path)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames not in (None, list(_COLUMNS)):
            raise DataError(f"{path} is no file of graded photographs; move it away or choose another --output")
        rows = [_parse(path, reader.line_num, values) for values in reader]
    return {row.key: row for row in rows}


def _parse(path: Path, line: int, values: Mapping[str, Any]) -> Row:
    try:
        return Row(**{field.name: _KINDS[str(field.type)](values[field.name]) for field in fields(Row)})
    except (ValueError, TypeError):
        raise DataError(f"{path}, line {line}, is no graded photograph; delete that line to have it graded again") from None


def _cut_torn_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def claim_folder(folder: Path, run: Mapping[str, Any]) -> None:
    """Write what is run to `folder`/run.json, or refuse a folder that holds the results of another run (UsageError)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.json"
    text = json.dumps(run, indent=2, sort_keys=True, allow_nan=False) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{folder} holds the results of another run (see {path.name} there); choose another --output")
    with whole(path) as file:
        file.write(text)
