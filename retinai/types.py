"""The nouns: frozen, validated, without behaviour beyond reading themselves.

Arrays are read-only. Coordinates are (x, y) in native pixels, pixel centres at whole numbers, y downwards.
Boxes are (x, y, width, height) in native pixels. Distances in `_dd` are optic disc diameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retinai.lesions import REFERABLE_FROM

Eye = Literal["right", "left"]
Point = tuple[float, float]
Box = tuple[int, int, int, int]
Polarity = Literal["present", "absent", "uncertain"]
Verdict = Literal["supported", "contradicted", "unsupported", "not_assessable"]
CITED = 6
"""Lesion ids printed after a sentence; beyond these the reader is told how many more there are."""


def _freeze(array: NDArray[Any]) -> None:
    array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class FundusImage:
    """A photograph. pixels: (H, W, 3) RGB uint8, black outside the field; field: (H, W) bool, the retina."""

    id: str
    pixels: NDArray[np.uint8]
    field: NDArray[np.bool_]
    eye: Eye | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 3) uint8, got {self.pixels.shape} {self.pixels.dtype}")
        if self.field.shape != self.pixels.shape[:2] or self.field.dtype != np.bool_:
            raise ValueError(f"field must be a bool mask of {self.pixels.shape[:2]}, got {self.field.shape} {self.field.dtype}")
        _freeze(self.pixels)
        _freeze(self.field)


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether a photograph can be graded. reasons: plain words, empty when gradable; scores: the measurements."""

    gradable: bool
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gradable == bool(self.reasons):
            raise ValueError("a photograph is ungradable exactly when there are reasons")


