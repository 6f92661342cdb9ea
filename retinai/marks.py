"""Print, pen, stamps and arrows in the field: found by what no retina has.

A retina is orange: red over green over blue, everywhere, and what is bright or dark in it fades into its surroundings. Ink has other
colours (green, blue, white, pure yellow or red, black) and edges of a pixel or two. Each kind is looked for by its colour against that
of the retina around it, and must have hard edges: the disc, reflections, thick exudates and haze at the rim come near these colours.
How often retina is taken for ink, and ink missed, is measured in docs/quality.md.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import field_box
from retinai.types import FundusImage

Mask = NDArray[np.bool_]
Plane = NDArray[Any]

_SIDE = 1200  # px, the longer side of the field on the working copy: a pen's stroke is 2 to 8 px wide there
_BLOCK = 150  # cells along that side, over which the retina's own colour is taken
_AROUND = 15  # cells, the side of the square whose median is the retina's colour: wider than a line of print
_RIM = 60  # of the side: what lies nearer to the field's edge belongs to the border
_HARD = 60  # levels by which ink differs from what lies two pixels away
_HARD_SHARE = 0.6  # of a part's outline that has to be that hard
_SPECK = 4  # px; smaller parts are noise
_LEAST = 80  # px, of all parts together, from which on a photograph has marks
_WORD = 15  # px, the gaps between letters that are closed
_MARGIN = 6  # px that are added around: a stroke's soft edge, and the retina that it dazzles


def foreign_marks(image: FundusImage) -> Mask | None:
    """Where print, pen or stamps cover the retina, a margin included: (H, W) bool; None where there is none. About 60 ms.

    Raises nothing: a photograph without a field has no marks.
    """
    left, top, width, height = field_box(image.field)
    inner = (slice(top, top + height), slice(left, left + width))
    scale = min(1.0, _SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = np.asarray(cv2.resize(image.pixels[inner], size, interpolation=cv2.INTER_AREA), np.uint8)
    field = np.asarray(cv2.resize(image.field[inner].view(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8)
    ink = _ink(pixels, field)
    if np.count_nonzero(ink) < _LEAST:
        return None
    found = np.zeros(image.field.shape, np.uint8)
    found[inner] = cv2.resize(_widened(ink), (width, height), interpolation=cv2.INTER_NEAREST)
    return (found > 0) & image.field


def _widened(ink: Mask) -> NDArray[np.uint8]:
    """Words closed and a margin added."""
    shape = lambda side: cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))  # noqa: E731
    closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, shape(_WORD))
    return np.asarray(cv2.dilate(closed, shape(2 * _MARGIN + 1)), np.uint8)


def _ink(pixels: NDArray[np.uint8], field: NDArray[np.uint8]) -> Mask:
    """(h, w) bool: the strokes themselves."""
    retina = _retina(pixels)
    red, green, blue = (pixels[..., channel].astype(np.int16) for channel in range(3))
    red_0, green_0, blue_0 = (retina[..., channel].astype(np.int16) for channel in range(3))
    brightest, brightest_0 = pixels.max(axis=2).astype(np.int16), retina.max(axis=2).astype(np.int16)
    rim = 2 * (max(field.shape) // (2 * _RIM)) + 1
    inside = cv2.erode(field, np.ones((rim, rim), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,)) > 0

    cold, cold_0 = np.maximum(green - red, blue - green), np.maximum(green_0 - red_0, blue_0 - green_0)
    rise = blue - blue_0
    whitish = (4 * blue >= 3 * brightest) & (4 * np.minimum(red - red_0, green - green_0) <= 5 * rise)
    dark = brightest <= 35
    kinds = (
        ((cold >= 25) & (cold - cold_0 >= 50), cold),
        ((red >= 170) & (green >= red - red // 8) & (4 * blue <= green) & (green - green_0 >= 60), green),
        ((red >= 190) & (5 * green <= red) & (4 * blue <= red) & (red - red_0 >= 25) & (green_0 - green >= 15), red - green),
        (whitish & (brightest >= 140) & (rise >= 70), blue),
        (_off_the_border(dark, inside) & (brightest_0 >= 80), brightest),
    )
    return _without_specks(np.logical_or.reduce([_hard(kind & inside, plane) for kind, plane in kinds]))


def _retina(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The retina's colour around each pixel, vessels, lesions and strokes left out: a median over blocks."""
    step = max(1, max(pixels.shape[:2]) // _BLOCK)
    size = max(1, pixels.shape[1] // step), max(1, pixels.shape[0] // step)
    blocks = cv2.medianBlur(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), _AROUND)
    return np.asarray(cv2.resize(blocks, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _off_the_border(dark: Mask, inside: Mask) -> Mask:
    """The parts of `dark` that lie inside and do not hang together with the border, as a notch in the field does."""
    joined = (dark | ~inside).astype(np.uint8)
    count, labels = connected(joined)
    border = np.isin(np.arange(count), labels[~inside])
    return dark & ~border[labels]


def _hard(mask: Mask, plane: Plane) -> Mask:
    """The parts of a mask whose outline is a hard edge in `plane`."""
    if not mask.any():
        return mask
    part = mask.astype(np.uint8)
    outline = mask & (cv2.erode(part, np.ones((3, 3), np.uint8)) == 0)
    hard = cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) >= _HARD
    count, labels = connected(part)
    lengths, hard_lengths = (np.bincount(labels[which], minlength=count) for which in (outline, outline & hard))
    kept = hard_lengths >= _HARD_SHARE * np.maximum(lengths, 1)
    kept[0] = False
    return kept[labels]


def _without_specks(ink: Mask) -> Mask:
    count, labels = connected(ink.astype(np.uint8))
    kept = np.bincount(labels.ravel(), minlength=count) >= _SPECK
    kept[0] = False
    return kept[labels]


def connected(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32]]:
    """How many labels there are, 0 for the ground, and the 8-connected part of each pixel of a 0/1 mask."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    return count, np.asarray(labels, np.int32)
