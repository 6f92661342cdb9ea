"""Marks of cameras as augmentation: in healthy and ill eyes alike, so that a speck tells a network nothing.

Half of the drawn patterns are pieces of a learnt one (`retinai.camera`), moved, turned and scaled; half are specks of random place, size
and depth, so that the dust of a camera that nobody has learnt is known for what it is too.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.light import OFFSET

_MOST_SPECKS = 8
_RADIUS = (1.5, 14.0)  # px at a working side of 1792
_DEPTH = (0.03, 0.40)  # of the log light
_STRENGTH = (0.5, 2.0)  # of a learnt pattern


def with_marks(pixels: NDArray[np.uint8], pattern: NDArray[np.float32] | None, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(S, S, 3) uint8 with marks before the lens. pattern: (H, W, 3) <= 0 of a learnt camera, or None for drawn specks alone."""
    side = pixels.shape[0]
    drawn = _piece(pattern, side, rng) if pattern is not None and rng.random() < 0.5 else _specks(side, rng)
    lit = (pixels.astype(np.float32) + OFFSET) * np.exp(drawn) - OFFSET
    return np.clip(np.round(lit), 0, 255).astype(np.uint8) * (pixels.max(axis=2, keepdims=True) > 0)


def _piece(pattern: NDArray[np.float32], side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A square of a learnt pattern, in one of eight positions."""
    window = int(min(*pattern.shape[:2], side * rng.uniform(0.6, 1.2)))
    top, left = (rng.integers(0, size - window + 1) for size in pattern.shape[:2])
    piece = np.rot90(pattern[top : top + window, left : left + window], int(rng.integers(4)))
    piece = piece[::-1] if rng.random() < 0.5 else piece
    resized = cv2.resize(np.ascontiguousarray(piece), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(rng.uniform(*_STRENGTH) * resized, np.float32)


def _specks(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(S, S, 1) soft dark specks, round or drawn out; all colours lose alike."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    total = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(1, _MOST_SPECKS + 1)):
        y, x = rng.uniform(0, side, 2)
        radius, turn = np.exp(rng.uniform(*np.log(_RADIUS))), rng.uniform(0, np.pi)
        along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
        across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
        distance = (along / (radius * rng.uniform(1, 2))) ** 2 + (across / radius) ** 2
        total -= rng.uniform(*_DEPTH) * np.exp(-(distance ** rng.uniform(1, 3)))
    return total[..., None]
