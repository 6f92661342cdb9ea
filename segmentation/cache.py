"""Photographs and soft targets at one working scale, on disk, ready to be cut into crops without decoding.

A cached photograph is one .npy file of (side, side, 3 + classes) uint8: RGB, then each class's share of the
pixel, 0-255. Files are memory-mapped, so that several processes share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.files import whole
from retinai.fit import Fit
from retinai.image import read_photograph
from retinai.lesions import SEGMENTED
from retinai.readers.record import Record, read_mask
from retinai.types import FundusImage

TargetOf = Callable[[Record, FundusImage, Fit], NDArray[np.uint8]]


def build_cache(records: Sequence[Record], folder: Path, side: int, target_of: TargetOf, progress: Callable[[int], None]) -> list[Path]:
    """Cache each record at `side`, skipping those already there. Returns the files in the order of `records`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for done, record in enumerate(records):
        path = folder / f"{record.id}-{side}-{_stamp(record)}.npy"
        if not path.exists():
            square = _square(record, side, target_of)
            with whole(path, "wb") as file:
                np.save(file, square)
        paths.append(path)
        progress(done + 1)
    return paths


def mask_targets(record: Record, image: FundusImage, fit: Fit) -> NDArray[np.uint8]:
    """(side, side, classes) uint8: the share of each square pixel that the true mask covers, 0-255."""
    empty = np.zeros((fit.side, fit.side), np.uint8)
    planes = [
        fit.apply(read_mask(record.masks[code]).astype(np.uint8) * 255, cv2.INTER_AREA) if code in record.masks else empty
        for code in SEGMENTED
    ]
    return np.stack(planes, axis=2)


def _square(record: Record, side: int, target_of: TargetOf) -> NDArray[np.uint8]:
    image = read_photograph(record.image)
    fit = Fit.of(image.field, side)
    return np.concatenate([fit.apply(image.pixels), target_of(record, image, fit)], axis=2)


def _stamp(record: Record) -> str:
    """Changes when the photograph does, so that a stale file is never read."""
    status = record.image.stat()
    return hashlib.sha256(f"{record.image}{status.st_size}{status.st_mtime_ns}".encode()).hexdigest()[:10]
