"""EyePACS, as the Diabetic Retinopathy Detection competition hands it out: two eyes a patient, named NUMBER_left and NUMBER_right."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import Listing, Photographs
from retinai.readers.record import Record
from retinai.readers.tables import read_rows


def list_eyepacs(root: Path) -> Listing:
    """`trainLabels.csv` with the folder `train`. The patient and the eye come from the name."""
    listing, table = Listing("eyepacs", Path(root)), Path(root) / "trainLabels.csv"
    if not table.is_file():
        raise DataError(f"no EyePACS labels: expected {table} with the columns image, level")
    photographs = Photographs(Path(root) / "train")
    for row in read_rows(table, "image", "level"):
        patient, _, eye = row["image"].partition("_")
        side = eye if eye in ("left", "right") else None
        record = Record(row["image"], "train", photographs.find(row["image"]), "eyepacs", patient=patient, eye=side)
        listing.add(record, table, grade=row["level"])
    listing.problems += photographs.unlisted(table)
    return listing
