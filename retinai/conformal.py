"""Which grades an answer leaves open: split conformal sets over the ICDR grades, set on validation answers.

The score of a grade is the probability gathered before it is reached, starting at the likeliest grade and growing by the likelier
neighbour: 0 for the likeliest itself. So a set never is empty and has no gaps, which suits a scale (ordinal sets: Lu, Angelopoulos and
Pomerantz, MICCAI 2022). The threshold is the ceil((n + 1) rate)-th smallest score of n labelled answers; a new photograph's true
grade then lies in its set with at least that rate, over photographs of the same kind (Vovk et al. 2005). One threshold serves
all grades: nine cases of each would be the least for one of its own, and rare grades have fewer. So the rate holds over all
photographs together, not for each grade.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retinai.lesions import GRADES
from retinai.types import GradeSet

RATE = 0.9
_SLACK = 1e-9  # sums of the same probabilities may differ in the last digit


@dataclass(frozen=True, slots=True)
class Conformal:
    """threshold: the highest score that stays in a set; rate: that was aimed at; cases: on how many answers it was set."""

    threshold: float
    rate: float
    cases: int

    def __post_init__(self) -> None:
        if not (0 <= self.threshold <= 1 and 0 < self.rate < 1 and self.cases > 0):
            raise ValueError(f"no conformal threshold: {self}")

    def grades(self, probs: Sequence[float]) -> GradeSet:
        """The set of one answer. probs: five that sum to one."""
        kept = np.flatnonzero(scores(probs) <= self.threshold + _SLACK)
        return GradeSet(tuple(int(level) for level in kept), self.rate, self.cases)


def open_grades(conformal: Conformal | None, probs: Sequence[float] | NDArray[np.float64], level: int) -> GradeSet | None:
    """The set of one answer, widened to the level given where cuts moved that out of it; None without a threshold."""
    if conformal is None:
        return None
    found = conformal.grades([float(p) for p in probs])
    return replace(found, levels=tuple(range(min(level, *found.levels), max(level, *found.levels) + 1)))


def scores(probs: Sequence[float]) -> NDArray[np.float64]:
    """(5,) the score of each grade, 0..1, rising away from the likeliest grade."""
    values = np.asarray(probs, np.float64)
    low = high = int(values.argmax())
    found, mass = np.zeros(len(values)), float(values[low])
    while high - low + 1 < len(values):
        below = values[low - 1] if low else -1.0
        above = values[high + 1] if high + 1 < len(values) else -1.0
        reached = low - 1 if below >= above else high + 1
        low, high = min(low, reached), max(high, reached)
        found[reached] = min(mass, 1.0)
        mass += float(values[reached])
    return found


def fit_conformal(probs: NDArray[np.float64], levels: NDArray[np.int64], rate: float = RATE) -> Conformal | None:
    """The threshold from (N, 5) probabilities and (N,) true grades; None where N is too small for the rate."""
    count = len(levels)
    rank = math.ceil(round((count + 1) * rate, 9))
    if rank > count:
        return None
    each = sorted(float(scores(row)[level]) for row, level in zip(probs, levels, strict=True))
    return Conformal(each[rank - 1], rate, count)


def coverage(probs: NDArray[np.float64], levels: NDArray[np.int64], rate: float = RATE) -> dict[str, Any] | None:
    """How often sets hold the true grade, each by the threshold that all other answers give: [held, cases] over all and by grade, and
    the mean number of grades in a set. None where the others are too few."""
    sets = []
    for out in range(len(levels)):
        others = fit_conformal(np.delete(probs, out, axis=0), np.delete(levels, out), rate)
        if others is None:
            return None
        sets.append(others.grades(probs[out]).levels)
    held = np.array([level in found for level, found in zip(levels, sets, strict=True)], np.bool_)
    by_grade = {str(level): [int(held[levels == level].sum()), int((levels == level).sum())] for level in range(len(GRADES))}
    return {"covered": [int(held.sum()), len(held)], "by_grade": by_grade, "mean_size": round(float(np.mean([len(s) for s in sets])), 3)}
