"""Regression on named features, as plain arrays: proportional odds for a scale, multinomial for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retinai.errors import MissingModelError

Floats = NDArray[np.float64]
ModelName = Literal["ordinal", "logistic"]
Balance = Literal["none", "weights", "smote"]
_NEIGHBOURS = 5  # as in Chawla 2002
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """mean, scale: (F,), of standardisation; weights: (F,) and offsets (K - 1,), the ascending thresholds, for 'ordinal';
    (K, F) and (K,) for 'logistic'."""

    name: ModelName
    mean: Floats
    scale: Floats
    weights: Floats
    offsets: Floats

    def standard(self, features: Floats) -> Floats:
        """(N, F) in units of the training photographs' deviations."""
        return (features - self.mean) / self.scale

    def logits(self, features: Floats) -> Floats:
        """(N, K) whose softmax are the classes' probabilities."""
        x = self.standard(features)
        if self.name == "logistic":
            return x @ self.weights.T + self.offsets
        return np.log(np.maximum(class_probs(x @ self.weights, self.offsets), _LEAST))

    def towards(self, features: Floats, level: int) -> Floats:
        """(F,): what each feature of one photograph adds towards `level`, against the mean photograph.

        For 'ordinal' up the scale (down for level 0); for 'logistic' to the level's logit over the mean of all logits.
        """
        x = self.standard(features[None])[0]
        if self.name == "ordinal":
            return x * self.weights * (-1 if level == 0 else 1)
        return x * (self.weights[level] - self.weights.mean(0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a safetensors file."""
        return {"mean": self.mean, "scale": self.scale, "weights": self.weights, "offsets": self.offsets}

    @classmethod
    def of(cls, name: ModelName, arrays: Mapping[str, NDArray[Any]]) -> Regression:
        return cls(name, *(arrays[key].astype(np.float64) for key in ("mean", "scale", "weights", "offsets")))


def class_probs(score: Floats, thresholds: Floats) -> Floats:
    """(N,) scores and (K - 1,) ascending thresholds -> (N, K): P(class > k) = sigmoid(score - threshold k) (McCullagh 1980)."""
    above = _sigmoid(score[:, None] - thresholds)
    ends = np.ones((len(score), 1))
    return np.hstack([ends, above]) - np.hstack([above, 0 * ends])


def _sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))


def standardisation(features: Floats, blocks: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """(mean, scale), each (F,). blocks: (F,) numbers of groups of features; each group gets as much variance as the first."""
    mean, scale = features.mean(0), features.std(0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    sizes = np.bincount(blocks)
    return mean, scale * np.sqrt(sizes[blocks] / sizes[blocks[0]])


def fit_regression(
    name: ModelName, features: Floats, levels: NDArray[np.integer], blocks: NDArray[np.integer], strength: float, balance: Balance = "none"
) -> Regression:
    """The weights with the least log loss plus strength / 2 times their squares.

    features: (N, F); levels: (N,) 0..K-1, all of which occur. Raises MissingModelError for 'smote' without imbalanced-learn.
    """
    mean, scale = standardisation(features, blocks)
    x = (features - mean) / scale
    if balance == "smote":
        x, levels = oversampled(x, levels)
    counts = np.bincount(levels)
    each = (len(levels) / (len(counts) * counts))[levels] if balance == "weights" else np.ones(len(levels))
    weights, offsets = (_fit_ordinal if name == "ordinal" else _fit_logistic)(x, levels, strength, each)
    return Regression(name, mean, scale, weights, offsets)


def oversampled(x: Floats, levels: NDArray[np.integer]) -> tuple[Floats, NDArray[np.integer]]:
    """Every grade as often as the most frequent one, by points between a photograph and its neighbours of the same grade (SMOTE).

    A grade with a single photograph has no neighbour, and is left as it is.
    """
    try:
        from imblearn.over_sampling import SMOTE
    except ModuleNotFoundError as error:
        raise MissingModelError(f"no {error.name} here; pip install -c constraints.txt '.[smote]'") from None
    counts = np.bincount(levels)
    wanted: Any = {int(level): int(counts.max()) for level in np.flatnonzero(counts > 1)}
    near = min(_NEIGHBOURS, int(counts[counts > 1].min()) - 1)
    found = SMOTE(sampling_strategy=wanted, k_neighbors=near, random_state=0).fit_resample(x, levels)
    return np.asarray(found[0]), np.asarray(found[1])


def _fit_logistic(x: Floats, levels: NDArray[np.integer], strength: float, each: Floats) -> tuple[Floats, Floats]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / strength, max_iter=2000).fit(x, levels, sample_weight=each)
    return model.coef_, model.intercept_


def _fit_ordinal(x: Floats, levels: NDArray[np.integer], strength: float, each: Floats) -> tuple[Floats, Floats]:
    """By L-BFGS on (weights, first threshold, logs of the steps between thresholds), which keeps the thresholds in order."""
    from scipy.optimize import minimize  # slow to load, and a grader that is fitted needs none of it

    tasks = int(levels.max())
    shares = np.cumsum(np.bincount(levels))[:-1] / len(levels)
    first = np.log(shares / (1 - shares))
    steps = np.log(np.maximum(np.diff(first), 1e-3))
    start = np.concatenate([np.zeros(x.shape[1]), first[:1], steps])
    found = minimize(_loss, start, (x, levels, strength, each, tasks), jac=True, method="L-BFGS-B", options={"maxiter": 2000})
    return found.x[: x.shape[1]], _thresholds(found.x[x.shape[1] :])


def _thresholds(raw: Floats) -> Floats:
    return raw[0] + np.concatenate([[0.0], np.cumsum(np.exp(raw[1:]))])


def _loss(values: Floats, x: Floats, levels: NDArray[np.integer], strength: float, each: Floats, tasks: int) -> tuple[float, Floats]:
    """Penalised negative log likelihood and its gradient."""
    weights, raw = values[: x.shape[1]], values[x.shape[1] :]
    thresholds = _thresholds(raw)
    score, rows = x @ weights, np.arange(len(x))
    above = np.hstack([np.ones((len(x), 1)), _sigmoid(score[:, None] - thresholds), np.zeros((len(x), 1))])
    slope = above * (1 - above)  # of each "above" by the score; 0 at both ends
    prob = np.maximum(above[rows, levels] - above[rows, levels + 1], _LEAST)
    lower, upper = each * slope[rows, levels] / prob, each * slope[rows, levels + 1] / prob
    by_score = lower - upper
    by_threshold = np.zeros(tasks + 2)
    np.add.at(by_threshold, levels, -lower)
    np.add.at(by_threshold, levels + 1, upper)
    inner = by_threshold[1:-1]
    tails = np.cumsum(inner[::-1])[::-1]  # a step moves its own threshold and all above it
    by_raw = np.concatenate([tails[:1], tails[1:] * np.exp(raw[1:])])
    loss = -float((each * np.log(prob)).sum()) + strength / 2 * float(weights @ weights)
    return loss, -np.concatenate([x.T @ by_score - strength * weights, by_raw])
