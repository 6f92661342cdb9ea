"""Fit a regression on features of photographs: the penalty, the temperature, the cuts and the sets are all chosen out of fold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retinai.errors import DataError
from retinai.grading.finish import fit_decisions
from retinai.grading.names import Target
from retinai.grading.ordinal import Balance, Floats, ModelName, Regression, fit_regression
from retinai.grading.tune import log_loss, softmax


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """features: (N, F); levels: (N,); blocks: (F,) numbers of the groups of features; units: what may not be divided, such as patients."""

    features: Floats
    levels: NDArray[np.int64]
    blocks: NDArray[np.int64]
    units: Sequence[Hashable]


def folds_of(levels: Sequence[int], units: Sequence[Hashable], count: int, seed: int) -> NDArray[np.int64]:
    """(N,) part of each photograph: whole units, each class spread evenly over the parts by the unit's highest level."""
    highest: dict[Hashable, int] = {}
    for unit, level in zip(units, levels, strict=True):
        highest[unit] = max(level, highest.get(unit, 0))
    names = list(highest)
    order = np.random.default_rng(seed).permutation(len(names))
    ranked = sorted(order.tolist(), key=lambda place: highest[names[place]])  # stable: random within a class
    part = {names[place]: number % count for number, place in enumerate(ranked)}
    return np.array([part[unit] for unit in units])


def out_of_fold(name: ModelName, table: Table, parts: NDArray[np.int64], strength: float, balance: Balance) -> Floats:
    """(N, K) logits of each photograph by a model that never saw its part."""
    classes = int(table.levels.max()) + 1
    logits = np.empty((len(table.levels), classes))
    for part in np.unique(parts):
        train = parts != part
        if len(np.unique(table.levels[train])) < classes:
            raise DataError(f"too few photographs of some class for {len(np.unique(parts))} folds")
        model = fit_regression(name, table.features[train], table.levels[train], table.blocks, strength, balance)
        logits[~train] = model.logits(table.features[~train])
    return logits


def fit_features(
    name: ModelName, table: Table, strengths: Sequence[float], folds: int, balance: Balance, seed: int, target: Target
) -> tuple[Regression, dict[str, Any]]:
    """(the regression on all photographs, what was fitted beside it: strength, temperature, cuts, conformal, review)."""
    parts = folds_of(table.levels.tolist(), table.units, folds, seed)
    tried = {strength: out_of_fold(name, table, parts, strength, balance) for strength in strengths}
    best = min(tried, key=lambda strength: log_loss(softmax(tried[strength]), table.levels))
    fitted = fit_decisions(tried[best], table.levels, target)
    model = fit_regression(name, table.features, table.levels, table.blocks, best, balance)
    return model, {"strength": best} | fitted
