"""One photograph's results as a folder: explanation.json, overlay.png, saliency.png, second-saliency.png, masks/*.png, lesions.csv."""

from __future__ import annotations

import csv
import errno
import glob
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.errors import OutputError
from retinai.files import whole
from retinai.lesions import CLASSES
from retinai.names import shown
from retinai.types import Lesion

COLUMNS = ("id", "code", "name", "confidence", "area_px", "x", "y", "width", "height", "centre_x", "centre_y", "quadrant", "distance_dd")
MAPS = ("saliency", "second-saliency")
"""Pictures that not every reading has: one of an earlier reading would stand beside an explanation that is not its own."""
DOCUMENT = "explanation.json"
FILES = ("lesions.csv", *(f"masks/{code}.png" for code in CLASSES), "overlay.png", *(f"{name}.png" for name in MAPS))
"""All that a folder may hold beside its document. Nothing else is ever replaced or deleted."""


def write_folder(
    folder: Path,
    document: Mapping[str, Any],
    pictures: Mapping[str, NDArray[np.uint8]],
    masks: Mapping[str, NDArray[np.bool_]],
    lesions: tuple[Lesion, ...],
) -> None:
    """Write the files; a folder that has explanation.json is complete and of one reading, whenever the program is killed.

    All is written into a hidden folder beside it first, so that a full disk costs nothing of an earlier reading. Then the old
    document goes, the new files take the places of the old, and the new document comes last.
    pictures: name -> (h, w, 3) RGB uint8; masks: class code -> (H, W) bool at native size. Raises OutputError where the folder
    cannot be written.
    """
    files = {f"masks/{code}.png": png(mask.view(np.uint8) * 255, bilevel=True) for code, mask in masks.items()}
    files |= {f"{name}.png": png(picture[..., ::-1]) for name, picture in pictures.items()}
    files |= {"lesions.csv": lesion_table(lesions).encode(), DOCUMENT: _json(document)}
    with _writing(folder), _beside(folder) as partial:
        for name, data in files.items():
            (partial / name).write_bytes(data)
        _publish(partial, folder, files)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """One JSON document in a folder that is there. Raises OutputError where it cannot be written."""
    with _writing(path), whole(path, "wb") as file:
        file.write(_json(document))


def remove_document(path: Path) -> None:
    """Take away what will not hold any more. Raises OutputError where that is not allowed."""
    with _writing(path):
        path.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {shown(path)}: {error.strerror}") from None


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A hidden folder for the files of `folder`; those that killed runs left are cleared away."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.????????.partial"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(".partial", f".{folder.name}.", folder.parent) as partial:
        (Path(partial) / "masks").mkdir()
        yield Path(partial)


def _publish(partial: Path, folder: Path, names: Iterable[str]) -> None:
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    if (folder / "masks").is_symlink():
        raise OSError(errno.ELOOP, "its masks are a link to elsewhere")
    (folder / DOCUMENT).unlink(missing_ok=True)
    for name in (*FILES, DOCUMENT):
        if name in names:
            (partial / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def png(pixels: NDArray[np.uint8], bilevel: bool = False) -> bytes:
    """(h, w) or BGR (h, w, 3) uint8 as a PNG file; bilevel: one bit a pixel, for masks of 0 and 255."""
    options = [cv2.IMWRITE_PNG_BILEVEL, 1] if bilevel else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    return cv2.imencode(".png", pixels, options)[1].tobytes()


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