@dataclass(frozen=True, slots=True, eq=False)
class LesionMap:
    """Probabilities per class. probs: (C, H, W) float32 in 0..1 at native size; classes: the channel order; encoder: (D,) float32, mean
    and maximum of the network's deepest stage over the photograph, None where whoever made the map has none."""

    probs: NDArray[np.float32]
    classes: tuple[str, ...]
    encoder: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.probs.ndim != 3 or self.probs.shape[0] != len(self.classes):
            raise ValueError(f"probs must be ({len(self.classes)}, H, W) for {self.classes}, got {self.probs.shape}")
        _freeze(self.probs)

    def channel(self, code: str) -> NDArray[np.float32]:
        """The (H, W) probabilities of one class. Raises KeyError naming the classes there are."""
        if code not in self.classes:
            raise KeyError(f"no channel {code}; there are {', '.join(self.classes)}")
        return self.probs[self.classes.index(code)]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Anatomy in native pixels. Whatever was not found is None, never guessed.

    confidences are 0..1; eye is 'right' when the disc lies on the image's right of the fovea.
    """

    disc: Point | None = None
    disc_diameter_px: float | None = None
    disc_confidence: float = 0.0
    fovea: Point | None = None
    fovea_confidence: float = 0.0
    eye: Eye | None = None

    def __post_init__(self) -> None:
        if (self.disc is None) != (self.disc_diameter_px is None):
            raise ValueError("disc and disc_diameter_px come together")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lesion lies. quadrant: 'superotemporal', ... around the fovea, None without fovea and eye;
    distance_dd: from the lesion's nearest pixel to the fovea, None without landmarks."""

    centre: Point
    quadrant: str | None = None
    distance_dd: float | None = None


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected lesion. id: 'HE-3', numbered from the most confident; confidence: highest probability inside."""

    id: str
    code: str
    box: Box
    area_px: int
    confidence: float
    place: Place

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0 or self.area_px < 1:
            raise ValueError(f"{self.id}: confidence {self.confidence} and area {self.area_px} must be in 0..1 and at least 1")


@dataclass(frozen=True, slots=True)
class GradeSet:
    """The grades that a grader's answer leaves open. levels: in order, without gaps; rate: the share of photographs whose true grade such
    a set holds; cases: on how many labelled photographs that was set. See `retinai.conformal`."""

    levels: tuple[int, ...]
    rate: float
    cases: int

    def __post_init__(self) -> None:
        if not self.levels or self.levels != tuple(range(self.levels[0], self.levels[-1] + 1)) or not 0 <= self.levels[-1] <= 4:
            raise ValueError(f"a set of grades runs without gaps within 0-4, got {self.levels}")

    @property
    def straddles(self) -> bool:
        """Whether it holds grades on both sides of the referral line."""
        return self.levels[0] < REFERABLE_FROM <= self.levels[-1]


@dataclass(frozen=True, slots=True)
class Grade:
    """One grader's reading. level: ICDR 0-4; probs: five numbers that sum to one; source: who says so; conformal: the grades that stay
    open at a stated rate, None where none was fitted for this grader."""

    level: int
    probs: tuple[float, ...]
    source: str
    conformal: GradeSet | None = None

    def __post_init__(self) -> None:
        if len(self.probs) != 5 or abs(sum(self.probs) - 1) > 1e-3 or not 0 <= self.level <= 4:
            raise ValueError(f"a grade needs level 0-4 and five probabilities that sum to one, got {self.level} {self.probs}")
        if self.conformal and self.level not in self.conformal.levels:
            raise ValueError(f"grade {self.level} is not in its own set {self.conformal.levels}")


@dataclass(frozen=True, slots=True)
class GradeInterval:
    """What the lesions found say of the ICDR grade.

    low: proven by the lesions that are more likely than not; visible: the grade that all the lesions found fit;
    high: the highest that cannot be excluded, since some signs cannot be seen. clauses: the rule of the visible
    grade first, then those that stay open; lesions: the ids on which the visible grade rests, none for grade 0.
    """

    low: int
    visible: int
    high: int
    clauses: tuple[str, ...]
    lesions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.visible <= self.high <= 4:
            raise ValueError(f"grade interval {self.low}-{self.visible}-{self.high} is out of order or out of 0-4")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A citable fact. kind: presence, absence, location, count, dme_risk, grade, follow_up;
    statement: one plain English sentence without citations; lesions: the ids that show it; clause: the rule applied."""

    id: str
    kind: str
    statement: str
    lesions: tuple[str, ...] = ()
    clause: str | None = None

    @property
    def sentence(self) -> str:
        """The statement with its citations: 'Hard exudates within one disc diameter of the fovea [EX-1, EX-4].'

        No more than `CITED` ids are printed, the rest as a number; `lesions` holds them all.
        """
        if not self.lesions:
            return self.statement
        rest = len(self.lesions) - CITED
        more = f" and {rest} more" if rest > 0 else ""
        return f"{self.statement.rstrip('.')} [{', '.join(self.lesions[:CITED])}{more}]."


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyMap:
    """Where a model looked. values: (H, W) float32 >= 0, not all zero, in native pixels; target: what was explained; layer: of the model,
    whose cells are seen; cells: how many of them lie along the square that the model sees, whose side is `side` px, None where unknown."""

    values: NDArray[np.float32]
    target: str
    method: str
    layer: str = ""
    cells: int | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all() or self.values.min() < 0 or self.values.max() <= 0:
            raise ValueError("a saliency map must be finite, non-negative and not blank")
        _freeze(self.values)


@dataclass(frozen=True, slots=True)
class Count:
    """How many a text says there are: `> 20`, `~ 12` (about). op: = ~ > >= < <=."""

    op: Literal["=", "~", ">", ">=", "<", "<="]
    n: int


@dataclass(frozen=True, slots=True)
class Region:
    """A place that a text names; several values mean "in each of them".

    frame: what the values divide. quadrant and hemifield (around the origin), etdrs9 ('macula', 'centre', 'temporal macula'),
    dd_ring (distance from the origin in disc diameters, '<=1'), area ('arcades', 'periphery'), image ('upper left').
    """

    frame: Literal["quadrant", "hemifield", "etdrs9", "dd_ring", "area", "image"]
    values: tuple[str, ...]
    origin: Literal["fovea", "disc"] = "fovea"

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"a {self.frame} needs at least one value")


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much of a model's saliency lies on some lesions. mass_share: of all saliency in the field, 0..1; lift: that share over the
    lesions' share of the field's area; ceiling_share: that share over the largest that the map's resolution allows, 0..1, None where the
    resolution is unknown."""

    method: str
    layer: str
    mass_share: float
    lift: float
    ceiling_share: float | None


@dataclass(frozen=True, slots=True)
class LesionSaliency:
    """One lesion's share of the saliency, as in `Attribution`."""

    lesion: str
    mass_share: float
    lift: float
    ceiling_share: float | None


