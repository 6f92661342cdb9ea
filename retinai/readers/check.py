"""What is in a data set and what is wrong with it: headers are read always, pixels only when asked."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retinai.errors import ImageError
from retinai.image import read_pixels
from retinai.lesions import LESIONS, SEGMENTED
from retinai.names import shown
from retinai.readers.copies import describe, same_bytes
from retinai.readers.listing import SPLITS, Listing, Problem
from retinai.readers.pictures import SIDE, same_pictures, thumbnail
from retinai.readers.record import MASK_FORMATS, Record, read_mask

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged, of another kind, or too large."""


@dataclass(slots=True)
class Report:
    """A data set that was looked through. thumbnails: of `records`, zeros where unreadable; empty unless decoded."""

    name: str
    records: list[Record]
    dropped: list[Record]
    problems: list[Problem] = field(default_factory=list)
    thumbnails: list[NDArray[np.float32]] = field(default_factory=list)


def examine(listing: Listing, decode: bool, progress: Callable[[int], None]) -> Report:
    """Look at every file of a listing. decode: read all pixels, which finds damaged files and empty masks."""
    report = Report(listing.name, listing.records, listing.dropped, list(listing.problems))
    for done, record in enumerate(listing.records, start=1):
        report.problems += _look(record, decode, report.thumbnails)
        progress(done)
    return report


def _look(record: Record, decode: bool, thumbnails: list[NDArray[np.float32]]) -> list[Problem]:
    try:
        size = _decoded(record.image, thumbnails) if decode else _size_in_header(record.image)
    except ImageError as error:
        return [Problem(record.image, "photograph", str(error).removeprefix(f"{shown(record.image)} "))]
    except UNREADABLE as error:
        return [Problem(record.image, "photograph", f"cannot be read: {_reason(error)}")]
    return [problem for path in record.masks.values() for problem in _look_at_mask(path, size, decode)]


def _size_in_header(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _decoded(path: Path, thumbnails: list[NDArray[np.float32]]) -> tuple[int, int]:
    """Read as training will read it, so that what passes here is not refused there."""
    thumbnails.append(np.zeros(SIDE * SIDE, np.float32))
    pixels = read_pixels(path)
    thumbnails[-1] = thumbnail(pixels)
    return pixels.shape[1], pixels.shape[0]


def _look_at_mask(path: Path, size: tuple[int, int], decode: bool) -> list[Problem]:
    try:
        with Image.open(path, formats=MASK_FORMATS) as mask:
            found = mask.size
        empty = decode and not read_mask(path).any()
    except UNREADABLE as error:
        return [Problem(path, "mask", f"cannot be read: {_reason(error)}")]
    if found != size:
        return [Problem(path, "mask", f"is {found[0]}x{found[1]} px, its photograph {size[0]}x{size[1]}")]
    return [Problem(path, "mask", "is empty, yet an absent lesion has no mask file")] if empty else []


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return "no image file" if "cannot identify" in text else text or type(error).__name__


def hidden_copies(reports: Sequence[Report]) -> list[Problem]:
    """Photographs that decoding shows to be one: twice in a data set, or in different splits of two of them."""
    places = [(report.name, record, thumb) for report in reports for record, thumb in zip(report.records, report.thumbnails, strict=True)]
    places = [place for place in places if place[2].any()]
    if not places:
        return []
    found = []
    for i, j in same_pictures(np.stack([thumb for _, _, thumb in places])):
        (one_name, one, _), (other_name, other, _) = places[i], places[j]
        if (one_name == other_name or one.split != other.split) and not same_bytes([one.image, other.image]):
            kind = "leak" if one.split != other.split else "copy"
            names = f"{one_name} {describe(one)} and {other_name} {describe(other)}"
            found.append(Problem(one.image, kind, f"{names} show one photograph in different files; both kept"))
    return found


def counts(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """split -> {'photographs': n, 'grade': {'0': n, ...}, ...}. What a data set never says is left out.

    'lesions' and 'disc' count the photographs with a mask file of that class; 'none' those without a grade.
    """
    whole = [key for key, said in _SAID.items() if any(said(r) for r in records)]
    present = [split for split in SPLITS if any(r.split == split for r in records)]
    return {split: _count([r for r in records if r.split == split], whole) for split in present}


_SAID: dict[str, Callable[[Record], bool]] = {
    "patients": lambda r: r.patient is not None,
    "grade": lambda r: r.grade is not None,
    "dme": lambda r: r.dme is not None,
    "maculopathy": lambda r: r.maculopathy is not None,
    "label": lambda r: r.label is not None,
    "ungradable": lambda r: not r.gradable,
    "lesions": lambda r: bool(r.masks),
}


def _count(records: Sequence[Record], said: Sequence[str]) -> dict[str, Any]:
    grades = Counter(r.grade for r in records)
    values: dict[str, Any] = {
        "patients": len({r.patient for r in records} - {None}),
        "grade": {str(g): grades[g] for g in range(5)} | {"none": grades[None]},
        "dme": {str(risk): sum(r.dme == risk for r in records) for risk in range(3)},
        "maculopathy": {word: sum(r.maculopathy is value for r in records) for word, value in (("no", False), ("yes", True))},
        "label": dict(sorted(Counter(r.label or "none" for r in records).items())),
        "ungradable": sum(not r.gradable for r in records),
        "lesions": {code: sum(code in r.masks for r in records) for code in LESIONS},
    }
    disc = {"disc": sum(code in r.masks for r in records for code in SEGMENTED if code not in LESIONS)} if "lesions" in said else {}
    return {"photographs": len(records)} | {key: values[key] for key in said} | disc
