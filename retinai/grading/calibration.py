"""Does a grader that says 0.8 hit eight times in ten? Reliability bins and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The grades given with a confidence in (low, high]: how many, their mean confidence, the share that was right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """The bins of equal width that hold something. confidence: (N,) in 0..1, of the grade given; correct: (N,)."""
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for i in np.unique(index):
        inside = index == i
        means = float(confidence[inside].mean()), float(correct[inside].mean())
        found.append(Bin(float(i / bins), float((i + 1) / bins), int(inside.sum()), *means))
    return found


def expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy, 0..1, weighted by the bins' counts (Guo et al., ICML 2017). NaN when empty."""
    if confidence.size == 0:
        return float("nan")
    return sum(b.count * abs(b.confidence - b.accuracy) for b in reliability(confidence, correct, bins)) / confidence.size
