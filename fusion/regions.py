"""Connected lesions of a lesion map, each with its id, size, confidence, place and pixels.

The map is cut at each class's operating threshold; a connected part below the size floor is left out. Lesions of a
class are numbered from the most confident, so `HE-1` is the surest haemorrhage; ties go to the larger, then to the
upper, then to the left one. Nothing here knows how the map was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import field_box
from retinai.lesions import LESIONS
from retinai.types import Box, Eye, FundusImage, Landmarks, Lesion, LesionMap, Place, Point

QUADRANTS: tuple[str, ...] = ("superotemporal", "superonasal", "inferotemporal", "inferonasal")
"""The quadrants around the fovea, in the order in which they are told."""

SIZE_FLOOR: Mapping[str, float] = {"MA": 1 / 600, "HE": 1 / 400, "EX": 1 / 800, "SE": 1 / 120}
"""Smallest lesion: the diameter of a round one, as a share of the field's longer side.

On a 50-degree photograph whose field is 3,425 px wide these are 6, 9, 4 and 29 px. `docs/evidence.md` says how many
drawn lesions of IDRiD fall below.
"""
BRIGHT = ("EX", "SE")
"""Classes that the bright optic disc is mistaken for; one whose centre lies in the disc is left out."""
Spurious = Callable[[str, Box, NDArray[np.int64]], bool]
"""(class, box, flat pixel indices) of a candidate -> whether something else explains it, as a mark on the camera does."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The lesions of one photograph and their pixels.

    lesions: in the order of `retinai.lesions.LESIONS`, then of their numbers; shape: (H, W) of the photograph;
    pixels: lesion id -> its flat pixel indices, sorted; unreported: candidates whose confidence is too low for them to be marked, without
    pixels.
    """

    lesions: tuple[Lesion, ...]
    shape: tuple[int, int]
    pixels: Mapping[str, NDArray[np.int64]]
    unreported: tuple[Lesion, ...] = ()

    def mask(self, code: str) -> NDArray[np.bool_]:
        """(H, W) bool: all lesions of one class."""
        flat = np.zeros(self.shape[0] * self.shape[1], np.bool_)
        for lesion in self.lesions:
            if lesion.code == code:
                flat[self.pixels[lesion.id]] = True
        return flat.reshape(self.shape)

    def inside(self, lesion: Lesion) -> NDArray[np.bool_]:
        """(height, width) bool: one lesion within its box."""
        left, top, width, height = lesion.box
        y, x = np.divmod(self.pixels[lesion.id], self.shape[1])
        mask = np.zeros((height, width), np.bool_)
        mask[y - top, x - left] = True
        return mask

    def contours(self, lesion: Lesion) -> list[NDArray[np.int32]]:
        """The lesion's outlines, outer and inner, as (N, 2) arrays of native (x, y)."""
        found, _ = cv2.findContours(self.inside(lesion).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=lesion.box[:2])
        return [np.asarray(line.reshape(-1, 2), np.int32) for line in found]


def find_regions(
    lesion_map: LesionMap,
    image: FundusImage,
    thresholds: Mapping[str, float],
    landmarks: Landmarks,
    peaks: Mapping[str, float] | None = None,
    spurious: Spurious | None = None,
) -> Regions:
    """All lesions of a photograph. thresholds: class -> operating probability, which outlines a lesion; peaks: class ->
    least confidence of a lesion that is reported, the threshold where there is none; spurious: what tells a candidate that is no lesion.

    Raises ValueError where a lesion class has no channel or no threshold: a class that was not looked for must not be
    told as absent.
    """
    missing = [code for code in LESIONS if code not in lesion_map.classes or code not in thresholds]
    if missing:
        raise ValueError(f"no channel or no threshold for {', '.join(missing)}")
    side = max(field_box(image.field)[2:])
    lesions: list[Lesion] = []
    unreported: list[Lesion] = []
    pixels: dict[str, NDArray[np.int64]] = {}
    for code in LESIONS:
        peak = (peaks or thresholds).get(code, thresholds[code])
        for lesion, where in _class_lesions(code, lesion_map.channel(code), thresholds[code], floor_px(code, side), landmarks, spurious):
            if lesion.confidence < peak:
                unreported.append(lesion)
                continue
            lesions.append(lesion)
            pixels[lesion.id] = where
    return Regions(tuple(lesions), image.field.shape, pixels, tuple(unreported))


