"""The nouns: frozen, validated, without behaviour beyond reading themselves.

Arrays are read-only. Coordinates are (x, y) in native pixels, pixel centres at whole numbers, y downwards.
Boxes are (x, y, width, height) in native pixels. Distances in `_dd` are optic disc diameters.
"""

from __future__ import annotations

from retinai.types.camera import CameraMarks
from retinai.types.claim import CheckedAnswer, Claim, Count, Polarity, Region, Verdict
from retinai.types.evidence import CITED, Box, Evidence, Landmarks, Lesion, Place, Point
from retinai.types.explanation import Explanation, Patient
from retinai.types.grade import Advice, Grade, GradeInterval, GradeSet, SecondOpinion
from retinai.types.photograph import Eye, FundusImage, LesionMap, Quality, SaliencyMap
from retinai.types.saliency import Attribution, LesionSaliency, SaliencyTable

__all__ = [
    "CITED",
    "Advice",
    "Attribution",
    "Box",
    "CameraMarks",
    "CheckedAnswer",
    "Claim",
    "Count",
    "Evidence",
    "Explanation",
    "Eye",
    "FundusImage",
    "Grade",
    "GradeInterval",
    "GradeSet",
    "Landmarks",
    "Lesion",
    "LesionMap",
    "LesionSaliency",
    "Patient",
    "Place",
    "Point",
    "Polarity",
    "Quality",
    "Region",
    "SaliencyMap",
    "SaliencyTable",
    "SecondOpinion",
    "Verdict",
]
