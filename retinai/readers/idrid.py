"""The Indian Diabetic Retinopathy Image Dataset (Porwal et al., Data 2018): its segmentation part, in the official layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from retinai.errors import DataError
from retinai.files import visible
from retinai.lesions import CLASSES, SEGMENTED
from retinai.readers.listing import Listing, Problem
from retinai.readers.record import Record

T = TypeVar("T")
PARTS = {"train": "a. Training Set", "validation": "a. Training Set", "test": "b. Testing Set"}
VALIDATION_START, VALIDATION_STEP = 2, 5
"""The fixed validation split: every fifth training photograph in order of name, starting with the third."""


def read_segmentation(root: Path, split: str) -> list[Record]:
    """The records of one split of `A. Segmentation`. 'train' leaves the validation photographs out.

    Raises DataError where the folder is not laid out as the official download, naming what was expected.
    """
    if split not in PARTS:
        raise DataError(f"no split {split!r}; there are {', '.join(PARTS)}")
    part, base = PARTS[split], Path(root) / "A. Segmentation"
    images = base / "1. Original Images" / part
    paths = visible(images, "*.jpg")
    if not paths:
        raise DataError(f"no IDRiD segmentation photographs: expected *.jpg in {images}")
    masks = base / "2. All Segmentation Groundtruths" / part
    if not masks.is_dir():
        raise DataError(f"no IDRiD lesion masks: expected the folder {masks}")
    records = [Record(p.stem, split, p, "idrid", masks=_masks_of(p.stem, masks)) for p in paths]
    if split == "test":
        return records
    held_out = {r.id for r in hold_out_segmentation(records)}
    return [r for r in records if (r.id in held_out) == (split == "validation")]


def hold_out_segmentation(train: Sequence[T]) -> Sequence[T]:
    """The validation ones of the training photographs, which must be in order of name."""
    return train[VALIDATION_START::VALIDATION_STEP]


def list_segmentation(root: Path) -> Listing:
    """Every photograph of `A. Segmentation` with its masks, and what is wrong with the mask folders."""
    listing = Listing("idrid-segmentation", Path(root), fixed=True)
    base = Path(root) / "A. Segmentation"
    for split in PARTS:
        if split != "test" or (base / "1. Original Images" / PARTS["test"]).is_dir():
            listing.records += read_segmentation(root, split)
    for part in sorted({PARTS[r.split] for r in listing.records}):
        names = {r.id for r in listing.records if PARTS[r.split] == part}
        listing.problems += _mask_problems(base / "2. All Segmentation Groundtruths" / part, names)
    return listing


def _mask_problems(folder: Path, names: set[str]) -> list[Problem]:
    """A folder of masks that is missing (each of its masks then counts as absent), and masks without a photograph."""
    problems = []
    for code in SEGMENTED:
        place, suffix = CLASSES[code].idrid or ("", "")
        if not (folder / place).is_dir():
            problems.append(Problem(folder / place, "missing", f"no such folder of masks: every photograph counts as without {code}"))
        expected = {f"{name}_{suffix}" for name in names}
        strays = [path for path in visible(folder / place, "*.tif") if path.stem not in expected]
        problems += [Problem(path, "unlisted", f"a mask without a photograph; expected PHOTOGRAPH_{suffix}.tif") for path in strays]
    return problems


def _masks_of(name: str, folder: Path) -> dict[str, Path]:
    """Lesion code -> mask file of one photograph. A missing file means that the lesion is absent."""
    found = {}
    for code in SEGMENTED:
        place = CLASSES[code].idrid
        if place and (path := folder / place[0] / f"{name}_{place[1]}.tif").is_file():
            found[code] = path
    return found
