"""Thresholds with a guarantee: from which confidence on is what the map calls a lesion one, at a stated rate?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta


def sure_from(confidence: Sequence[float], right: Sequence[bool], rate: float = 0.95, error: float = 0.05) -> float | None:
    """The lowest threshold at or above which at least `rate` of the units are right, with probability 1 - `error`.

    confidence: 0..1 of each unit (a lesion, or a photograph's surest lesion of a class) of a validation set; right: whether the truth
    has it. Thresholds are tried from the top down, from the first that has units enough to pass at all, and the search ends at the
    first that fails the Clopper-Pearson bound: fixed-sequence testing, which keeps the error over the whole search (Angelopoulos et al.
    2021, Learn then Test). None where no threshold passes; fewer than log(error) / log(rate) units never do.
    """
    if len(confidence) != len(right) or not 0 < rate < 1 or not 0 < error < 1:
        raise ValueError(f"{len(confidence)} confidences, {len(right)} answers, rate {rate}, error {error}: lengths or ranges do not fit")
    order = np.argsort(-np.asarray(confidence, float), kind="stable")
    scores, hits = np.asarray(confidence, float)[order], np.cumsum(np.asarray(right, bool)[order])
    passed = None
    for total in range(1, len(scores) + 1):
        tied = total < len(scores) and scores[total] == scores[total - 1]
        if tied or lower_bound(total, total, error) < rate:
            continue
        if lower_bound(int(hits[total - 1]), total, error) < rate:
            break
        passed = float(scores[total - 1])
    return passed


def lower_bound(right: int, total: int, error: float = 0.05) -> float:
    """The one-sided Clopper-Pearson lower bound of a share, 0..1."""
    return float(beta.ppf(error, right, total - right + 1)) if right else 0.0
