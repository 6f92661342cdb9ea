"""The numbers of every photograph in one CSV file, kept as soon as they are known, so that an audit that was killed goes on.

One line a number. The lines of a metric on a photograph are one write, flushed to the disk, and its last line says END: what has no END was
cut short, and is measured again. To have one photograph measured again, delete its lines.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from fusion.audit.figures import Numbers, Result
from retinai.errors import DataError
from retinai.files import whole

COLUMNS = ("photograph", "unit", "metric", "source", "name", "value")
END = "end"

Line = tuple[str, str, str, str, str, str]


def append(path: Path, photograph: str, unit: str, metric: str, found: Mapping[str, Numbers]) -> list[Result]:
    """Add what one metric found, source -> numbers, in one write, and wait until it is on the disk. Returns it as results."""
    lines = [
        (photograph, unit, metric, source, name, repr(float(value))) for source, numbers in found.items() for name, value in numbers.items()
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.exists() or path.stat().st_size == 0:
        writer.writerow(COLUMNS)
    writer.writerows([*lines, (photograph, unit, metric, END, "", "")])
    with path.open("ab") as file:
        file.write(text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())
    return [Result(photograph, metric, source, dict(numbers), unit) for source, numbers in found.items()]


def load(path: Path) -> tuple[list[Result], set[tuple[str, str]]]:
    """The results of an earlier run, and the (photograph, metric) pairs that are done. What was cut short is taken off the file.

    Raises DataError where the file has other columns, or a line that is no number.
    """
    if not path.exists():
        return [], set()
    lines = _lines(path)
    blocks = [list(block) for _, block in groupby(lines, key=lambda line: (line[0], line[2]))]
    whole = [block for block in blocks if block[-1][3] == END]
    if len(whole) < len(blocks) or _torn(path):
        _rewrite(path, [line for block in whole for line in block])
    results = [result for block in whole for result in _results(path, block)]
    return results, {(block[0][0], block[0][2]) for block in whole}


def _lines(path: Path) -> list[Line]:
    """The complete lines, without the header. An empty file has none."""
    content = path.read_bytes()
    text = content[: content.rfind(b"\n") + 1].decode()
    rows = list(csv.reader(io.StringIO(text)))
    if rows and tuple(rows[0]) != COLUMNS:
        raise DataError(f"{path} is no file of an audit; move it away or choose another --output")
    wrong = next((number for number, row in enumerate(rows, start=1) if len(row) != len(COLUMNS)), None)
    if wrong is not None:
        raise DataError(f"{path}, line {wrong}, is no line of an audit; delete the lines of that photograph to have it measured again")
    return [(a, b, c, d, e, f) for a, b, c, d, e, f in rows[1:]]


def _torn(path: Path) -> bool:
    content = path.read_bytes()
    return bool(content) and not content.endswith(b"\n")


def _rewrite(path: Path, lines: Sequence[Line]) -> None:
    with whole(path, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *lines])


def _results(path: Path, block: Sequence[Line]) -> Iterator[Result]:
    photograph, unit, metric = block[0][:3]
    for source, group in groupby(block[:-1], key=lambda line: line[3]):
        try:
            numbers = {line[4]: float(line[5]) for line in group}
        except ValueError:
            raise DataError(f"{path}: {metric} of {photograph} is no number; delete its lines to have it measured again") from None
        yield Result(photograph, metric, source, numbers, unit)
