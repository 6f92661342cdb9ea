"""Grades, by whom they are given, and what to do by them."""

from __future__ import annotations

from dataclasses import dataclass

from retinai.lesions import REFERABLE_FROM
from retinai.types.saliency import SaliencyTable

_SLACK = 1e-6  # sums of the same probabilities may differ in the last digits


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
    open at a stated rate, None where none was fitted for this grader; cuts: how the level comes from the probabilities, which is checked:
    the number of ascending cuts that the mean grade reaches, or without cuts the likeliest grade."""

    level: int
    probs: tuple[float, ...]
    source: str
    conformal: GradeSet | None = None
    cuts: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.probs) != 5 or abs(sum(self.probs) - 1) > 1e-3 or not 0 <= self.level <= 4:
            raise ValueError(f"a grade needs level 0-4 and five probabilities that sum to one, got {self.level} {self.probs}")
        if self.conformal and self.level not in self.conformal.levels:
            raise ValueError(f"grade {self.level} is not in its own set {self.conformal.levels}")
        if not self._follows():
            raise ValueError(f"grade {self.level} is not the one that its own numbers give: {self.probs}, cuts {self.cuts}")

    @property
    def mean(self) -> float:
        """The mean grade, 0..4."""
        return sum(level * p for level, p in enumerate(self.probs))

    def _follows(self) -> bool:
        if self.cuts is None:
            return self.probs[self.level] >= max(self.probs) - _SLACK
        return sum(self.mean >= cut + _SLACK for cut in self.cuts) <= self.level <= sum(self.mean >= cut - _SLACK for cut in self.cuts)


@dataclass(frozen=True, slots=True)
class GradeInterval:
    """What the lesions found say of the ICDR grade.

    low: proven by the lesions that are not of low confidence; visible: the grade that all the lesions marked fit;
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
class SecondOpinion:
    """A small grader's reading, beside those of the lesions and of the language model. text: its words, with the ids that it cites;
    from_lesions: whether it reads the same lesion map, so that it is no second witness of the lesions; saliency: where one that looks at
    the photograph looked, None for one that cites lesions, or where the map is blank."""

    grade: Grade
    text: str
    from_lesions: bool
    saliency: SaliencyTable | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do by the worst reading that is consistent with the lesions. level: that reading's grade, ICDR 0-4; by: whose it is;
    text: one or two plain sentences; clause: the rule; refer: to an ophthalmologist; months: the longest wait; human: why a person has
    to look at the photograph, plain clauses, none where the readings agree; look: the request to look at the one lesion on which the
    grade or the follow-up rests, with its id, None where it rests on more."""

    level: int
    by: str
    text: str
    clause: str
    refer: bool
    months: int
    human: tuple[str, ...] = ()
    look: str | None = None
