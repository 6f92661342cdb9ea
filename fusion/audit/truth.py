"""What the true masks of a photograph show, as facts that the verifier judges claims by. The judge of the audit.

The lesions are found in the masks as they are found in a lesion map, size floor included (14 of 11,415 drawn lesions of IDRiD are smaller),
none is of low confidence, and there are no others. The optic disc is the drawn one; the fovea is drawn in no mask and is searched
for beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.evidence import gather
from fusion.landmarks import find_landmarks
from fusion.regions import Regions, find_regions
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.thresholds import Thresholds
from fusion.verify import verify
from fusion.verify_facts import Facts
from retinai.errors import DataError
from retinai.lesions import LESIONS, SEGMENTED
from retinai.types import Claim, FundusImage, Landmarks, LesionMap

CERTAIN = Thresholds(dict.fromkeys(LESIONS, 0.5), dict.fromkeys(LESIONS, 0.5))
"""A true mask has no lesion of low confidence."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """regions: the true lesions and their pixels; facts: what claims are judged by; masks: class -> (H, W) bool as drawn; field: (H, W)."""

    regions: Regions
    facts: Facts
    masks: Mapping[str, NDArray[np.bool_]]
    field: NDArray[np.bool_]

    @property
    def landmarks(self) -> Landmarks:
        return self.facts.landmarks

    @property
    def present(self) -> tuple[str, ...]:
        """The lesion classes that are there, in the order of `LESIONS`."""
        there = {lesion.code for lesion in self.facts.lesions}
        return tuple(code for code in LESIONS if code in there)

    @property
    def absent(self) -> tuple[str, ...]:
        return tuple(code for code in LESIONS if code not in self.present)


def truth_of(masks: Mapping[str, NDArray[np.bool_]], image: FundusImage) -> Truth:
    """masks: class -> (H, W) bool at the photograph's size; a class without a mask is absent.

    Raises DataError where a mask has another size than the photograph.
    """
    shape = image.field.shape
    probs = np.zeros((len(SEGMENTED), *shape), np.float32)
    for code, mask in masks.items():
        if mask.shape != shape:
            sizes = "x".join(map(str, mask.shape[::-1])), "x".join(map(str, shape[::-1]))
            raise DataError(f"{image.id}: the mask of {code} is {sizes[0]} px, the photograph {sizes[1]}")
        probs[SEGMENTED.index(code)] = mask
    lesion_map = LesionMap(probs, SEGMENTED)
    landmarks = find_landmarks(lesion_map, image)
    regions = find_regions(lesion_map, image, dict.fromkeys(SEGMENTED, 0.5), landmarks)
    return Truth(regions, facts_of(regions, landmarks), masks, image.field)


def facts_of(regions: Regions, landmarks: Landmarks) -> Facts:
    """The readings of some lesions by the rules, taken for all that there are."""
    lesions, height, width = regions.lesions, *regions.shape
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    advice = follow_up(interval.visible, dme)
    evidence = gather(lesions, interval, dme, advice)
    return Facts(lesions, landmarks, interval, dme, advice, evidence, middle=(width / 2, height / 2), exhaustive=True)


def judge(claims: Iterable[Claim], truth: Truth) -> tuple[Claim, ...]:
    """The claims with the verdicts that the true masks give them."""
    return verify(claims, truth.facts, CERTAIN)
