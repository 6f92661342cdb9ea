"""By what a photograph is known as one of a camera: the outline of its field."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.types import FundusImage

_SAME = 0.95  # overlap of the fields of one camera
_SIDE = 384  # px


def outline_of(image: FundusImage) -> NDArray[np.bool_]:
    """The field on a small scale: (h, w) bool, 384 px wide."""
    height = max(1, round(_SIDE * image.field.shape[0] / image.field.shape[1]))
    return np.asarray(cv2.resize(image.field.view(np.uint8), (_SIDE, height), interpolation=cv2.INTER_AREA)) > 0


def same_camera(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    """Whether two outlines are those of one camera: the same shape of picture, and fields that lie on each other."""
    if abs(first.shape[0] - second.shape[0]) > 2:  # of some 255 rows: what rounding in resized copies comes to
        return False
    rows = min(first.shape[0], second.shape[0])
    either = np.count_nonzero(first[:rows] | second[:rows])
    return bool(either > 0 and np.count_nonzero(first[:rows] & second[:rows]) >= _SAME * either)
