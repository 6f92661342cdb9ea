"""A data set as it is published: the records, and every problem with its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retinai.errors import DataError
from retinai.files import SUFFIXES, photographs
from retinai.readers.record import Record
from retinai.readers.tables import whole
from retinai.readers.words import grade_in_words

SPLITS = ("train", "validation", "test", "unlabelled")
SPLIT_WORDS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_HIGHEST = {"grade": 4, "dme": 2, "maculopathy": 1}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one file.

    kind: 'missing' (listed, not there), 'unlisted' (there, not listed), 'label', 'photograph' or 'mask' (cannot be used),
    'copy' (one photograph twice in a split) or 'leak' (one photograph in two splits); text: one plain line.
    """

    file: Path
    kind: str
    text: str


@dataclass(slots=True)
class Listing:
    """What a reader found, as published, or after `splits.prepare` what is used of it.

    dropped: the records that `prepare` left out; fixed: it must neither drop nor move any;
    pins: id of a training photograph -> 'train', 'validation' or 'drop', where it must go.
    """

    name: str
    root: Path
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    pins: dict[str, str] = field(default_factory=dict)
    dropped: list[Record] = field(default_factory=list)
    fixed: bool = False

    def add(self, record: Record, table: Path, **labels: str) -> None:
        """Take in `record` with the `labels` (grade, dme, maculopathy) that `table` gives it as text; a grade also in words.

        What is no file, or has a label that is no number in range, becomes a problem instead.
        """
        if not record.image.is_file():
            self.problems.append(Problem(record.image, "missing", f"no such photograph, listed in {table.name}"))
            return
        values: dict[str, Any] = {}
        for key, text in labels.items():
            try:
                values[key] = _value(key, text)
            except ValueError as error:
                self.problems.append(Problem(record.image, "label", f"{key} in {table.name}: {error}"))
                return
        if "maculopathy" in values:
            values["maculopathy"] = bool(values["maculopathy"])
        self.records.append(replace(record, **values))

    def attempt(self, add: Callable[..., None], table: Path, *rest: Any) -> None:
        """Take in one part of the data set. A part that cannot be read is a problem of its table, not the end."""
        try:
            add(self, table, *rest)
        except DataError as error:
            self.problems.append(Problem(table, "missing", str(error)))


def _value(key: str, text: str) -> int:
    words = grade_in_words(text) if key == "grade" and not text.replace(".", "").isdigit() else None
    return whole(text, _HIGHEST[key]) if words is None else words


class Photographs:
    """The photographs under a folder, found by name: with or without the suffix, in any case, at any depth; no hidden ones."""

    def __init__(self, folder: Path) -> None:
        """Raises DataError where there is no such folder or no photograph in it."""
        self.folder = folder
        self.paths = list(photographs(folder))
        if not self.paths:
            raise DataError(f"no photographs: expected JPEG, PNG, TIFF, BMP or JPEG 2000 files in {folder}")
        self._named: dict[str, list[Path]] = {}
        for path in self.paths:
            self._named.setdefault(path.stem.lower(), []).append(path)
        self._listed: set[Path] = set()

    def find(self, name: str) -> Path:
        """The file of a photograph; where there is none, or more than one, the path where it was expected."""
        place = self.folder / name.replace("\\", "/")
        key = (place.stem if place.suffix.lower() in SUFFIXES else place.name).lower()
        named = self._named.get(key, [])
        if place.suffix.lower() not in SUFFIXES:
            place = place.with_name(place.name + self.paths[0].suffix)
        found = named[0] if len(named) == 1 and not place.is_file() else place
        self._listed.add(found)
        return found

    def unlisted(self, table: Path) -> list[Problem]:
        """A problem for each photograph that was never asked for."""
        return [Problem(path, "unlisted", f"not listed in {table.name}") for path in self.paths if path not in self._listed]
