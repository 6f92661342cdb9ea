"""Does the grade depend on the lesions it cites? They are painted over, and healthy patches of the same shapes beside them.

A control is the lesion's own outline moved to healthy retina: the same area and shape, nearly the same distance from the fovea, and of the
places tried the one that is as rich in vessels (Sato et al., Med Image Anal 1998;2:143). Painting over is OpenCV's (Telea, J Graph Tools
2004;9:23). A painted patch is smoother than the retina, which is why nothing is read from the lesions' edit without its control.
Photographs are (H, W, 3) uint8 RGB; masks (H, W) bool; a reader takes a photograph and returns five probabilities of the grades.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.filters import sato

from fusion.audit.figures import ORACLE, PRODUCT, Numbers, Spec, mean, ratio
from retinai.fit import field_box
from retinai.types import Point

Photograph = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Reader = Callable[[Photograph], NDArray[np.float64]]
METRIC = "necessity"
EDGE = 1 / 500
"""How far beyond its outline a lesion is painted over, as a share of the field's longer side: its blurred rim would colour the paint."""
ECCENTRICITY = 0.1
"""How much farther from the fovea or nearer to it a control may lie, as a share of the lesion's distance or of a tenth of the field."""
TRIES = 100
LEAST_MATCHED = 0.8
"""The share of the lesions' area for which there must be controls, or the photograph says nothing."""
_VESSEL_SIDE = 640  # px, on which vessels of 3 to 8 px are sought


def log_odds(probs: NDArray[np.float64], level: int) -> float:
    """Of one grade against the other four; beyond a million to one nothing is told apart."""
    chance = float(np.clip(probs[level] / probs.sum(), 1e-6, 1 - 1e-6))
    return float(np.log(chance / (1 - chance)))


def paint_over(pixels: Photograph, mask: Mask, retina: Mask) -> Photograph:
    """The photograph without what the mask shows: each part is filled in from its surroundings. As it was where the mask is empty."""
    edge, distance = _edge_px(retina), _distance(mask)
    wide = distance <= edge
    # Parts that lie so near to each other that one would colour the other's paint are painted together.
    labels, stats = cv2.connectedComponentsWithStats((distance <= 3 * edge).astype(np.uint8))[1:3]
    painted = pixels.copy()
    for label, (left, top, width, height, _) in enumerate(stats[1:], start=1):
        part = np.s_[top : top + height, left : left + width]
        hole = wide[part] & (labels[part] == label) & retina[part]
        unknown = (hole | ~retina[part]).astype(np.uint8)  # the black border is no colour to paint with
        filled = cv2.inpaint(np.ascontiguousarray(painted[part]), unknown, edge, cv2.INPAINT_TELEA)
        painted[part][hole] = filled[hole]
    return painted


def _edge_px(retina: Mask) -> int:
    return max(1, round(max(field_box(retina)[2:]) * EDGE))


