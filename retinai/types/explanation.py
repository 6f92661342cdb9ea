"""All that is said of one photograph, and of both eyes of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retinai.types.camera import CameraMarks
from retinai.types.claim import CheckedAnswer
from retinai.types.evidence import Evidence, Landmarks, Lesion
from retinai.types.grade import Advice, GradeInterval, SecondOpinion
from retinai.types.photograph import Eye, Quality
from retinai.types.saliency import SaliencyTable


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is said of one photograph. image: its name; follow_up: the text of `advice`; text: the rendered sentences; unseen: what
    could not be assessed; provenance: weights' hashes, config, versions, seed; answer: the language model's, where one was asked;
    saliency: where it looked, None where that is unknown; advice: None for an ungradable photograph; second: the small grader's reading,
    where there is one; camera: the marks of the camera that were taken out first, None where no profile fits."""

    image: str
    quality: Quality
    landmarks: Landmarks
    lesions: tuple[Lesion, ...]
    evidence: tuple[Evidence, ...]
    interval: GradeInterval | None
    dme_risk: int | None
    follow_up: str | None
    unseen: tuple[str, ...]
    text: str
    provenance: Mapping[str, Any]
    answer: CheckedAnswer | None = None
    saliency: SaliencyTable | None = None
    advice: Advice | None = None
    second: SecondOpinion | None = None
    camera: CameraMarks | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """Both eyes of one patient. level: the worse grade by visible lesions, of the eyes that could be graded, None where neither could;
    worse: whose it is; advice: that of the eye that asks for the sooner examination; advice_eye: which; asymmetry: how the eyes differ;
    laterality: photographs that look like the other eye; ophthalmologist: why to see one whatever the grades, plain clauses, none where
    both eyes could be told; text: the rendered sentences on both, without those on each."""

    right: Explanation
    left: Explanation
    level: int | None
    worse: Literal["right", "left", "both"] | None
    advice: Advice | None
    advice_eye: Eye | None
    asymmetry: tuple[str, ...]
    laterality: tuple[str, ...]
    ophthalmologist: tuple[str, ...]
    text: str
