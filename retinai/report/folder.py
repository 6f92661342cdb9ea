"""One photograph's results as a folder: explanation.json, overlay.png, saliency.png, second-saliency.png, masks/*.png, lesions.csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.errors import UsageError
from retinai.files import whole
from retinai.lesions import CLASSES
from retinai.types import Lesion

COLUMNS = ("id", "code", "name", "confidence", "area_px", "x", "y", "width", "height", "centre_x", "centre_y", "quadrant", "distance_dd")


MAPS = ("saliency", "second-saliency")
"""Pictures that not every reading has: one of an earlier reading would stand beside an explanation that is not its own."""


def write_folder(
    folder: Path,
    document: Mapping[str, Any],
    pictures: Mapping[str, NDArray[np.uint8]],
    masks: Mapping[str, NDArray[np.bool_]],
    lesions: tuple[Lesion, ...],
) -> None:
    """Write the files; explanation.json last, so that a folder which has it is complete.

    pictures: name -> (h, w, 3) RGB uint8; masks: class code -> (H, W) bool at native size. Raises UsageError where the folder
    cannot be written.
    """
    try:
        (folder / "masks").mkdir(parents=True, exist_ok=True)
        for stale in (folder / "masks").glob("*.png"):
            stale.unlink()
        for code, mask in masks.items():
            _write(folder / "masks" / f"{code}.png", png(mask.view(np.uint8) * 255, bilevel=True))
        for name in MAPS:
            (folder / f"{name}.png").unlink(missing_ok=True)
        for name, picture in pictures.items():
            _write(folder / f"{name}.png", png(picture[..., ::-1]))
        _write(folder / "lesions.csv", lesion_table(lesions).encode())
        _write(folder / "explanation.json", (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}") from None


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """One JSON document in a folder that is there. Raises UsageError where it cannot be written."""
    try:
        _write(path, (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def png(pixels: NDArray[np.uint8], bilevel: bool = False) -> bytes:
    """(h, w) or BGR (h, w, 3) uint8 as a PNG file; bilevel: one bit a pixel, for masks of 0 and 255."""
    options = [cv2.IMWRITE_PNG_BILEVEL, 1] if bilevel else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    return cv2.imencode(".png", pixels, options)[1].tobytes()


def _write(path: Path, data: bytes) -> None:
    with whole(path, "wb") as file:
        file.write(data)


def lesion_table(lesions: tuple[Lesion, ...]) -> str:
    """The lesions as CSV text under `COLUMNS`; what is unknown stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lesion in lesions:
        place = lesion.place
        distance = "" if place.distance_dd is None else f"{place.distance_dd:.3f}"
        centre = (f"{place.centre[0]:.1f}", f"{place.centre[1]:.1f}")
        name = CLASSES[lesion.code].name
        writer.writerow(
            [lesion.id, lesion.code, name, f"{lesion.confidence:.3f}", lesion.area_px, *lesion.box, *centre, place.quadrant or "", distance]
        )
    return text.getvalue()