def _distance(mask: Mask) -> NDArray[np.float32]:
    """(H, W) px to the nearest pixel of the mask, infinite where it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def vesselness(pixels: Photograph, retina: Mask) -> NDArray[np.float32]:
    """How much each pixel looks like a vessel, (H, W), 0 outside the field. The field's rim counts as none."""
    height, width = retina.shape
    scale = min(1.0, _VESSEL_SIDE / max(field_box(retina)[2:]))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    green = np.asarray(cv2.resize(pixels[..., 1], size, interpolation=cv2.INTER_AREA), np.float32)
    inside = cv2.resize(retina.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    ridges = np.asarray(sato(green, sigmas=range(1, 4), black_ridges=True), np.float32)
    inner = cv2.erode(cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), np.ones((13, 13), np.uint8))[1:-1, 1:-1]
    return np.where(retina, cv2.resize(ridges * inner, (width, height), interpolation=cv2.INTER_LINEAR), 0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """mask: the healthy patches; matched: the share of the lesions' area that has one, 0..1; eccentricity, vesselness: mean difference to
    the lesions', in shares of the field's longer side and of the field's mean vesselness."""

    mask: Mask
    matched: float
    eccentricity: float
    vesselness: float


class _Ground:
    """Where controls may lie, and what they are matched by."""

    def __init__(self, unhealthy: Mask, retina: Mask, vessels: NDArray[np.float32], middle: Point) -> None:
        self.vessels, self.middle, self.side = vessels, middle, max(field_box(retina)[2:])
        self.gap = 2 * _edge_px(retina) + 1  # both patches are painted beyond their outlines
        self.taken = ((_distance(unhealthy) <= self.gap) | (_distance(~retina) <= self.gap)).astype(np.uint8)

    def free(self, shape: Mask, x: int, y: int) -> bool:
        part = self.taken[max(y, 0) : y + shape.shape[0], max(x, 0) : x + shape.shape[1]]
        return part.shape == shape.shape and min(x, y) >= 0 and not (part[shape] > 0).any()

    def take(self, shape: Mask, x: int, y: int) -> None:
        down, across = np.nonzero(_distance(np.pad(shape, self.gap)) <= self.gap)
        down, across = down + y - self.gap, across + x - self.gap
        inside = (down >= 0) & (across >= 0) & (down < self.taken.shape[0]) & (across < self.taken.shape[1])
        self.taken[down[inside], across[inside]] = 1

    def ridge(self, ring: tuple[NDArray[np.int64], NDArray[np.int64]], x: int, y: int) -> float:
        """Mean vesselness on a ring that is given by its offsets."""
        down, across = ring[0] + y, ring[1] + x
        inside = (down >= 0) & (across >= 0) & (down < self.vessels.shape[0]) & (across < self.vessels.shape[1])
        return float(self.vessels[down[inside], across[inside]].mean()) if inside.any() else 0.0


def match_controls(cited: Mask, unhealthy: Mask, retina: Mask, vessels: NDArray[np.float32], middle: Point, seed: int = 0) -> Controls:
    """A healthy patch for each cited lesion, the largest first, without overlap.

    unhealthy: all lesions and the disc, cited or not; middle: the fovea, or the field's middle where it was not found.
    """
    ground, rng = _Ground(unhealthy | cited, retina, vessels, middle), np.random.default_rng(seed)
    labels, stats = cv2.connectedComponentsWithStats(cited.astype(np.uint8))[1:3]
    mask, found = np.zeros_like(cited), []
    for label in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable"):
        left, top, width, height, area = (int(number) for number in stats[label])
        shape = labels[top : top + height, left : left + width] == label
        place = _place(shape, (left, top), ground, rng)
        if place is not None:
            x, y, nearer, barer = place
            mask[y : y + height, x : x + width] |= shape
            ground.take(shape, x, y)
            found.append((area, nearer / ground.side, barer / (float(vessels[retina].mean()) or 1.0)))
    if not found:
        return Controls(mask, 0.0, float("nan"), float("nan"))
    areas, *differences = np.array(found).T
    eccentricity, vesselness = (float(np.average(difference, weights=areas)) for difference in differences)
    return Controls(mask, float(areas.sum() / cited.sum()), eccentricity, vesselness)


def _place(shape: Mask, corner: tuple[int, int], ground: _Ground, rng: np.random.Generator) -> tuple[int, int, float, float] | None:
    """(left, top, difference in eccentricity px, difference in vesselness) of the best of the free places tried."""
    height, width = shape.shape
    half_x, half_y = (width - 1) / 2, (height - 1) / 2
    distance = float(np.hypot(corner[0] + half_x - ground.middle[0], corner[1] + half_y - ground.middle[1]))
    ring = _ring(shape)
    wanted, best = ground.ridge(ring, *corner), None
    for _ in range(TRIES):
        radius = abs(distance + rng.uniform(-1, 1) * ECCENTRICITY * max(distance, ground.side / 10))
        turn = rng.uniform(0, 2 * np.pi)
        x = round(ground.middle[0] + radius * np.cos(turn) - half_x)
        y = round(ground.middle[1] + radius * np.sin(turn) - half_y)
        if not ground.free(shape, x, y):
            continue
        off = abs(ground.ridge(ring, x, y) - wanted)
        if best is None or off < best[3]:
            best = x, y, abs(radius - distance), off
    return best


def _ring(shape: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets (down, across) of the pixels around a patch: inside it a dark lesion would itself count as a vessel."""
    reach = max(2, max(shape.shape) // 4)
    framed = np.pad(shape.astype(np.uint8), reach)
    down, across = np.nonzero(cv2.dilate(framed, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) - framed)
    return down - reach, across - reach


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One photograph to be edited. cited: pixels of the lesions on which the answer rests; lesions: the true ones; disc: where it is
    known; middle: the fovea or the field's middle; level: the grade given; right: whether it is the true grade, None where nobody knows."""

    pixels: Photograph
    retina: Mask
    cited: Mask
    lesions: Mask
    disc: Mask
    middle: Point
    level: int
    right: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Edits:
    """What was read from one photograph. numbers: source -> numbers; pictures: name -> the edited photograph, to be looked at."""

    numbers: Mapping[str, Numbers]
    pictures: dict[str, Photograph] = field(default_factory=dict)


def measure_necessity(case: Case, read: Reader, seed: int = 0) -> Edits:
    """Paint over the cited lesions, their controls, all true lesions, and the true ones that are not cited, and read each.

    drop: how far the grade's log-odds fall; flip: whether another grade becomes the likeliest; the null is the control, the oracle all
    true lesions. effect: the cited lesions' drop beyond the control's; pass: right, flips without the cited lesions, does not flip
    without the control; keep: whether the cited lesions alone keep the grade. Where nothing is cited or no control fits, all are NaN.
    """
    everything = case.lesions | case.cited
    vessels = vesselness(paint_over(case.pixels, everything, case.retina), case.retina)  # between exudates there seem to be vessels
    controls = match_controls(case.cited, everything | case.disc, case.retina, vessels, case.middle, seed)
    masks = {"cited": case.cited, "control": controls.mask, "lesions": case.lesions, "rest": _uncited(case)}
    pictures = {name: paint_over(case.pixels, mask, case.retina) for name, mask in masks.items()}
    before = log_odds(read(case.pixels), case.level)
    probs = {name: read(picture) for name, picture in pictures.items()}
    found = {name: _change(before, after, case.level) for name, after in probs.items()}
    product = dict(found["cited"]) | {"keep": 1.0 - found["rest"]["flip"]}
    product["effect"] = product["drop"] - found["control"]["drop"]
    depends = product["flip"] == 1 and found["control"]["flip"] == 0
    if case.right is not None:
        product |= {"pass": float(case.right and depends), "judged": 1.0}
    numbers = {PRODUCT: product, "null:control": found["control"], ORACLE: found["lesions"]}
    fair = bool(case.cited.any()) and controls.matched >= LEAST_MATCHED
    numbers = numbers if fair else {source: dict.fromkeys(some, float("nan")) for source, some in numbers.items()}
    numbers[PRODUCT] |= {"matched": controls.matched, "off_centre": controls.eccentricity, "off_vessels": controls.vesselness}
    return Edits(numbers, pictures)


def _uncited(case: Case) -> Mask:
    """The true lesions that no cited one touches. What a cited outline leaves over of its own lesion is no other lesion."""
    labels = cv2.connectedComponents(case.lesions.astype(np.uint8))[1]
    near = _distance(case.cited) <= 2 * _edge_px(case.retina)
    return case.lesions & ~np.isin(labels, np.unique(labels[near]))


def _change(before: float, after: NDArray[np.float64], level: int) -> dict[str, float]:
    return {"drop": before - log_odds(after, level), "flip": float(int(after.argmax()) != level), "cases": 1.0}


SPECS = (
    Spec("necessity_drop", 7, METRIC, mean("drop"), "fall of the grade's log-odds when the cited lesions are painted over",
         nulls={"matched healthy patches": "null:control"}, oracle=ORACLE, cases="cases", share=False),
    Spec("necessity_flip", 7, METRIC, mean("flip"), "photographs whose grade changes when the cited lesions are painted over",
         nulls={"matched healthy patches": "null:control"}, oracle=ORACLE, cases="cases"),
    Spec("causal_pass", 7, METRIC, ratio("pass", "judged"), "right grade, which the cited lesions change and healthy patches do not",
         nulls={"nothing depends on lesions": 0.0}, oracle=1.0, cases="judged"),
    Spec("sufficiency", 7, METRIC, ratio("keep", "cases"), "photographs that keep their grade when only the cited lesions are left",
         oracle=1.0, cases="cases"),
)  # fmt: skip
