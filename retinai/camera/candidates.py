"""Is a dark spot a lesion, or what is left of a mark on the camera?

A mark is never divided out to the last level. Where most of a candidate lies on a mark, and what is left of its darkness is no more than
the mark itself took, the mark explains it; a lesion under a mark leaves more.
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
_ON = 0.02  # of the light: from there on a pixel lies on a mark
_MOST = 0.5  # of a candidate's pixels


@dataclass(frozen=True, slots=True, eq=False)
class MarkJudge:
    """depth: (H, W) float32, the share of light that marks took (`Divided.depth_map`); green: (H, W) uint8, after the division."""

    depth: NDArray[np.float32]
    green: NDArray[np.uint8]

    @classmethod
    def of(cls, divided: Divided) -> MarkJudge | None:
        """None where no marks were divided out."""
        return cls(divided.depth_map(), divided.image.pixels[..., 1]) if divided.marked else None

    def is_mark(self, code: str, box: Box, pixels: NDArray[np.int64]) -> bool:
        """Whether the camera explains a candidate of this class. box: (left, top, width, height); pixels: its flat indices."""
        if code not in DARK:
            return False
        rows, columns = np.divmod(pixels, self.depth.shape[1])
        taken = self.depth[rows, columns]
        if (taken >= _ON).mean() < _MOST:
            return False
        return self._left(box, rows, columns) <= float(-np.log1p(-taken).mean())

    def _left(self, box: Box, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> float:
        """How much darker the candidate still is than what surrounds it, log light of green."""
        left, top, width, height = box
        reach = max(width, height) // 2 + 6
        window = (slice(max(0, top - reach), top + height + reach), slice(max(0, left - reach), left + width + reach))
        around = (self.depth[window] < _ON) & (self.green[window] > 0)
        around[rows - window[0].start, columns - window[1].start] = False
        if not around.any():
            return 0.0
        light = np.log(self.green[window].astype(np.float32) + OFFSET)
        return float(np.median(light[around]) - np.log(self.green[rows, columns].astype(np.float32) + OFFSET).mean())
