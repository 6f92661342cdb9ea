"""Which photographs are audited: those with masks, those with a grade, each kind for its own figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from retinai.errors import DataError
from retinai.readers import load, read
from retinai.readers.idrid import read_segmentation
from retinai.readers.idrid_overlap import read_links
from retinai.readers.record import Record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph to audit. name: 'masked/IDRiD_03' or 'graded/IDRiD_102'; grade: ICDR 0-4, None where unlabelled;
    masked: whether its true masks are judged by, or else its grade."""

    name: str
    record: Record
    grade: int | None
    masked: bool

    @property
    def unit(self) -> str:
        """What the bootstrap draws as one: the patient where there is a name, else the photograph."""
        return self.record.patient or ""


def choose(dataset: str, root: Path, split: str, limit: int | None = None) -> list[Item]:
    """The photographs with masks, then those with a grade, in the reader's order; with `limit` so many of each, spread evenly.

    Both parts of IDRiD are read where they are there; an eye that both parts show is in both lists. split: 'all' for every one.
    Raises DataError where there is nothing to judge by.
    """
    masked, graded = _idrid(root, split) if dataset == "idrid" else _plain(dataset, root, split)
    chosen = [*_spread(masked, limit), *_spread(graded, limit)]
    if not chosen:
        raise DataError(f"none of the {split} photographs of {dataset} in {root} has masks or a grade to judge by")
    return chosen


def _plain(dataset: str, root: Path, split: str) -> tuple[list[Item], list[Item]]:
    records = load(dataset, root).records if split == "all" else read(dataset, root, split)
    return list(_items(records, masked=True)), list(_items(records, masked=False))


def _idrid(root: Path, split: str) -> tuple[list[Item], list[Item]]:
    drawn, graded = (Path(root) / "A. Segmentation").is_dir(), (Path(root) / "B. Disease Grading").is_dir()
    if not drawn:
        return _plain("idrid", root, split)
    labelled = load("idrid", root).records if graded else []
    splits = ("train", "validation") if split == "all" else (split,)
    grades = _linked_grades(root, labelled)
    records = [record for name in splits for record in read_segmentation(root, name)]
    items = [Item(f"masked/{r.id}", r, grades.get(r.id) if r.split != "test" else None, True) for r in records]
    return items, list(_items([r for r in labelled if split in (r.split, "all")], masked=False))


def _linked_grades(root: Path, labelled: Sequence[Record]) -> dict[str, int]:
    """Segmentation training photograph -> the grade of the same eye in the grading part."""
    labels = {record.id: record.grade for record in labelled if record.split != "test"}
    pairs = [(drawn, labels.get(name)) for drawn, name in read_links(root, labels)]
    return {drawn: grade for drawn, grade in pairs if grade is not None}


def _items(records: Sequence[Record], masked: bool) -> Iterator[Item]:
    for record in records:
        if record.masks if masked else record.grade is not None:
            kind = "masked" if masked else "graded"
            yield Item(f"{kind}/{record.id}", record, record.grade, masked)


def _spread(items: list[T], limit: int | None) -> list[T]:
    """So many of the list at even distances; all of them where there are no more."""
    if limit is None or limit >= len(items):
        return items
    return [items[place] for place in np.linspace(0, len(items) - 1, limit).round().astype(int)]