def floor_px(code: str, field_side: int) -> int:
    """The smallest area of a lesion, in native pixels, in a field that is `field_side` pixels long."""
    return max(1, round(np.pi / 4 * (SIZE_FLOOR[code] * field_side) ** 2))


def _class_lesions(
    code: str, probs: NDArray[np.float32], threshold: float, floor: int, landmarks: Landmarks, spurious: Spurious | None
) -> list[tuple[Lesion, NDArray[np.int64]]]:
    """The lesions of one class with their pixels, most confident first: every pixel reaches the threshold, all together are `floor`."""
    found = _components(probs, threshold, floor)
    if code in BRIGHT:
        found = [part for part in found if not _in_disc(part.centre, landmarks)]
    if spurious:
        found = [part for part in found if not spurious(code, part.box, part.pixels)]
    found.sort(key=lambda part: (-part.confidence, -part.pixels.size, part.box[1], part.box[0]))
    nearest = _nearest_dd([part.pixels for part in found], probs.shape[1], landmarks)
    lesions = []
    for number, (part, distance) in enumerate(zip(found, nearest, strict=True), start=1):
        place = Place(part.centre, quadrant_of(part.centre, landmarks.fovea, landmarks.eye), distance)
        lesions.append((Lesion(f"{code}-{number}", code, part.box, part.pixels.size, part.confidence, place), part.pixels))
    return lesions


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A connected part of the map, before it has a number."""

    box: Box
    centre: Point
    confidence: float
    pixels: NDArray[np.int64]


def _components(probs: NDArray[np.float32], threshold: float, floor: int) -> list[_Part]:
    """The 8-connected parts at or above the threshold that are no smaller than the floor.

    Everything is counted on the lesions' pixels alone, which are few: OpenCV's statistics of a 12-megapixel plane
    take seven times as long as its labels.
    """
    above = probs >= threshold
    flat = np.flatnonzero(above)
    if flat.size == 0:
        return []
    labels = cv2.connectedComponents(above.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)[1].ravel()[flat]
    areas = np.bincount(labels)[1:]
    flat = flat[np.argsort(labels, kind="stable")]  # the pixels of part 1, then of part 2, ...
    starts = np.cumsum(areas) - areas
    y, x = np.divmod(flat, probs.shape[1])
    left, top = np.minimum.reduceat(x, starts), np.minimum.reduceat(y, starts)
    width, height = np.maximum.reduceat(x, starts) - left + 1, np.maximum.reduceat(y, starts) - top + 1
    centre_x, centre_y = np.add.reduceat(x, starts) / areas, np.add.reduceat(y, starts) / areas
    peaks = np.maximum.reduceat(probs.ravel()[flat], starts)
    return [
        _Part(
            (int(left[i]), int(top[i]), int(width[i]), int(height[i])),
            (float(centre_x[i]), float(centre_y[i])),
            float(peaks[i]),
            flat[starts[i] : starts[i] + areas[i]],
        )
        for i in np.flatnonzero(areas >= floor)
    ]


def _in_disc(centre: Point, landmarks: Landmarks) -> bool:
    if landmarks.disc is None or landmarks.disc_diameter_px is None:
        return False
    return float(np.hypot(centre[0] - landmarks.disc[0], centre[1] - landmarks.disc[1])) < landmarks.disc_diameter_px / 2


def _nearest_dd(parts: list[NDArray[np.int64]], width: int, landmarks: Landmarks) -> list[float | None]:
    """From each part's nearest pixel to the fovea, in disc diameters; None throughout without landmarks."""
    if not parts or landmarks.fovea is None or landmarks.disc_diameter_px is None:
        return [None] * len(parts)
    sizes = np.array([part.size for part in parts])
    y, x = np.divmod(np.concatenate(parts), width)
    distance = np.hypot(x - landmarks.fovea[0], y - landmarks.fovea[1])
    nearest = np.minimum.reduceat(distance, np.cumsum(sizes) - sizes)
    return [float(value) for value in nearest / landmarks.disc_diameter_px]


def quadrant_of(point: Point, fovea: Point | None, eye: Eye | None) -> str | None:
    """The quadrant of a point around the fovea, split along the photograph's own axes; None without fovea or eye.

    The nose lies on the disc's side: on the photograph's right in a right eye. A point on a dividing line counts as
    inferior, or as lying on the photograph's right.
    """
    if fovea is None or eye is None:
        return None
    on_the_right = point[0] >= fovea[0]
    nasal = on_the_right == (eye == "right")
    return f"{'supero' if point[1] < fovea[1] else 'infero'}{'nasal' if nasal else 'temporal'}"
