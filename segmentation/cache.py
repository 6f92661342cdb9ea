"""Photographs and soft targets at one working scale, on disk, ready to be cut into crops without decoding.

A cached photograph is one .npy file of (side, side, 3 + classes) uint8: RGB, then each class's share of the
pixel, 0-255. Files are memory-mapped, so that several processes share them. Beside it a file `.alarms` may hold (N, 2) places, where
a teacher saw lesions that are none. The camera's marks are divided out before a photograph is cached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.divide import read_divided
from retinai.camera.profile import CameraProfile
from retinai.files import whole
from retinai.fit import Fit
from retinai.lesions import SEGMENTED
from retinai.readers.record import Record, read_mask
from retinai.types import FundusImage

Targets = tuple[NDArray[np.uint8], NDArray[np.float64]]
"""(side, side, classes) shares of each pixel, and (N, 2) places (y, x) of false alarms."""
TargetOf = Callable[[Record, FundusImage, Fit], Targets]
ALARMS = ".alarms"


def build_cache(
    records: Sequence[Record],
    folder: Path,
    side: int,
    target_of: TargetOf,
    progress: Callable[[int], None],
    profiles: Sequence[CameraProfile] = (),
) -> list[Path]:
    """Cache each record at `side`, skipping those already there. Returns the files in the order of `records`.

    profiles: of the cameras whose marks are divided out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for done, record in enumerate(records):
        path = folder / f"{record.id}-{side}-{_stamp(record, profiles)}.npy"
        if not path.exists():
            square, alarms = _square(record, side, target_of, profiles)
            if len(alarms):
                with whole(path.with_suffix(ALARMS), "wb") as file:
                    np.save(file, alarms)
            with whole(path, "wb") as file:
                np.save(file, square)
        paths.append(path)
        progress(done + 1)
    return paths


def mask_targets(record: Record, image: FundusImage, fit: Fit) -> Targets:
    """The share of each square pixel that the true mask covers, 0-255; no alarms."""
    empty = np.zeros((fit.side, fit.side), np.uint8)
    planes = [
        fit.apply(read_mask(record.masks[code]).astype(np.uint8) * 255, cv2.INTER_AREA) if code in record.masks else empty
        for code in SEGMENTED
    ]
    return np.stack(planes, axis=2), np.zeros((0, 2))


def _square(record: Record, side: int, target_of: TargetOf, profiles: Sequence[CameraProfile]) -> Targets:
    image = read_divided(record.image, profiles)
    fit = Fit.of(image.field, side)
    target, alarms = target_of(record, image, fit)
    return np.concatenate([fit.apply(image.pixels), target], axis=2), alarms


def _stamp(record: Record, profiles: Sequence[CameraProfile]) -> str:
    """Changes when the photograph or a profile does, so that a stale file is never read."""
    status, cameras = record.image.stat(), "".join(profile.sha256 for profile in profiles)
    return hashlib.sha256(f"{record.image}{status.st_size}{status.st_mtime_ns}{cameras}".encode()).hexdigest()[:10]
