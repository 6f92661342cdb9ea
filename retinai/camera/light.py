"""Light as logarithms, high-passed: what is left is small, and a mark on the camera adds the same to every photograph."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.types import FundusImage

WIDTH = 1920
"""Photographs are compared at this width at the most, px: a speck of 1/400 of the field is 5 px wide there."""
OFFSET = 4.0
"""Levels added before the logarithm, so that the noise of dark pixels does not count."""
_BOX = 61  # px at that width: marks are smaller, the lie of the light is larger
_RIM = 25  # px at that width, left out along the field's edge, where the light falls off

Light = NDArray[np.float32]


def working_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) at which a photograph of that size is compared."""
    scale = min(1.0, WIDTH / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def high_pass(image: FundusImage, size: tuple[int, int], channels: Sequence[int] = (0, 1, 2)) -> tuple[Light, NDArray[np.bool_]]:
    """(h, w, C) float32, log light less its local mean within the field, 0 outside and at the rim; (h, w) bool, where it counts.

    size: (h, w) to bring the photograph to; channels: of red, green and blue.
    """
    height, width = size
    pixels = np.asarray(cv2.resize(image.pixels, (width, height), interpolation=cv2.INTER_AREA))
    field = np.asarray(cv2.resize(image.field.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    inside = _without_rim(field, width)
    weight = _blur(field.astype(np.float32), width)
    result = np.zeros((height, width, len(channels)), np.float32)
    for place, channel in enumerate(channels):
        light = np.asarray(cv2.log(pixels[..., channel].astype(np.float32) + OFFSET), np.float32) * field
        result[..., place] = (light - _blur(light, width) / np.maximum(weight, 1e-3)) * inside
    return result, inside


def _without_rim(field: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    side = odd(_RIM, width)
    kernel = np.ones((side, side), np.uint8)
    return cv2.erode(field, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,)) > 0


def _blur(values: Light, width: int) -> Light:
    side = odd(_BOX, width)
    return np.asarray(cv2.blur(cv2.blur(values, (side, side)), (side, side)), np.float32)


def odd(length: float, width: int) -> int:
    """A length in px at 1920 px, in px at `width`: odd, as kernels are, and at least 3."""
    return max(3, round(length * width / WIDTH) | 1)
