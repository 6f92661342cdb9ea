"""Data sets as published -> records: `read("idrid", root, "train")`. One table says which there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retinai.errors import DataError
from retinai.readers.aptos import list_aptos
from retinai.readers.ddr import list_ddr
from retinai.readers.deepdrid import list_deepdrid
from retinai.readers.eyepacs import list_eyepacs
from retinai.readers.idrid import list_segmentation
from retinai.readers.idrid_grading import list_grading
from retinai.readers.labelled import EYE4_COLUMNS, RAHIM_COLUMNS, list_eye4, list_rahim2025
from retinai.readers.listing import SPLITS, Listing
from retinai.readers.merged import FILE as MERGED
from retinai.readers.merged import find_merged, list_merged
from retinai.readers.messidor import has_adjudicated, list_messidor
from retinai.readers.plain import find_csv, has_class_folders, list_csv, list_folders
from retinai.readers.record import Record
from retinai.readers.splits import prepare
from retinai.readers.tables import columns

__all__ = ["READERS", "Reader", "Record", "detect", "load", "read"]


@dataclass(frozen=True, slots=True)
class Reader:
    """title: for people; mark, marked: what a folder is recognised by, in words and as a test; listing: root -> as published."""

    title: str
    mark: str
    marked: Callable[[Path], bool]
    listing: Callable[[Path], Listing]


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda root: any((root / name).exists() for name in names)


def _has_table(name: str, *needed: str) -> Callable[[Path], bool]:
    return lambda root: columns(root / name) >= set(needed)


READERS: dict[str, Reader] = {
    "idrid": Reader("IDRiD grading", "'B. Disease Grading'", _has("B. Disease Grading"), list_grading),
    "idrid-segmentation": Reader("IDRiD segmentation", "'A. Segmentation'", _has("A. Segmentation"), list_segmentation),
    "aptos": Reader("APTOS 2019", "train.csv with id_code", _has_table("train.csv", "id_code"), list_aptos),
    "eyepacs": Reader("EyePACS", "trainLabels.csv", _has("trainLabels.csv"), list_eyepacs),
    "ddr": Reader("DDR", "DR_grading", _has("DR_grading", "train.txt", "valid.txt", "test.txt"), list_ddr),
    "messidor2": Reader("Messidor-2", "a CSV with adjudicated_dr_grade", has_adjudicated, list_messidor),
    "deepdrid": Reader("DeepDRiD", "regular_fundus_images", _has("regular_fundus_images"), list_deepdrid),
    "rahim2025": Reader("rahim2025", "labels.csv with maculopathy", _has_table("labels.csv", *RAHIM_COLUMNS), list_rahim2025),
    "eye4": Reader("eye4", "labels.csv with label and source", _has_table("labels.csv", *EYE4_COLUMNS), list_eye4),
    "merged": Reader("merged sets", MERGED, lambda root: find_merged(root) is not None, list_merged),
    "folders": Reader("class folders", "folders named by grade", has_class_folders, list_folders),
    "csv": Reader("plain CSV", "a CSV with image and grade", lambda root: find_csv(root) is not None, list_csv),
}
_GENERAL = ("folders", "csv")


def read(name: str, root: Path, split: str) -> list[Record]:
    """The records of one split ('train', 'validation', 'test' or 'unlabelled') of the data set `name` at `root`.

    Copies, conflicting labels and leaks are left out, and a fifth of the training part is held out as validation where
    the data set has none of its own: see `splits.hold_out`. Raises DataError for an unknown name or split, and where the
    folder is not laid out as published, naming what was expected where.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    records = load(name, root).records
    if found := [record for record in records if record.split == split]:
        return found
    there = ", ".join(s for s in SPLITS if any(record.split == s for record in records))
    raise DataError(f"{READERS[name].title} in {root} has no {split} photographs, only {there or 'none that can be used'}")


def load(name: str, root: Path) -> Listing:
    """Every split of a data set, ready for use, with every problem that was met and every record left out."""
    if name not in READERS:
        raise DataError(f"no data set {name!r}; there are {', '.join(READERS)}")
    with _readable(root):
        listing = prepare(READERS[name].listing(Path(root)))
    if not listing.records:
        first = f"; {listing.problems[0].file}: {listing.problems[0].text}" if listing.problems else ""
        raise DataError(f"nothing in {root} can be used as {READERS[name].title}{first}")
    return listing


def detect(root: Path) -> list[str]:
    """The names of the data sets that `root` is laid out as: both parts of IDRiD, or one. Raises DataError for none."""
    with _readable(root):
        found = [name for name, reader in READERS.items() if name not in _GENERAL and reader.marked(Path(root))]
        found = found or [name for name in _GENERAL if READERS[name].marked(Path(root))][:1]
    if not found:
        marks = "; ".join(f"{reader.mark} ({name})" for name, reader in READERS.items())
        raise DataError(f"{root} is laid out as no data set known here; expected one of: {marks}")
    return found


@contextmanager
def _readable(root: Path) -> Iterator[None]:
    """A root that is not there, or may not be read, is an expected failure."""
    if not Path(root).exists():
        raise DataError(f"no folder at {root}")
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {error.filename or root}: {error.strerror}") from None
