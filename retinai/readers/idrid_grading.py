"""IDRiD's disease grading part: the DR grade and the risk of macular oedema of each photograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retinai.errors import DataError
from retinai.files import visible
from retinai.readers.copies import same_bytes
from retinai.readers.idrid import PARTS, hold_out_segmentation
from retinai.readers.idrid_overlap import copies_of_test, read_links
from retinai.readers.listing import Listing, Photographs, Problem
from retinai.readers.record import Record
from retinai.readers.tables import read_rows

FOLDER = "B. Disease Grading"
_TABLES = {
    "train": "2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv",
    "test": "2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv",
}
_IMAGE, _GRADE, _DME = "image name", "retinopathy grade", "risk of macular edema"
_PUBLISHED_SEGMENTATION = 54  # training photographs, when the segmentation part itself is not there


def list_grading(root: Path) -> Listing:
    """Every photograph that the published tables list; numbers restart in the test part, so the key is (split, id).

    The validation split is `splits.hold_out`'s, with two pins: an eye that is segmentation validation is grading validation, and
    one that is segmentation training is grading training, because the lesion U-Net has seen its masks. A training
    photograph that shows a segmentation test photograph is dropped.
    """
    base, listing = Path(root) / FOLDER, Listing("idrid", Path(root))
    tables = {split: base / name for split, name in _TABLES.items() if (base / name).is_file()}
    if not tables:
        raise DataError(f"no IDRiD grading labels: expected {base / _TABLES['train']}")
    for split, table in tables.items():
        listing.attempt(_add, table, split)
    _pin(listing)
    return listing


def _add(listing: Listing, table: Path, split: str) -> None:
    photographs = Photographs(table.parents[1] / "1. Original Images" / PARTS[split])
    for row in read_rows(table, _IMAGE, _GRADE, _DME):
        record = Record(row[_IMAGE], split, photographs.find(row[_IMAGE]), "idrid")
        listing.add(record, table, grade=row[_GRADE], dme=row[_DME])
    listing.problems += photographs.unlisted(table)


def _pin(listing: Listing) -> None:
    """Give the training photographs that the segmentation part shows too their place, and report those of the test part."""
    train = [r.id for r in listing.records if r.split == "train"]
    splits = _segmentation_splits(listing.root)
    by_name = {path.stem: split for path, split in splits.items() if split != "test"}
    for segmentation, grading in read_links(listing.root, train):
        if segmentation in by_name:
            listing.pins.setdefault(grading, by_name[segmentation])
    listing.pins.update(dict.fromkeys(copies_of_test(train), "drop"))
    for record, split in _shared_files(listing.records, splits):
        if record.split == "train":
            listing.pins[record.id] = "drop" if split == "test" else split
        elif split != "test":
            listing.problems.append(Problem(record.image, "leak", f"test {record.id} is a segmentation {split} photograph; kept"))


def _segmentation_splits(root: Path) -> dict[Path, str]:
    """Every segmentation photograph and its split. Without that part, the names of the published training photographs."""
    images = root / "A. Segmentation/1. Original Images"
    train = visible(images / PARTS["train"], "*.jpg")
    train = train or [images / f"IDRiD_{number:02d}.jpg" for number in range(1, _PUBLISHED_SEGMENTATION + 1)]
    held_out = set(hold_out_segmentation(train))
    splits = {path: "validation" if path in held_out else "train" for path in train}
    return splits | dict.fromkeys(visible(images / PARTS["test"], "*.jpg"), "test")


def _shared_files(records: Sequence[Record], splits: dict[Path, str]) -> list[tuple[Record, str]]:
    """Grading records whose file is also a segmentation photograph's, with the latter's split."""
    by_path = {record.image: record for record in records}
    shared = []
    for group in same_bytes([*by_path, *(path for path in splits if path.is_file())]):
        found = [splits[path] for path in group if path in splits]
        shared += [(by_path[path], found[-1]) for path in group if path in by_path and found]
    return shared
