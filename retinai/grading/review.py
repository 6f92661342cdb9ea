"""Which readings should a human look at? Confidence against error: the risk-coverage curve and the review threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Review:
    """Readings with less than `threshold` confidence go to a human. kept: the share of the others; error: theirs."""

    threshold: float
    kept: float
    error: float


def risk_coverage(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(coverage, risk), each (M,): the share of readings at or above each confidence that occurs, and the share of errors among them.

    From the surest reading on; equal confidences come in together (El-Yaniv and Wiener, JMLR 2010). Empty without readings.
    """
    if confidence.size == 0:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-confidence, kind="stable")
    scores, wrong = confidence[order], np.cumsum(~correct[order])
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    return (last + 1) / len(scores), wrong[last] / (last + 1)


def area_under_risk(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """AURC: the mean risk over all coverages, 0..1, lower is better (Geifman et al., ICLR 2019). NaN without readings."""
    coverage, risk = risk_coverage(confidence, correct)
    return float((np.diff(coverage, prepend=0.0) * risk).sum()) if coverage.size else float("nan")


def review_threshold(confidence: Floats, correct: NDArray[np.bool_], error: float = 0.1) -> Review:
    """The lowest confidence from which on no more than `error` of the readings are wrong; where none is, 1: all are looked at."""
    coverage, risk = risk_coverage(confidence, correct)
    scores = np.unique(confidence)[::-1]
    good = np.flatnonzero(risk <= error)
    if good.size == 0:
        return Review(1.0, 0.0, 0.0)
    last = int(good[-1])
    return Review(float(scores[last]), float(coverage[last]), float(risk[last]))
