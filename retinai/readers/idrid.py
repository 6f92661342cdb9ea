"""The Indian Diabetic Retinopathy Image Dataset (Porwal et al., Data 2018), in its official layout."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.lesions import CLASSES, SEGMENTED
from retinai.readers.idrid_overlap import LINK_FILE, read_links, copies_of_test
from retinai.readers.record import Record

_PARTS = {"train": "a. Training Set", "validation": "a. Training Set", "test": "b. Testing Set"}
VALIDATION_START, VALIDATION_STEP = 2, 5
"""The fixed validation split: every fifth training photograph in order of name, starting with the third."""


def read_segmentation(root: Path, split: str) -> list[Record]:
    """The records of one split of `A. Segmentation`. 'train' leaves the validation photographs out.

    Raises DataError where the folder is not laid out as the official download, naming what was expected.
    """
    if split not in _PARTS:
        raise DataError(f"no split {split!r}; there are {', '.join(_PARTS)}")
    part, base = _PARTS[split], Path(root) / "A. Segmentation"
    images = base / "1. Original Images" / part
    paths = sorted(images.glob("*.jpg"))
    if not paths:
        raise DataError(f"no IDRiD segmentation photographs: expected *.jpg in {images}")
    masks = base / "2. All Segmentation Groundtruths" / part
    if not masks.is_dir():
        raise DataError(f"no IDRiD lesion masks: expected the folder {masks}")
    records = [Record(p.stem, split, p, "idrid", masks=_masks_of(p.stem, masks)) for p in paths]
    if split == "test":
        return records
    held_out = {r.id for r in records[VALIDATION_START::VALIDATION_STEP]}
    return [r for r in records if (r.id in held_out) == (split == "validation")]


def _masks_of(name: str, folder: Path) -> dict[str, Path]:
    """Lesion code -> mask file of one photograph. A missing file means that the lesion is absent."""
    found = {}
    for code in SEGMENTED:
        place = CLASSES[code].idrid
        if place and (path := folder / place[0] / f"{name}_{place[1]}.tif").is_file():
            found[code] = path
    return found


def read_unlabelled(root: Path, folder: Path) -> list[Record]:
    """The grading photographs without a mask to be judged by: those of validation and test photographs are left out.

    root: with `A. Segmentation` and the link file; folder: with the photographs (`B. Disease Grading`).
    Raises DataError where one of them is missing.
    """
    if not (link := Path(root) / LINK_FILE).is_file():
        raise DataError(f"no {link}: without it (columns segmentation_image, grading_image) validation photographs would be trained on")
    paths = sorted((Path(folder) / "1. Original Images" / _PARTS["train"]).glob("*.jpg"))
    if not paths:
        raise DataError(f"no IDRiD grading photographs: expected *.jpg in {folder}/1. Original Images/{_PARTS['train']}")
    names = [p.stem for p in paths]
    held_out = {r.id for r in read_segmentation(root, "validation")}
    leaked = {grading for segmentation, grading in read_links(root, names) if segmentation in held_out} | copies_of_test(names)
    return [Record(p.stem, "unlabelled", p, "idrid") for p in paths if p.stem not in leaked]
