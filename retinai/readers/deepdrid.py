"""DeepDRiD (Liu et al., Patterns 2022), the regular photographs: two of each eye of a patient, with their quality."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import Listing, Photographs, Problem
from retinai.readers.record import Record
from retinai.readers.tables import read_rows

FOLDER = "regular_fundus_images"
_PARTS = {"train": "regular-fundus-training", "validation": "regular-fundus-validation"}
_TEST = "Online-Challenge1&2-Evaluation"
_EYES = {"l": "left", "r": "right"}
_UNGRADABLE = ("5", "5.0")


def list_deepdrid(root: Path) -> Listing:
    """The published training, validation and (where its labels are there as CSV) test parts."""
    base, listing = Path(root) / FOLDER, Listing("deepdrid", Path(root))
    tables = {split: base / part / f"{part}.csv" for split, part in _PARTS.items()}
    tables = {split: table for split, table in tables.items() if table.is_file()}
    if not tables:
        raise DataError(f"no DeepDRiD labels: expected {base / _PARTS['train'] / (_PARTS['train'] + '.csv')}")
    for split, table in tables.items():
        listing.attempt(_add, table, split, ("image_id", "left_eye_dr_level", "right_eye_dr_level"))
    _add_test(listing, base / _TEST)
    return listing


def _add_test(listing: Listing, folder: Path) -> None:
    table = folder / "Challenge1_labels.csv"
    if table.is_file():
        listing.attempt(_add, table, "test", ("image_id", "dr_levels"))
    elif table.with_suffix(".xlsx").is_file():
        listing.problems.append(Problem(table.with_suffix(".xlsx"), "label", f"save this sheet as {table.name} to read the test part"))


def _add(listing: Listing, table: Path, split: str, needed: tuple[str, ...]) -> None:
    photographs = Photographs(table.parent / "Images")
    for row in read_rows(table, *needed):
        patient, _, view = row["image_id"].partition("_")
        eye = _EYES.get(view[:1].lower())
        text = row["dr_levels"] if "dr_levels" in row else row.get(f"{eye}_eye_dr_level", "")
        gradable = text not in _UNGRADABLE and row.get("overall quality") not in ("0", "0.0")
        record = Record(row["image_id"], split, photographs.find(row["image_id"]), "deepdrid", patient=patient, eye=eye, gradable=gradable)
        labels = {} if text in _UNGRADABLE else {"grade": text}
        listing.add(record, table, **labels)
    listing.problems += photographs.unlisted(table)
