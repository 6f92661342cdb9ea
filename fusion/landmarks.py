"""Optic disc, fovea and which eye, with a confidence for each; what is not found is None.

The disc is the most evident part of the map's OD channel, taken as the ellipse of the same second moments. Its mean
diameter (DD) is the yardstick of the photograph. The fovea is the dip in brightness where anatomy expects it: its
distance from the disc's centre is 2.65 +- 0.30 DD, and it lies 7.8 +- 3.6 degrees below the horizontal (Beijing Eye
Study 2011: Jonas et al., PLoS ONE 2015, 10(9) e0138701 and 10(11) e0141771; 2,836 and 6,043 eyes). Both sides of the
disc are tried; the side where the dip is found tells the eye. Nothing in the pixels says which way is up but this: the
fovea lies below the disc's centre. A dip above it is a photograph that may be upside down, and one above or below the
disc a photograph on its side: then no eye is told. Lesions, vessels and the fall of light towards the
field's edge are taken out before the search, on a copy in which one DD is 32 px.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import field_box
from retinai.lesions import LESIONS
from retinai.types import Eye, FundusImage, Landmarks, LesionMap, Point

Plane = NDArray[np.floating[Any]]

DISC_SIDE = 512  # px, the working size at which the disc is sought
DISC_SHARE = (0.04, 0.30)
"""Plausible disc diameters as a share of the field's longer side: from a 100-degree to a 20-degree photograph."""
DISC_FLOOR = 0.5
"""Least confidence of a disc: its mean probability, times its share of all disc probability, times its axes' ratio,
times the share of its convex hull that it fills. Half a disc, two discs or a crumbling one do not reach it."""

DD = 32.0  # px, the disc's diameter at the working size of the fovea's search
DISTANCE_DD, DISTANCE_SD = 2.65, 0.35  # the study's spread, a little widened for the disc's own error
ANGLE_DEG, ANGLE_SD = 7.8, 7.0  # widened for a tilted head or camera
REACH = 2.75  # standard deviations searched each way
PRIOR = 0.015
"""What half a squared standard deviation costs, in contrast."""
INVERTED = 0.005
"""What a fovea above the disc's centre costs beside: most photographs are upright. How many keep their eye: docs/evidence.md."""
SIDEWAYS = 0.03
"""By so much darker must a place above or below the disc be before it outweighs the ones beside it."""
RING_DD = 0.9  # where the brightness around the fovea is sampled
CONTRAST = 0.15
"""The score (relative contrast, less the costs) of a fovea that is beyond doubt: confidence 1."""
FOVEA_FLOOR = 0.5
"""Least confidence of a fovea. Chosen by eye on 54 photographs, see docs/evidence.md."""


def find_landmarks(lesion_map: LesionMap, image: FundusImage) -> Landmarks:
    """The landmarks of one photograph. Without a plausible disc there is no yardstick and nothing is sought.

    Where the photograph's eye is known, only that side of the disc is searched. In a photograph that may be upside down the fovea's
    distances still hold, the eye does not, and its confidence is halved.
    """
    disc = _find_disc(lesion_map, image)
    if disc is None:
        return Landmarks()
    scene = _prepare(lesion_map, image, disc)
    fovea = _find_fovea(scene, image.eye)
    if fovea is None:
        return Landmarks(disc.centre, disc.diameter, disc.confidence, eye=image.eye)
    place = scene.to_native(fovea.point)
    inverted = place[1] < disc.centre[1]
    eye, confidence = (None, fovea.score / 2) if inverted else (fovea.eye, fovea.score)
    return Landmarks(disc.centre, disc.diameter, disc.confidence, place, confidence, eye, inverted)


@dataclass(frozen=True, slots=True)
class _Disc:
    """centre and diameter in native pixels."""

    centre: Point
    diameter: float
    confidence: float


def _find_disc(lesion_map: LesionMap, image: FundusImage) -> _Disc | None:
    """The most evident part of the OD channel, where it looks like a disc."""
    if "OD" not in lesion_map.classes:
        return None
    side = max(field_box(image.field)[2:])
    scale = min(1.0, DISC_SIDE / side)
    probs = _resize(lesion_map.channel("OD"), scale)
    part, share = _most_evident(probs)
    if part is None:
        return None
    centre, diameter, roundness = _ellipse(part)
    confidence = float(probs[part].mean()) * share * roundness * _solidity(part)
    plausible = DISC_SHARE[0] <= diameter / (side * scale) <= DISC_SHARE[1]
    if not plausible or confidence < DISC_FLOOR:
        return None
    return _Disc(_native(centre, scale), diameter / scale, confidence)


