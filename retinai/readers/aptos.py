"""APTOS 2019 Blindness Detection, as its competition hands it out: a graded training part and a test part without grades."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import Listing, Photographs
from retinai.readers.record import Record
from retinai.readers.tables import read_rows


def list_aptos(root: Path) -> Listing:
    """`train.csv` with `train_images`, and where it is there `test.csv` with `test_images`, whose split is 'unlabelled'."""
    listing, root = Listing("aptos", Path(root)), Path(root)
    if not (root / "train.csv").is_file():
        raise DataError(f"no APTOS labels: expected {root / 'train.csv'} with the columns id_code, diagnosis")
    listing.attempt(_add, root / "train.csv", root / "train_images", "train")
    if (root / "test.csv").is_file():
        listing.attempt(_add, root / "test.csv", root / "test_images", "unlabelled")
    return listing


def _add(listing: Listing, table: Path, folder: Path, split: str) -> None:
    photographs = Photographs(folder)
    columns = ("id_code", "diagnosis") if split == "train" else ("id_code",)
    for row in read_rows(table, *columns):
        record = Record(row["id_code"], split, photographs.find(row["id_code"]), "aptos")
        labels = {"grade": row["diagnosis"]} if split == "train" else {}
        listing.add(record, table, **labels)
    listing.problems += photographs.unlisted(table)
