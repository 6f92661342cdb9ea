"""Let a grader grade labelled photographs, batch after batch, each batch kept before the next begins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from retinai.errors import DataError, ImageError
from retinai.grading.protocol import Grader, Reading
from retinai.grading.results import Row, append_rows, load_rows, row_of
from retinai.image import read_photograph
from retinai.progress import Progress
from retinai.readers.record import Record
from retinai.types import FundusImage

BATCH = 4
"""Photographs held in memory at once; native ones are 36 MB each."""


def labelled(records: Sequence[Record], limit: int | None = None) -> list[Record]:
    """The records that have a grade to compare with, the first `limit` of them. Raises DataError without any."""
    graded = [record for record in records if record.grade is not None]
    if not graded:
        raise DataError(f"none of these {len(records)} photographs has a grade to compare with")
    return graded[:limit]


def grade_records(grader: Grader, records: Sequence[Record], path: Path | None = None, quiet: bool = False) -> list[Row]:
    """One row per record, in their order. With `path`, rows that stand there are taken from there, new ones are added;
    a file that could not be read is tried again."""
    rows = {key: row for key, row in load_rows(path).items() if not row.failed} if path else {}
    todo = [record for record in records if (record.source, record.split, record.id) not in rows]
    with Progress("grading", len(todo), quiet) as progress:
        for start in range(0, len(todo), BATCH):
            new = _grade_batch(grader, todo[start : start + BATCH])
            if path:
                append_rows(path, new)
            rows |= {row.key: row for row in new}
            progress.to(start + len(new))
    return [rows[record.source, record.split, record.id] for record in records]


def _grade_batch(grader: Grader, records: Sequence[Record]) -> list[Row]:
    """The rows of a few records. A file that cannot be read is a row without a grade, and the others go on."""
    began = time.perf_counter()
    images: list[FundusImage] = []
    failures: dict[int, str] = {}
    for number, record in enumerate(records):
        try:
            images.append(read_photograph(record.image))
        except ImageError as error:
            failures[number] = str(error)
    readings = iter(grader.grade(images))
    said = [Reading(None, reason=failures[i]) if i in failures else next(readings) for i in range(len(records))]
    seconds = (time.perf_counter() - began) / len(records)
    return [row_of(record, reading, seconds, i in failures) for i, (record, reading) in enumerate(zip(records, said, strict=True))]
