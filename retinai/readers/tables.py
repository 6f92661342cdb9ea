"""Tables of labels as they are published: stray spaces, nameless columns, semicolons, other encodings, '2.0' for 2.

What cannot be read for certain is refused, in a line that names the trouble: a grade that is misread is worse than none.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from retinai.errors import DataError
from retinai.files import visible
from retinai.names import shown

Row = dict[str, str]
_HEAD = 1 << 16
_DELIMITERS = ",;\t|"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_KNOWN_OTHERS = {b"PK": "a spreadsheet or ZIP file", b"\xd0\xcf\x11\xe0": "a spreadsheet", b"<": "a web page or XML"}


def read_rows(path: Path, *needed: str) -> list[Row]:
    """The rows of a CSV file, one mapping each, names lower-cased and everything stripped. Empty rows are skipped.

    UTF-8, UTF-16 with its mark and Windows-1252; commas, semicolons, tabs or bars, as the first line has them.
    Raises DataError where the file cannot be read, lacks one of the `needed` columns (naming those it has), has a column twice, or a
    row with more cells than there are columns, in which a name or a label may stand under the wrong one.
    """
    header, *rows = _cells(path) or [[]]
    names = _names(header)
    if missing := [name for name in needed if name not in names]:
        raise DataError(f"{path} has no column {', '.join(missing)}; it has {shown(', '.join(filter(None, names))) or 'none'}")
    if twice := _twice(names):
        raise DataError(f"{path} has more than one column {shown(', '.join(twice))}; leave one of each")
    for number, row in enumerate(rows, start=2):
        if any(row[len(names) :]):
            raise DataError(f"{path}: row {number} has {len(row)} cells for {len(names)} columns; put names with commas in quotes")
    return [{name: row[i] if i < len(row) else "" for i, name in enumerate(names) if name} for row in rows if any(row)]


def columns(path: Path) -> set[str]:
    """The column names of a CSV file, lower-cased; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        text = _text(head, "replace" if len(head) == _HEAD else "strict")
        return set(_names(next(_parsed(text), []))) - {""}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def find_table(root: Path, *needed: str) -> Path | None:
    """The first CSV file in `root`, in order of name, with all the `needed` columns."""
    return next((path for path in visible(Path(root), "*.csv") if columns(path) >= set(needed)), None)


def whole(text: str, highest: int) -> int:
    """'2' or '2.0' -> 2. Raises ValueError, with the words for it, unless it is a whole number in 0..highest."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number not in range(highest + 1):
        raise ValueError(f"{text!r} is not in 0-{highest}" if text else "empty")
    return int(number)


def _names(header: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in header]


def _twice(names: Sequence[str]) -> list[str]:
    """The columns that are there more than once, also as 'grade.1', which is what pandas makes of the second."""
    seen = [re.sub(r"\.\d+$", "", name) if re.sub(r"\.\d+$", "", name) in names else name for name in names if name]
    return sorted({name for name in seen if seen.count(name) > 1})


def _cells(path: Path) -> list[list[str]]:
    try:
        return [[cell.strip() for cell in row] for row in _parsed(_text(path.read_bytes(), "strict"))]
    except OSError as error:
        raise DataError(f"no table at {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file: {error}") from None


def _text(data: bytes, errors: str) -> str:
    """The text of a table by its mark; without one UTF-8, or else Windows-1252. Raises csv.Error for what is no text."""
    if kind := next((kind for start, kind in _KNOWN_OTHERS.items() if data.startswith(start)), None):
        raise csv.Error(f"it is {kind}; save it as CSV")
    if encoding := next((name for mark, name in _MARKS.items() if data.startswith(mark)), None):
        text = data.decode(encoding, errors)
    else:
        text = _decoded(data, errors)
    if "\0" in text:
        raise csv.Error("it holds null bytes; save it as UTF-8")
    return text


def _decoded(data: bytes, errors: str) -> str:
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError:
        return data.decode("cp1252")  # what Excel writes in western Europe


def _parsed(text: str) -> Iterator[list[str]]:
    """The rows of cells, by the delimiter that cuts the first line into most cells, or that Excel's `sep=;` names."""
    if named := re.match(r"sep=(.)\r?\n", text):
        return csv.reader(io.StringIO(text[named.end() :], newline=""), delimiter=named[1], strict=True)
    first = {each: len(next(csv.reader(io.StringIO(text, newline=""), delimiter=each), [])) for each in _DELIMITERS}
    return csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.__getitem__), strict=True)
