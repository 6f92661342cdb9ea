"""The field of view, and the map from a native photograph to the square that models see and back.

Pixel centres are at whole numbers, as in OpenCV's resize: native x and square x' meet at
(x - left + 0.5) * scale_x = x' - pad_left + 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_PROBE_SIDE = 512  # px; the field is a large smooth shape, so it is found on a small copy
_BLACK = 6  # levels of 255: what JPEG and the sensor add to a black border
_LIGHT_BORDER = 24  # a border brighter than this is no black border
_EVEN = 12  # levels by which the pixels and the channels of a plain border may differ


def find_field(pixels: NDArray[np.uint8], bright: NDArray[np.uint8] | None = None) -> NDArray[np.bool_]:
    """The retina's mask of an RGB photograph: (H, W, 3) uint8 -> (H, W) bool, all False where there is none.

    A plain white or grey border counts as black. The brightest channel is thresholded between the dark border and
    the retina, and the convex hull of the largest part is the field: optics and frames cut convex shapes, so that
    a dark patch at the rim belongs to the retina, while a date stamp in the border does not. bright: its `bright_parts`, if known.
    """
    height, width = pixels.shape[:2]
    mask = _largest_hull(bright_parts(pixels)[1] if bright is None else bright)
    full = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) if mask.any() else np.zeros((height, width), np.uint8)
    return full > 127


def bright_parts(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A small copy without its light border, (h, w, 3), and where it is brighter than a black border, (h, w) of 0 and 1.

    Thin strokes are left out: a stamp may touch the rim.
    """
    height, width = pixels.shape[:2]
    shrink = min(1.0, _PROBE_SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = _without_light_border(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
    brightest = np.asarray(cv2.GaussianBlur(small.max(axis=2), (5, 5), 0), np.uint8)
    mask = (brightest > _retina_level(brightest)).astype(np.uint8)
    return small, np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))), np.uint8)


def _retina_level(brightest: NDArray[np.uint8]) -> float:
    """The level between border and retina: a small part of the bright retina's level, since glow can ring the field,
    or of its median where most of the retina is dark."""
    level = 0.12 * float(np.percentile(brightest, 90))
    retina = brightest[brightest > level]
    return max(float(_BLACK), min(level, 0.15 * float(np.median(retina)))) if retina.size else float(_BLACK)


def _without_light_border(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with whatever plain white or grey area reaches in from the corners painted black."""
    height, width = small.shape[:2]
    region = np.zeros((height + 2, width + 2), np.uint8)
    for x, y in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        corner = small[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6].reshape(-1, 3)
        colour = np.median(corner, axis=0)
        if colour.min() > _LIGHT_BORDER and np.ptp(colour) < _EVEN and np.ptp(corner, axis=0).max() < _EVEN:
            cv2.floodFill(small.copy(), region, (x, y), 0, (8, 8, 8), (8, 8, 8), cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE)
    # Widened over the blurred edge, which would otherwise stay as a ring around a black border inside the white one.
    border = cv2.dilate(region[1:-1, 1:-1], np.ones((7, 7), np.uint8))
    return np.asarray(cv2.copyTo(small, 1 - border), np.uint8)


def _largest_hull(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The convex hull of the largest part of a 0/1 mask, as 0/255."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = np.zeros_like(mask)
    if contours:
        cv2.drawContours(hull, [cv2.convexHull(max(contours, key=cv2.contourArea))], -1, 255, cv2.FILLED)
    return hull


def rim_circle(field: NDArray[np.bool_]) -> tuple[float, float] | None:
    """(radius, error over radius) of the circle through a field's rim, the picture's edge left out; None where there is hardly any."""
    contours, _ = cv2.findContours(np.ascontiguousarray(field).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate(contours)[:, 0].astype(np.float64) if contours else np.zeros((0, 2))
    inner = (points > 2) & (points < np.array(field.shape[::-1]) - 3)
    rim = points[inner.all(axis=1)]
    return _fit_circle(rim) if len(rim) >= 20 else None


def _fit_circle(points: NDArray[np.float64]) -> tuple[float, float]:
    """The radius of the algebraic least-squares circle through (N, 2) points, and the 90th percentile of the error over it."""
    (x, y, rest), *_ = np.linalg.lstsq(np.c_[2 * points, np.ones(len(points))], (points**2).sum(axis=1), rcond=None)
    radius = math.sqrt(max(1.0, rest + x * x + y * y))
    return radius, float(np.percentile(np.abs(np.hypot(points[:, 0] - x, points[:, 1] - y) - radius), 90)) / radius


@dataclass(frozen=True, slots=True)
class Fit:
    """Crop to the field, resize with the same scale on both axes (to the nearest pixel), pad to a square.

    native: (height, width) of the photograph; crop: (left, top, width, height) in native pixels;
    inner: (left, top, width, height) of the resized crop inside the square; side: of the square, px.
    """

    native: tuple[int, int]
    crop: tuple[int, int, int, int]
    inner: tuple[int, int, int, int]
    side: int

    @classmethod
    def of(cls, field: NDArray[np.bool_], side: int) -> Fit:
        """The fit of a photograph whose retina is `field` into a square of `side` pixels."""
        left, top, width, height = field_box(field)
        scale = side / max(width, height)
        new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
        inner = ((side - new_width) // 2, (side - new_height) // 2, new_width, new_height)
        return cls((field.shape[0], field.shape[1]), (left, top, width, height), inner, side)

    @property
    def scale(self) -> tuple[float, float]:
        """Square pixels per native pixel, along x and y."""
        return self.inner[2] / self.crop[2], self.inner[3] / self.crop[3]

    def apply(self, array: NDArray[Any], interpolation: int | None = None) -> NDArray[Any]:
        """(H, W) or (H, W, C) at native size -> (side, side[, C]), zero outside the crop. Area filter when shrinking."""
        left, top, width, height = self.crop
        if interpolation is None:
            interpolation = cv2.INTER_AREA if self.scale[0] < 1 else cv2.INTER_LINEAR
        inner = cv2.resize(array[top : top + height, left : left + width], self.inner[2:], interpolation=interpolation)
        square = np.zeros((self.side, self.side, *array.shape[2:]), array.dtype)
        square[self.inner[1] : self.inner[1] + self.inner[3], self.inner[0] : self.inner[0] + self.inner[2]] = inner
        return square

    def invert(self, square: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """(side, side) at the square -> (H, W) at native size, bilinear, zero outside the crop. out: zeros to write into."""
        left, top, width, height = self.crop
        x, y, w, h = self.inner
        native = np.zeros(self.native, square.dtype) if out is None else out
        inside = native[top : top + height, left : left + width]
        cv2.resize(square[y : y + h, x : x + w], (width, height), dst=inside, interpolation=cv2.INTER_LINEAR)
        return native

    def to_square(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) native (x, y) -> square (x, y), exact to floating point."""
        scale, crop, inner = np.array(self.scale), np.array(self.crop[:2]), np.array(self.inner[:2])
        return (points - crop + 0.5) * scale + inner - 0.5

    def to_native(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of `to_square`."""
        scale, crop, inner = np.array(self.scale), np.array(self.crop[:2]), np.array(self.inner[:2])
        return (points - inner + 0.5) / scale + crop - 0.5


def field_box(field: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(left, top, width, height) around the True pixels; the whole array where there are none."""
    left, top, width, height = cv2.boundingRect(field.view(np.uint8))
    return (left, top, width, height) if width else (0, 0, field.shape[1], field.shape[0])
