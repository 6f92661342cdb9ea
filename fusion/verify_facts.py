"""What claims are judged by: the facts of one photograph, the thresholds, and the rulings they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fusion.rules import DmeReading, FollowUp
from fusion.thresholds import Thresholds as Thresholds
from fusion.verify_places import LANDMARK, OUTSIDE, UNMAPPED
from retinai.types import Evidence, GradeInterval, Landmarks, Lesion, Point, Verdict

UNDETECTED = "class outside the detector"
FLOOR = "cannot be seen at this size"
UNGRADABLE = "ungradable"
UNCHECKED = "outside what is checked"
UNESTABLISHED = "how sure the map must be to support this was not established for this class"
REASONS = (UNDETECTED, OUTSIDE, FLOOR, LANDMARK, UNGRADABLE, UNMAPPED, UNCHECKED, UNESTABLISHED)
"""Why a claim is not assessable."""
QUALITY_ID = "quality"
"""What a claim about the photograph's quality cites: the quality gate's own reading."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one photograph.

    lesions: those that the page marks; evidence: what the explanation says, whose ids are cited; middle: the centre of the field in
    native pixels; too_small: classes whose lesions this photograph is too coarse to show; unreported: candidates at the outline
    thresholds that are not marked; exhaustive: whether the lesions are all there are, as those of true masks. A map's never are.
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
    unreported: Sequence[Lesion] = ()
    exhaustive: bool = False

    def candidates(self, code: str, quadrant: str | None = None) -> int:
        """How many of a class the map outlines, marked or not; in one quadrant where one is named."""
        both = (*self.lesions, *self.unreported)
        return sum(each.code == code and quadrant in (None, each.place.quadrant) for each in both)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict with its reason and the ids that show it."""

    verdict: Verdict
    reason: str
    ids: tuple[str, ...] = ()
