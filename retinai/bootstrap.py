"""How sure is a figure? Percentile bootstrap and Wilson intervals for whatever is measured on photographs.

Numpy only. A statistic is a function of row numbers, so that one resampling serves many figures, and two graders
measured on the same photographs are compared in pairs by a statistic that takes their difference.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Statistic = Callable[[Rows], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the ends of its interval. All three are NaN where the figure is undefined."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Statistic, units: int | Sequence[Hashable], resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """The percentile bootstrap (Efron and Tibshirani, 1993, chapter 13) of every figure that `statistic` names.

    statistic: row numbers with repeats -> name -> figure; units: the number of rows, or each row's unit (the patient),
    where rows of one unit are drawn together. A resample on which a figure is NaN does not count for that figure.
    Raises ValueError without rows.
    """
    groups = _groups(units)
    if not groups:
        raise ValueError("a bootstrap needs at least one row")
    whole = statistic(np.sort(np.concatenate(groups)))
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        picked = rng.integers(len(groups), size=len(groups))
        for name, figure in statistic(np.concatenate([groups[i] for i in picked])).items():
            drawn[name].append(figure)
    return {name: _interval(figure, np.array(drawn[name]), level) for name, figure in whole.items()}


def _groups(units: int | Sequence[Hashable]) -> list[Rows]:
    """The row numbers of each unit, in order of first appearance."""
    if isinstance(units, int):
        return [np.array([row]) for row in range(units)]
    rows: dict[Hashable, list[int]] = {}
    for row, unit in enumerate(units):
        rows.setdefault(unit, []).append(row)
    return [np.array(found) for found in rows.values()]


def _interval(figure: float, drawn: NDArray[np.float64], level: float) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(figure) or defined.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(figure), float(low), float(high))


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share (Wilson, J Am Stat Assoc 1927), for independent trials.

    Unlike the bootstrap it does not collapse when all or none of a few trials succeed. NaN without trials;
    raises ValueError where there are more successes than trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    z, share = NormalDist().inv_cdf((1 + level) / 2), successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))
