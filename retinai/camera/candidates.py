"""Is a dark spot a lesion, or a mark on the camera? Two questions, asked of each dark candidate.

Does a known mark explain it? A mark is never divided out to the last level. Where most of a candidate lies on a mark, and what is left of
its darkness is no more than the mark itself took, it is the mark; a lesion under a mark leaves more.

Has it the colour of blood? Blood takes green light and leaves most of the red (haemoglobin absorbs some twenty times less there), dust
takes both alike: so a speck is known on a camera of which nothing was learnt. docs/camera.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retinai.camera.divide import Divided
from retinai.camera.light import OFFSET
from retinai.types import Box

DARK = ("MA", "HE")
"""Classes that marks are taken for."""
GREY_FROM = 0.8
"""Contrast in red over that in green from which on a spot is too grey to be blood: so are 1 in 100 of IDRiD's outlined ones."""
_ON = 0.02  # of the light: from there on a pixel lies on a mark
_MOST = 0.5  # of a candidate's pixels
_SEEN = 0.05  # of the log light: fainter spots have no colour that could be told


@dataclass(frozen=True, slots=True, eq=False)
class MarkJudge:
    """pixels: (H, W, 3) uint8, after the division; depth: (H, W) float32, the share of light that marks took (`Divided.depth_map`), None
    where none were divided out."""

    pixels: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, divided: Divided) -> MarkJudge:
        """The judge of one photograph."""
        return cls(divided.image.pixels, divided.depth_map() if divided.marked else None)

    def is_mark(self, code: str, box: Box, pixels: NDArray[np.int64]) -> bool:
        """Whether the camera explains a candidate of this class. box: (left, top, width, height); pixels: its flat indices."""
        if code not in DARK:
            return False
        rows, columns = np.divmod(pixels, self.pixels.shape[1])
        red, green = self._contrast(box, rows, columns)
        return (green >= _SEEN and red >= GREY_FROM * green) or self._explained(green, rows, columns)

    def _explained(self, left: float, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> bool:
        """left: what is left of the candidate's darkness in green."""
        if self.depth is None:
            return False
        taken = self.depth[rows, columns]
        return bool((taken >= _ON).mean() >= _MOST and left <= -np.log1p(-taken).mean())

    def _contrast(self, box: Box, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[float, float]:
        """How much darker than its surroundings a candidate is in red and in green, log light; 0 where nothing surrounds it."""
        left, top, width, height = box
        reach = max(width, height) // 2 + 6
        window = (slice(max(0, top - reach), top + height + reach), slice(max(0, left - reach), left + width + reach))
        around = self.pixels[window][..., 1] > 0
        if self.depth is not None:
            around &= self.depth[window] < _ON
        around[rows - window[0].start, columns - window[1].start] = False
        if not around.any():
            return 0.0, 0.0
        light = np.log(self.pixels[window][..., :2].astype(np.float32) + OFFSET)
        own = light[rows - window[0].start, columns - window[1].start].mean(axis=0)
        red, green = np.median(light[around], axis=0) - own
        return float(red), float(green)
