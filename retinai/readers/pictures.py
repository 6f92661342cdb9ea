"""One photograph in two files of different bytes: resized or saved again. Found by decoding, so only when asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
SAME = 0.999
"""Correlation of two thumbnails from which they show one photograph. Of IDRiD's 42 photographs that are in both parts at
different sizes the lowest is 0.9998; of all other pairs the highest is 0.9980, a second exposure of the same eye."""
_ROWS = 1024  # at a time, so that the table of correlations stays small


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) RGB uint8 -> the whole photograph in grey, (SIDE * SIDE,) with mean 0 and length 1; zeros where it is one flat grey."""
    grey = Image.fromarray(pixels).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values


def same_pictures(thumbnails: NDArray[np.float32]) -> list[tuple[int, int]]:
    """(N, SIDE * SIDE) thumbnails -> the pairs of positions, lower first, that show one photograph."""
    pairs = []
    for start in range(0, len(thumbnails), _ROWS):
        alike = thumbnails[start : start + _ROWS] @ thumbnails.T >= SAME
        pairs += [(start + int(i), int(j)) for i, j in np.argwhere(alike) if start + i < j]
    return pairs
