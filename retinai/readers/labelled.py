"""Data sets laid out as `labels.csv` beside `images/`: rahim2025 (both eyes of patients) and eye4 (four classes)."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import Listing, Photographs
from retinai.readers.record import Record
from retinai.readers.tables import read_rows

RAHIM_COLUMNS = ("image", "patient", "eye", "dr_grade", "maculopathy")
EYE4_COLUMNS = ("image", "label", "dr_grade", "patient", "source")
_EYES = {"L": "left", "R": "right"}


def list_rahim2025(root: Path) -> Listing:
    """Grade and maculopathy (yes or no) of both eyes of each patient; a patient is never split."""
    listing, table, photographs = _open(root, "rahim2025", RAHIM_COLUMNS)
    for row in read_rows(table, *RAHIM_COLUMNS):
        image = photographs.find(row["image"])
        record = Record(Path(row["image"]).stem, "train", image, "rahim2025", patient=row["patient"], eye=_EYES.get(row["eye"]))
        listing.add(record, table, grade=row["dr_grade"], maculopathy=row["maculopathy"])
    listing.problems += photographs.unlisted(table)
    return listing


def list_eye4(root: Path) -> Listing:
    """The class of each photograph, and the grade where it is known; a patient is never split.

    The record's source names the collection too ('eye4/odir'): class and collection go together, so measure each apart.
    """
    listing, table, photographs = _open(root, "eye4", EYE4_COLUMNS)
    for row in read_rows(table, *EYE4_COLUMNS):
        image, source = photographs.find(row["image"]), f"eye4/{row['source']}"
        record = Record(Path(row["image"]).stem, "train", image, source, patient=row["patient"], label=row["label"])
        labels = {"grade": row["dr_grade"]} if row["dr_grade"] else {}
        listing.add(record, table, **labels)
    listing.problems += photographs.unlisted(table)
    return listing


def _open(root: Path, name: str, needed: tuple[str, ...]) -> tuple[Listing, Path, Photographs]:
    table = Path(root) / "labels.csv"
    if not table.is_file():
        raise DataError(f"no {name} labels: expected {table} with the columns {', '.join(needed)}")
    return Listing(name, Path(root)), table, Photographs(Path(root) / "images")
