"""What a coarse saliency map can show: how much of its mass fits into a few pixels at the most.

A map of cells that is stretched bilinearly is a sum of hills, one a cell, none negative. Its share on some pixels is a mean of the hills'
own shares, so no map of the grid puts more there than its best hill alone: that is the ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import Fit


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A (cells, cells) map over the square of a fit: native values = rows @ cells @ columns.T.

    rows: (H, cells), columns: (W, cells), both float32, zero outside the crop.
    """

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]

    @classmethod
    def of(cls, fit: Fit, cells: int) -> Grid:
        """The grid that is stretched over the square of `fit` and from there over the photograph, both bilinearly."""
        left, top, width, height = fit.crop
        x, y, inner_width, inner_height = fit.inner
        hills = cv2.resize(np.eye(cells, dtype=np.float32), (cells, fit.side), interpolation=cv2.INTER_LINEAR)
        rows, columns = np.zeros((fit.native[0], cells), np.float32), np.zeros((fit.native[1], cells), np.float32)
        rows[top : top + height] = cv2.resize(hills[y : y + inner_height], (cells, height), interpolation=cv2.INTER_LINEAR)
        columns[left : left + width] = cv2.resize(hills[x : x + inner_width], (cells, width), interpolation=cv2.INTER_LINEAR)
        return cls(rows, columns)

    def gather(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(cells, cells): how much of each hill lies on an (H, W) mask."""
        return (self.rows.T @ mask.astype(np.float32) @ self.columns).astype(np.float64)

    def gather_pixels(self, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same for flat pixel indices."""
        y, x = np.divmod(pixels, len(self.columns))
        return (self.rows[y].T @ self.columns[x]).astype(np.float64)

    def ceiling(self, inside: NDArray[Any], whole: NDArray[Any]) -> float:
        """The largest share that any map of this grid can have, 0..1. inside, whole: as gathered from some pixels and from the field.

        Hills with next to nothing in the field are left out: they are no maps that a model draws.
        """
        seen = whole > 1e-3 * whole.max()
        return float((inside[seen] / whole[seen]).max())
