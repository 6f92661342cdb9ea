"""Row 12: does the grader know when it is wrong? The risk-coverage curve, and conformal sets left one out."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

TARGET = 0.9
"""The share of photographs whose true grade the conformal set is to hold."""

Floats = NDArray[np.float64]


def risk_coverage(confidence: Floats, wrong: Floats) -> Floats:
    """(N,) the error rate among the 1, 2, ... N surest answers. Equally sure ones share their errors, so that no order is preferred."""
    if confidence.size == 0:
        return np.array([])
    _, group = np.unique(confidence, return_inverse=True)
    shared = np.bincount(group, wrong) / np.bincount(group)
    order = np.argsort(-confidence, kind="stable")
    return np.cumsum(shared[group][order]) / np.arange(1, confidence.size + 1)


def aurc(confidence: Floats, wrong: Floats) -> float:
    """The mean of the risk-coverage curve, 0..1, lower is better (Geifman et al., ICLR 2019). By chance it is the error rate."""
    curve = risk_coverage(confidence, wrong)
    return float(curve.mean()) if curve.size else float("nan")


def best_aurc(wrong: Floats) -> float:
    """What the same errors would give if every wrong answer were less sure than every right one."""
    return aurc(1.0 - wrong, wrong)


def left_out_sets(probs: Floats, truth: NDArray[np.integer], target: float = TARGET) -> NDArray[np.bool_]:
    """(N, C) which classes the conformal set of each photograph holds, calibrated on all the others. probs: (N, C); truth: (N,).

    The score is one minus the probability of the true class, the threshold its ceil(N * target)-th smallest value among the N - 1 others
    (split conformal prediction: Sadinle et al., JASA 2019); every class where there are too few others.
    """
    count = len(truth)
    scores = 1.0 - probs[np.arange(count), truth]
    rank = ceil(count * target)
    sets = np.ones(probs.shape, np.bool_)
    for one in range(count):
        others = np.sort(np.delete(scores, one))
        if rank <= others.size:
            sets[one] = 1.0 - probs[one] <= others[rank - 1]
    return sets
