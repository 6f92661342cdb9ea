"""Explainers whose faithfulness is known by construction: one that reads the ink of drawn lesions, and the cheats."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from fusion.audit.claims import DENIAL
from retinai.lesions import LESIONS, SEGMENTED
from retinai.pipeline import Pipeline
from retinai.types import FundusImage, Grade, LesionMap, SaliencyMap
from vlm.generate import Answer

INKS = {"MA": (90, 20, 15), "HE": (100, 15, 10), "EX": (250, 230, 120), "SE": (230, 210, 180), "OD": (255, 220, 160)}
"""The colours of `drawn.draw_fundus`."""
SMALL_PX = 40


class InkDetector:
    """Finds the lesions of drawn photographs by their ink, all of them and nothing else."""

    device = SimpleNamespace(type="cpu")
    sides, views = (128,), 1
    profiles = ()
    card: dict[str, Any] = {"sha256": "0" * 64}  # noqa: RUF012
    thresholds = peaks = dict.fromkeys(SEGMENTED, 0.5)
    sure = dict.fromkeys(LESIONS, 0.5)

    def detect(self, image: FundusImage) -> LesionMap:
        colours = np.array([INKS[code] for code in SEGMENTED], np.float32)
        smooth = cv2.medianBlur(np.ascontiguousarray(image.pixels), 3).astype(np.float32)
        distance = np.linalg.norm(smooth[None] - colours[:, None, None], axis=3)
        nearest = (distance == distance.min(axis=0)) & (distance < 40)
        dark = SEGMENTED.index("MA"), SEGMENTED.index("HE")  # of one ink, told apart by size
        _, labels, stats, _ = cv2.connectedComponentsWithStats(nearest[list(dark)].any(axis=0).astype(np.uint8))
        small = stats[labels, cv2.CC_STAT_AREA] < SMALL_PX
        nearest[dark[0]], nearest[dark[1]] = (labels > 0) & small, (labels > 0) & ~small
        return LesionMap(np.where(nearest, 0.9, 0.0).astype(np.float32), SEGMENTED)


class CiteAll(InkDetector):
    """The whole-image citer: every lesion everywhere."""

    def detect(self, image: FundusImage) -> LesionMap:
        return LesionMap(np.full((len(SEGMENTED), *image.field.shape), 0.9, np.float32) * image.field, SEGMENTED)


class Sayer:
    """Says what it was given, photograph after photograph, whatever they show; round and round."""

    def __init__(self, texts: Sequence[str], levels: Sequence[int] = (2,), name: str = "sayer") -> None:
        self.name, self.identity = name, {"name": name}
        self.texts, self.levels, self.asked = texts, levels, 0

    def answer(self, image: FundusImage, *_: object) -> Answer:
        number, self.asked = self.asked, self.asked + 1
        level = self.levels[number % len(self.levels)]
        probs = tuple(0.6 if grade == level else 0.1 for grade in range(5))
        return Answer(Grade(level, probs, self.name), self.texts[number % len(self.texts)], False, 0.9)

    def look(self, image: FundusImage, level: int) -> SaliencyMap | None:
        return None


DENIER = Sayer([DENIAL], name="denier")
TEMPLATE = Sayer(["Grade: 2. Microaneurysms and haemorrhages are seen. Hard exudates are seen."], name="template")


def explainer(talker: Any = None, detector: InkDetector | None = None) -> Pipeline:
    """A pipeline of such parts."""
    return Pipeline(detector or InkDetector(), talker)  # type: ignore[arg-type]
