"""A lesion detector that draws: the viewer's tests are about the page, and a U-Net would take most of their time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.lesions import SEGMENTED
from retinai.pipeline import Pipeline
from retinai.types import FundusImage, Grade, LesionMap, SaliencyMap

DISC = (0.683, 0.495, 0.062)
"""IDRiD_18's optic disc: centre and radius as shares of the width, the height and the width."""
PLACES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "MA": ((0.45, 0.30, 0.003, 0.9), (0.60, 0.25, 0.003, 0.8)),
    "HE": ((0.40, 0.62, 0.008, 0.95), (0.62, 0.70, 0.006, 0.7)),
    "EX": ((0.56, 0.40, 0.004, 0.97), (0.50, 0.42, 0.005, 0.93), (0.35, 0.45, 0.004, 0.88)),
    "SE": ((0.66, 0.22, 0.010, 0.85),),
}
"""Drawn lesions: x, y, radius, probability, as shares of the width, the height and the width."""


class DrawnDetector:
    """As `LesionDetector`, for photographs of which it knows where to draw."""

    def __init__(self, sides: tuple[int, ...] = (1536, 2048)) -> None:
        self.card = {"sha256": "5" * 64, "sides": list(sides), "encoder": "drawn"}
        self.device = SimpleNamespace(type="cpu")
        self.sides, self.views, self.profiles = sides, 1, ()
        self.thresholds = dict.fromkeys(SEGMENTED, 0.5)
        self.peaks, self.sure = dict.fromkeys(SEGMENTED, 0.5), dict.fromkeys(SEGMENTED, 0.6)
        self.seen = 0

    def detect(self, image: FundusImage) -> LesionMap:
        self.seen += 1
        height, width = image.field.shape
        probs = np.zeros((len(SEGMENTED), height, width), np.float32)
        for channel, code in enumerate(SEGMENTED):
            for x, y, radius, p in PLACES.get(code, ((*DISC, 0.98),)):
                cv2.circle(probs[channel], (round(x * width), round(y * height)), max(1, round(radius * width)), p, cv2.FILLED)
        return LesionMap(probs, SEGMENTED)


class DrawnTalker:
    """A language model that always says the same: one true sentence, one false, one that nothing here can check."""

    name = "vlm:drawn"
    identity: ClassVar = {"name": "vlm:drawn"}
    text = "Grade: 3. Haemorrhages are present. Hard exudates are absent. Venous beading is seen."

    def answer(self, image: FundusImage, evidence: Any = (), **_: Any) -> Any:
        return SimpleNamespace(grade=Grade(3, (0.02, 0.05, 0.33, 0.5, 0.1), self.name), text=self.text, malformed=False, gradable=0.99)

    def look(self, image: FundusImage, level: int, evidence: Any = (), **_: Any) -> SaliencyMap:
        rows, columns = np.indices(image.field.shape, np.float32)
        height, width = image.field.shape
        values: NDArray[np.float32] = np.exp(
            -(((columns - 0.4 * width) / (0.1 * width)) ** 2) - ((rows - 0.6 * height) / (0.1 * width)) ** 2
        )
        return SaliencyMap(values.astype(np.float32), f"grade {level}", "drawn")


def pipeline(talker: bool = True) -> Pipeline:
    """The real pipeline around drawn models."""
    return Pipeline(DrawnDetector(), DrawnTalker() if talker else None)  # type: ignore[arg-type]
