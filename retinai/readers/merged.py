"""Several data sets as one table, `merged.csv`, in which every photograph keeps its source and no photograph leaks.

Splits are those of each set's own reader, so that whatever was held out of a set stays held out of the merged one.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retinai.errors import DataError
from retinai.files import whole
from retinai.readers.copies import copies, describe, differ, kept_copies
from retinai.readers.listing import Listing
from retinai.readers.record import Record
from retinai.readers.tables import read_rows

FILE = "merged.csv"
COLUMNS = ("image", "id", "source", "split", "grade", "dme", "maculopathy", "label", "patient", "eye", "gradable")


@dataclass(frozen=True, slots=True)
class Merged:
    """records: what is kept; dropped: copies of what is kept."""

    records: list[Record]
    dropped: list[Record]


def merge(sets: Mapping[str, Sequence[Record]]) -> Merged:
    """One list from the records of several sets, by name. Copies within a split are left out but for the first.

    Raises DataError where one photograph, told by the SHA-256 of its file, stands in two splits, or has two labels; and where
    two photographs of one kind of set have one name.
    """
    records = [_named(record) for found in sets.values() for record in found]
    names = Counter((record.source, record.split, record.id) for record in records)
    if len(names) < len(records):
        raise DataError(f"two photographs are called {names.most_common(1)[0][0][2]}; merge sets of different kinds, or rename one")
    dropped: set[int] = set()
    for group in copies(records):
        those = [records[place] for place in group]
        if len({record.split for record in those}) > 1:
            raise DataError(f"leak: {_and(those)} are one photograph in two splits; leave one of the sets or splits out")
        if differ(those):
            raise DataError(f"{_and(those)} are one photograph with different labels; leave one of the sets out")
        kept = {group[i] for i in kept_copies(those)[:1]}
        dropped |= set(group) - kept
    return Merged([record for place, record in enumerate(records) if place not in dropped], [records[place] for place in sorted(dropped)])


def _named(record: Record) -> Record:
    """With the source in front of id and patient, which two sets may both use."""
    patient = f"{record.source}:{record.patient}" if record.patient else None
    return replace(record, id=f"{record.source}:{record.id}", patient=patient)


def _and(records: Sequence[Record]) -> str:
    return " and ".join(describe(record) for record in records)


def write_merged(path: Path, records: Sequence[Record]) -> None:
    """The table, whole or not at all; photographs by their absolute paths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path, newline="") as file:
        writer = csv.DictWriter(file, list[str](COLUMNS), lineterminator="\n")
        writer.writeheader()
        for record in records:
            values: dict[str, Any] = {name: getattr(record, name) for name in COLUMNS}
            flags = {name: "" if values[name] is None else int(values[name]) for name in ("maculopathy", "gradable")}
            writer.writerow(values | flags | {"image": record.image.resolve()})


def find_merged(root: Path) -> Path | None:
    """`root` itself, or the table in it."""
    path = Path(root) if Path(root).is_file() else Path(root) / FILE
    return path if path.name == FILE and path.is_file() else None


def list_merged(root: Path) -> Listing:
    """A table that `retinai data merge` wrote. Nothing is moved between its splits."""
    table = find_merged(root)
    if table is None:
        raise DataError(f"no merged sets: expected {FILE} at {root}; retinai data merge writes it")
    listing = Listing("merged", Path(root), fixed=True)
    for row in read_rows(table, *COLUMNS):
        record = Record(
            row["id"], row["split"], Path(row["image"]), row["source"], patient=row["patient"] or None, eye=row["eye"] or None,
            gradable=row["gradable"] != "0", label=row["label"] or None,
        )  # fmt: skip
        listing.add(record, table, **{name: row[name] for name in ("grade", "dme", "maculopathy") if row[name]})
    return listing
