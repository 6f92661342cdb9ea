"""What a text asserts of the eye, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retinai.types.grade import Grade
from retinai.types.saliency import Attribution

Polarity = Literal["present", "absent", "uncertain"]
Verdict = Literal["supported", "contradicted", "unsupported", "not_assessable"]


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
