"""Tables of labels as they are published: stray spaces, nameless columns, a byte order mark, '2.0' for 2."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from retinai.errors import DataError

Row = dict[str, str]


def read_rows(path: Path, *needed: str) -> list[Row]:
    """The rows of a CSV file, one mapping each, names lower-cased and everything stripped. Empty rows are skipped.

    Raises DataError where the file cannot be read or lacks one of the `needed` columns, naming those it has.
    """
    header, *rows = _cells(path) or [[]]
    names = [name.lower() for name in header]
    if missing := [name for name in needed if name not in names]:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(filter(None, names)) or 'none'}")
    return [{name: row[i] if i < len(row) else "" for i, name in enumerate(names) if name} for row in rows if any(row)]


def columns(path: Path) -> set[str]:
    """The column names of a CSV file, lower-cased; none where it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {name.strip().lower() for name in next(csv.reader(file), [])} - {""}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def find_table(root: Path, *needed: str) -> Path | None:
    """The first CSV file in `root`, in order of name, with all the `needed` columns."""
    return next((path for path in sorted(Path(root).glob("*.csv")) if columns(path) >= set(needed)), None)


def whole(text: str, highest: int) -> int:
    """'2' or '2.0' -> 2. Raises ValueError, with the words for it, unless it is a whole number in 0..highest."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number not in range(highest + 1):
        raise ValueError(f"{text!r} is not in 0-{highest}" if text else "empty")
    return int(number)


def _cells(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    except OSError as error:
        raise DataError(f"no table at {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file: {error}") from None
