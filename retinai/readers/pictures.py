"""One photograph in two files of different bytes: resized or saved again. Found by decoding, so only when asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
SAME = 0.999
"""Correlation of two thumbnails from which they show one photograph. Of IDRiD's 42 photographs that are in both parts at
different sizes the lowest is 0.9996; of all other pairs the highest is 0.9980, a second exposure of the same eye."""
_ROWS = 1024  # at a time, so that the table of correlations stays small


def thumbnail(path: Path) -> NDArray[np.float32]:
    """The whole photograph in grey, (SIDE * SIDE,) with mean 0 and length 1; zeros where it is one flat grey.

    Raises what Pillow raises for a file that is damaged anywhere, as all of it is read.
    """
    with Image.open(path) as image:
        image.draft("RGB", (4 * SIDE, 4 * SIDE))  # a JPEG is decoded at the smallest sufficient scale
        grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel()
    grey -= grey.mean()
    length = float(np.linalg.norm(grey))
    return grey / length if length > 0 else grey


def same_pictures(thumbnails: NDArray[np.float32]) -> list[tuple[int, int]]:
    """(N, SIDE * SIDE) thumbnails -> the pairs of positions, lower first, that show one photograph."""
    pairs = []
    for start in range(0, len(thumbnails), _ROWS):
        alike = thumbnails[start : start + _ROWS] @ thumbnails.T >= SAME
        pairs += [(start + int(i), int(j)) for i, j in np.argwhere(alike) if start + i < j]
    return pairs
