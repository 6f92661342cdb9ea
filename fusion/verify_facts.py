"""What claims are judged by: the facts of one photograph, the thresholds, and the rulings they lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fusion.rules import DmeReading, FollowUp
from fusion.verify_places import LANDMARK, OUTSIDE, UNMAPPED
from retinai.lesions import LESIONS
from retinai.types import Evidence, GradeInterval, Landmarks, Lesion, Point, Verdict

UNDETECTED = "class outside the detector"
FLOOR = "below the size floor"
UNGRADABLE = "ungradable"
UNCHECKED = "outside what is checked"
REASONS = (UNDETECTED, OUTSIDE, FLOOR, LANDMARK, UNGRADABLE, UNMAPPED, UNCHECKED)
"""Why a claim is not assessable."""
QUALITY_ID = "quality"
"""What a claim about the photograph's quality cites: the quality gate's own reading."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per lesion class: `low`, below which a lesion does not count at all; `high`, from which on it is sure. 0 <= low <= high <= 1."""

    low: Mapping[str, float]
    high: Mapping[str, float]

    def __post_init__(self) -> None:
        for code in LESIONS:
            if not 0 <= self.low.get(code, -1) <= self.high.get(code, -1) <= 1:
                raise ValueError(f"{code}: thresholds {self.low.get(code)} and {self.high.get(code)} must rise within 0..1")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one photograph.

    lesions: all candidates down to the low thresholds; evidence: what the explanation says, whose ids are cited; middle: the
    centre of the field in native pixels; too_small: classes whose lesions this photograph is too coarse to show.
    """

    lesions: Sequence[Lesion]
    landmarks: Landmarks
    interval: GradeInterval
    dme: DmeReading
    follow_up: FollowUp
    evidence: Sequence[Evidence] = ()
    gradable: bool = True
    middle: Point | None = None
    too_small: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict with its reason and the ids that show it."""

    verdict: Verdict
    reason: str
    ids: tuple[str, ...] = ()