@dataclass(frozen=True, slots=True)
class SaliencyTable:
    """The saliency joined to the lesions. target, method, layer, cells: as in `SaliencyMap`; together: all lesions as one; lesions: one row
    each, in the order of the lesions."""

    target: str
    method: str
    layer: str
    cells: int | None
    together: Attribution
    lesions: tuple[LesionSaliency, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a text asserts of the eye, and what became of it.

    text, span: where it stands in the raw text, which is raw[span[0]:span[1]]; it carries the model's own words, never verified as
    words, and is quoted, not printed as a finding. lesion: a code of `retinai.lesions.CLASSES`; levels: the ICDR grades
    (kind grade) or DME risks (kind dme_risk) that the words allow; months: the follow-up interval; evidence: ids of lesions
    or of evidence; reason: why the verdict, one plain clause; kept: whether it may reach the reader; cited: the ids that the text itself
    gives for it, whether or not there is such a lesion.
    """

    id: str
    text: str
    span: tuple[int, int]
    kind: Literal["presence", "count", "location", "grade", "dme_risk", "referral", "quality", "other"]
    polarity: Polarity
    lesion: str | None = None
    count: Count | None = None
    region: Region | None = None
    levels: tuple[int, ...] = ()
    months: tuple[int, int] | None = None
    evidence: tuple[str, ...] = ()
    attribution: Attribution | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    kept: bool = False
    cited: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.span[0] < 0 or self.span[1] - self.span[0] != len(self.text) or not self.text:
            raise ValueError(f"{self.id}: the span {self.span} does not fit the text {self.text!r}")
        if (self.lesion is None) == (self.kind in ("presence", "count", "location")):
            raise ValueError(f"{self.id}: a {self.kind} claim with lesion {self.lesion}")
        if (not self.levels) == (self.kind in ("grade", "dme_risk")):
            raise ValueError(f"{self.id}: a {self.kind} claim with levels {self.levels}")
        if self.kept and (self.verdict != "supported" or not self.evidence):
            raise ValueError(f"{self.id}: only a supported claim with evidence is kept, this one is {self.verdict}")
        if self.verdict not in (None, "supported") and not self.reason:
            raise ValueError(f"{self.id}: {self.verdict} without a reason")


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """What a language model said and what became of it. source: who says so; text: as generated; malformed: whether it
    broke off or repeats itself; grade: None where it holds the photograph for ungradable; claims: with their verdicts;
    unread: passages that gave no claim; omitted: lesion classes found and not mentioned; invented: ids that it cites and that do not
    exist; grounded: whether it was told the evidence before it answered, so that its agreement is no second opinion."""

    source: str
    text: str
    malformed: bool
    grade: Grade | None
    claims: tuple[Claim, ...] = ()
    unread: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    grounded: bool = False


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """A small grader's reading, beside those of the lesions and of the language model. text: its words, with the ids that it cites;
    from_lesions: whether it reads the same lesion map, so that it is no second witness of the lesions."""

    grade: Grade
    text: str
    from_lesions: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do by the worst reading that is consistent with the lesions. level: that reading's grade, ICDR 0-4; by: whose it is;
    text: one or two plain sentences; clause: the rule; refer: to an ophthalmologist; months: the longest wait; human: why a person has
    to look at the photograph, plain clauses, none where the readings agree."""

    level: int
    by: str
    text: str
    clause: str
    refer: bool
    months: int
    human: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is said of one photograph. image: its name; follow_up: the text of `advice`; text: the rendered sentences; unseen: what
    could not be assessed; provenance: weights' hashes, config, versions, seed; answer: the language model's, where one was asked;
    saliency: where it looked, None where that is unknown; advice: None for an ungradable photograph; second: the small grader's reading,
    where there is one."""

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
