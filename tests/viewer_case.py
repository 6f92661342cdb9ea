"""A photograph as it is uploaded, and cases read from it by the real pipeline around drawn models."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from standin_detector import pipeline

from apps.cases import Case, Upload, read_case
from retinai.types import Explanation, Eye, GradeInterval, Landmarks, Quality

PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "IDRiD_18.jpg"
NAME = "Jane_Doe_1950.jpg"


@cache
def photograph(width: int = 1072) -> bytes:
    """IDRiD_18 made smaller, as a JPEG file."""
    pixels = cv2.imread(str(PHOTOGRAPH), cv2.IMREAD_REDUCED_COLOR_4)
    assert pixels is not None
    height = round(pixels.shape[0] * width / pixels.shape[1])
    return cv2.imencode(".jpg", cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))[1].tobytes()


@cache
def black() -> bytes:
    """A picture in which nothing can be graded."""
    return cv2.imencode(".png", np.zeros((480, 640, 3), np.uint8))[1].tobytes()


@cache
def case(number: int = 1, patient: int = 1, eye: Eye | None = None) -> Case:
    """The photograph, read with the drawn lesions and the drawn language model."""
    return read_case(pipeline(), Upload(number, NAME, photograph(), patient, eye))


@cache
def ungradable() -> Case:
    return read_case(pipeline(), Upload(2, NAME, black(), 2))


def changed(visible: int = 2, number: int = 1, **fields: Any) -> Case:
    """A case with another grade or other fields of its explanation, without pictures."""
    interval = GradeInterval(visible, visible, 4, ("ICDR-2",))
    provenance = {"image_sha256": "a" * 64, "weights_sha256": "b" * 64, "versions": {"retinai": "0"}}
    told = Explanation("x", Quality(True), Landmarks(), (), (), interval, 0, "Refer: why.", (), "", provenance)
    return Case(Upload(number, NAME, b"", number), replace(told, **fields))