def _most_evident(probs: Plane) -> tuple[NDArray[np.bool_] | None, float]:
    """The part above one half that holds the most probability, and its share of all such parts."""
    count, labels = cv2.connectedComponents((probs >= 0.5).astype(np.uint8))
    if count == 1:
        return None, 0.0
    mass = np.bincount(labels.ravel(), probs.ravel(), count)[1:]
    best = int(mass.argmax())
    return labels == best + 1, float(mass[best] / mass.sum())


def _ellipse(part: NDArray[np.bool_]) -> tuple[Point, float, float]:
    """Centre, mean diameter and ratio of the axes of the ellipse with the same second moments."""
    y, x = np.nonzero(part)
    spread = np.cov(np.stack([x, y]), bias=True) + np.eye(2) / 12 if x.size > 1 else np.eye(2) / 12  # a pixel is a square
    short, long = 4 * np.sqrt(np.linalg.eigvalsh(spread))
    return (float(x.mean()), float(y.mean())), float(np.sqrt(short * long)), float(short / long)


def _solidity(part: NDArray[np.bool_]) -> float:
    """The share of its convex hull that a part fills, pixels counted whole."""
    y, x = np.nonzero(part)
    hull = np.zeros(part.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.stack([x, y], axis=1).astype(np.int32)), 1)
    return float(x.size / hull.sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The photograph at the size of the search. scale: its pixels per native pixel; x, y: offsets from the disc's centre,
    DD; dip: how much darker than its surroundings a place is, vessels held against it; -1 where it cannot be said."""

    scale: float
    x: Plane
    y: Plane
    dip: Plane

    def to_native(self, point: Point) -> Point:
        return _native(point, self.scale)


def _prepare(lesion_map: LesionMap, image: FundusImage, disc: _Disc) -> _Scene:
    scale = DD / disc.diameter
    green = _blur(_resize(image.pixels, scale)[..., 1], DD / 32)
    centre = (disc.centre[0] + 0.5) * scale - 0.5, (disc.centre[1] + 0.5) * scale - 0.5
    x, y = _grid(green.shape)
    x, y = (x - centre[0]) / DD, (y - centre[1]) / DD
    usable = _usable(lesion_map, image, scale) & (np.hypot(x, y) > 0.8)
    return _Scene(scale, x, y, _dip(green, usable))


def _usable(lesion_map: LesionMap, image: FundusImage, scale: float) -> NDArray[np.bool_]:
    """Retina away from the field's edge and from lesions."""
    skip = max(1, int(0.25 / scale))  # every fourth pixel or so is enough for a mask, and four times as quick
    field = np.pad(_resize(image.field.view(np.uint8), scale), 1)
    inner = cv2.erode(field, np.ones((7, 7), np.uint8))[1:-1, 1:-1] > 0
    lesion = np.zeros(inner.shape, np.float32)
    for code in LESIONS:
        if code in lesion_map.classes:  # whole lesions alone: the map's faint doubts about the dark fovea must not hide it
            certain = (lesion_map.channel(code)[::skip, ::skip] >= 0.5).astype(np.float32)
            np.maximum(lesion, cv2.resize(certain, inner.shape[::-1], interpolation=cv2.INTER_AREA), out=lesion)
    return inner & (cv2.dilate((lesion > 0.05).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)


def _dip(green: Plane, usable: NDArray[np.bool_]) -> Plane:
    """(H, W) relative contrast of each place to the darker half of eight places around it, less its vessels."""
    filled = np.where(usable, green, _mean(green, usable, DD / 16))
    dark_lines = cv2.morphologyEx(filled, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    vessels = np.minimum(dark_lines / np.maximum(filled, 1), 0.3)
    clear = usable & (vessels < 0.06)
    level = _flatten(filled, clear)
    centre = _mean(level, clear, 0.22 * DD)
    known = _blur(clear, 0.22 * DD) > 0.15
    ring = _around(np.where(known, centre, np.nan).astype(np.float32))
    told = np.isfinite(ring).sum(axis=0)
    darker = np.sort(np.where(np.isfinite(ring), ring, np.inf), axis=0)[:4].mean(axis=0)
    contrast = 1 - centre / np.where(np.isfinite(darker), darker, 1)
    return np.where(known & (told >= 5), contrast - _mean(vessels, usable, 0.3 * DD), -1).astype(np.float32)


def _around(plane: Plane) -> Plane:
    """(8, H, W): the plane's value `RING_DD` away in eight directions, NaN outside."""
    height, width = plane.shape
    values = []
    for angle in np.arange(8) * np.pi / 4:
        shift = np.array([[1, 0, RING_DD * DD * np.cos(angle)], [0, 1, RING_DD * DD * np.sin(angle)]])
        values.append(cv2.warpAffine(plane, shift, (width, height), flags=cv2.INTER_NEAREST, borderValue=(np.nan,) * 4))
    return np.stack(values)


def _flatten(plane: Plane, clear: NDArray[np.bool_]) -> Plane:
    """Divide by the light's fall: a quadratic surface fitted to the logarithm, outliers left out twice."""
    x, y = _grid(plane.shape)
    x, y = x / plane.shape[1] - 0.5, y / plane.shape[0] - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    log, kept, rest = np.log(np.maximum(plane, 2)), clear, np.zeros_like(plane)
    for _ in range(3):
        if kept.sum() < 100:
            return plane
        rest = log - terms @ np.linalg.lstsq(terms[kept], log[kept], rcond=None)[0]
        kept = clear & (np.abs(rest) < 2 * rest[kept].std())
    return np.exp(rest).astype(np.float32)


def _grid(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    """The x and the y of every pixel."""
    rows_columns = np.indices(shape, np.float32)
    return np.asarray(rows_columns[1]), np.asarray(rows_columns[0])


def _blur(plane: NDArray[Any], sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), sigma), np.float32)


def _mean(plane: Plane, usable: NDArray[np.bool_], sigma: float) -> Plane:
    """Gaussian mean over the usable pixels alone (normalised convolution)."""
    return _blur(np.where(usable, plane, 0), sigma) / np.maximum(_blur(usable, sigma), np.float32(1e-3))


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place at the working size. score: 0..1."""

    point: Point
    score: float
    eye: Eye


def _find_fovea(scene: _Scene, eye: Eye | None) -> _Spot | None:
    """The better side's darkest place, its score less the other side's; None where that is weak, or where a place above or below the
    disc is darker still."""
    sides: tuple[Eye, ...] = (eye,) if eye else ("right", "left")
    spots = sorted((_darkest(scene, side) for side in sides), key=lambda spot: -spot.score)
    rival = max(0.0, spots[1].score) if len(spots) > 1 else 0.0
    confidence = float(np.clip((spots[0].score - rival) / CONTRAST, 0, 1))
    if confidence < FOVEA_FLOOR or _sideways(scene) > spots[0].score + SIDEWAYS:
        return None
    return _Spot(spots[0].point, confidence, spots[0].eye)


def _darkest(scene: _Scene, eye: Eye) -> _Spot:
    """The best place temporal of the disc, and how good it is."""
    score = _score(scene, -scene.x if eye == "right" else scene.x, scene.y)
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    return _Spot((float(column), float(row)), float(score[row, column]), eye)


def _sideways(scene: _Scene) -> float:
    """How good the best place above or below the disc is: where the fovea of a photograph on its side lies."""
    return max(float(_score(scene, ahead, scene.x).max()) for ahead in (scene.y, -scene.y))


def _score(scene: _Scene, ahead: Plane, down: Plane) -> Plane:
    """Contrast less the cost of an unusual position, -1 out of reach. ahead, down: offsets from the disc along its axis and across, DD.

    The fovea is as near to its usual place above the axis as below it, less the little by which most photographs are upright.
    """
    distance = (np.hypot(ahead, down) - DISTANCE_DD) / DISTANCE_SD
    angle = (np.degrees(np.arctan2(np.abs(down), ahead)) - ANGLE_DEG) / ANGLE_SD
    near = (np.abs(distance) < REACH) & (np.abs(angle) < REACH)
    cost = PRIOR * (distance**2 + angle**2) / 2 + np.where(down < 0, INVERTED, 0)
    return np.where(near, scene.dip - cost, -1)


def _resize(array: NDArray[Any], scale: float) -> NDArray[Any]:
    size = max(1, round(array.shape[1] * scale)), max(1, round(array.shape[0] * scale))
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _native(point: Point, scale: float) -> Point:
    return (point[0] + 0.5) / scale - 0.5, (point[1] + 0.5) / scale - 0.5
