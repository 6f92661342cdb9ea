"""Photographs with drawn lesions whose truth is known by construction, for the tests of the audit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.audit.truth import Truth, facts_of
from fusion.regions import find_regions
from retinai.lesions import SEGMENTED
from retinai.types import FundusImage, Landmarks, LesionMap

SIZE = 400
LANDMARKS = Landmarks((320.0, 200.0), 60.0, 0.9, (200.0, 200.0), 0.8, "right")
"""A right eye: the disc on the right, the fovea in the middle, a disc diameter of 60 px. Nasal is right, superior is up."""
PLACES = {"superotemporal": (-1, -1), "superonasal": (1, -1), "inferotemporal": (-1, 1), "inferonasal": (1, 1)}

Masks = dict[str, NDArray[np.bool_]]


def spots(code: str, quadrant: str, count: int, side: int = 6, distance: int = 20) -> tuple[str, list[tuple[int, int, int]]]:
    """`count` squares of one class in a quadrant: (x, y, side) of their corners, ten to a row, well apart."""
    right, down = PLACES[quadrant]
    corners = []
    for number in range(count):
        across, along = distance + 14 * (number % 10), distance + 14 * (number // 10)
        corners.append((200 + right * across - (side if right < 0 else 0), 200 + down * along - (side if down < 0 else 0), side))
    return code, corners


def masks_of(*groups: tuple[str, list[tuple[int, int, int]]]) -> Masks:
    masks: Masks = {}
    for code, corners in groups:
        mask = masks.setdefault(code, np.zeros((SIZE, SIZE), np.bool_))
        for x, y, side in corners:
            mask[y : y + side, x : x + side] = True
    return masks


def image(name: str = "drawn") -> FundusImage:
    """A plain retina that fills the photograph."""
    return FundusImage(name, np.full((SIZE, SIZE, 3), 120, np.uint8), np.ones((SIZE, SIZE), np.bool_))


def truth(*groups: tuple[str, list[tuple[int, int, int]]]) -> Truth:
    """The truth of a photograph with these lesions, with LANDMARKS for the ones found."""
    masks = masks_of(*groups)
    probs = np.zeros((len(SEGMENTED), SIZE, SIZE), np.float32)
    for code, mask in masks.items():
        probs[SEGMENTED.index(code)] = mask
    field = np.ones((SIZE, SIZE), np.bool_)
    regions = find_regions(LesionMap(probs, SEGMENTED), image(), dict.fromkeys(SEGMENTED, 0.5), LANDMARKS)
    return Truth(regions, facts_of(regions, LANDMARKS), masks, field)
