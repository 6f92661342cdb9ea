"""After training: from logits to probabilities that may be believed, and to the grade that agrees best.

Everything here is fitted on photographs that the weights were not trained on, and that no figure is reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
_FOLDS, _ROUNDS = 5, 3


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """(N, K) logits -> (N, K) probabilities."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def log_loss(probs: Floats, levels: Ints) -> float:
    """Mean -log of the true class's probability."""
    return -float(np.log(probs[np.arange(len(levels)), levels] + 1e-12).mean())


def fit_temperature(logits: Floats, levels: Ints) -> float:
    """The temperature with the least log loss, in 0.05..20 (Guo et al., ICML 2017)."""
    from scipy.optimize import minimize_scalar  # slow to load, and only fitting needs it

    def loss(log_temperature: float) -> float:
        return log_loss(softmax(logits, float(np.exp(log_temperature))), levels)

    found: Any = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def expected_grade(probs: Floats) -> Floats:
    """(N, K) -> (N,): the mean grade, 0..K-1."""
    return probs @ np.arange(probs.shape[1])


def levels_of(probs: Floats, cuts: Sequence[float] | None = None) -> Ints:
    """The class given: how many of the ascending `cuts` the expected grade reaches, or without cuts the likeliest class."""
    if cuts is None:
        return probs.argmax(1)
    return (expected_grade(probs)[:, None] >= np.asarray(cuts)).sum(1)


def tune_cuts(probs: Floats, levels: Ints) -> list[float] | None:
    """The cuts of the expected grade with the highest quadratic kappa; None where they do not help.

    "Help" is judged on photographs that the cuts were not fitted on, in five parts, since four cuts fit the noise of a few dozen.
    """
    if len(set(levels.tolist())) < 2:
        return None
    part = np.arange(len(levels)) % _FOLDS
    order = np.random.default_rng(0).permutation(len(levels))
    part = part[np.argsort(order)]
    given = np.empty(len(levels), int)
    for fold in range(_FOLDS):
        cuts = _best_cuts(expected_grade(probs[part != fold]), levels[part != fold], probs.shape[1])
        given[part == fold] = levels_of(probs[part == fold], cuts)
    if quadratic_kappa(levels, given) <= quadratic_kappa(levels, probs.argmax(1)):
        return None
    return _best_cuts(expected_grade(probs), levels, probs.shape[1])


def _best_cuts(expected: Floats, levels: Ints, classes: int) -> list[float]:
    """One cut after the other, each between its neighbours, a few times round; ties go to the cut nearest its plain place."""
    cuts = [k + 0.5 for k in range(classes - 1)]
    for _ in range(_ROUNDS):
        for place in range(len(cuts)):
            low = cuts[place - 1] if place else 0.0
            high = cuts[place + 1] if place + 1 < len(cuts) else float(classes - 1)
            tried = np.arange(low + 0.05, high, 0.05)
            trials = [[*cuts[:place], float(cut), *cuts[place + 1 :]] for cut in (*tried, cuts[place])]
            cuts = max(trials, key=lambda t: (round(_kappa_of(expected, levels, t), 9), -abs(t[place] - place - 0.5)))
    return [round(cut, 3) for cut in cuts]


def _kappa_of(expected: Floats, levels: Ints, cuts: Sequence[float]) -> float:
    return quadratic_kappa(levels, (expected[:, None] >= np.asarray(cuts)).sum(1))


def quadratic_kappa(truth: Ints, given: Ints) -> float:
    """Quadratically weighted kappa by the variances, for any number of classes; 0 where it is undefined."""
    apart = float(((truth - given) ** 2).mean())
    by_chance = float(truth.var() + given.var() + (truth.mean() - given.mean()) ** 2)
    return 1 - apart / by_chance if by_chance else 0.0
