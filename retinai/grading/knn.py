"""The nearest training photographs in feature space as a way to grade: a bank of unit vectors and their classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retinai.errors import UsageError

LARGEST = 25 * 2**20
"""Bytes that a bank may take."""
_SHARPNESS = 0.1  # of the weights: a neighbour's cosine that is lower by this counts e times less


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """features: (M, D) float16 of unit length; levels: (M,) int64. Raises UsageError beyond `LARGEST`."""

    features: NDArray[np.float16]
    levels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.features.nbytes > LARGEST:
            raise UsageError(f"a feature bank of {self.features.nbytes / 2**20:.0f} MB; at most {LARGEST // 2**20}")
        if len(self.features) != len(self.levels):
            raise ValueError(f"{len(self.features)} features and {len(self.levels)} classes")

    def logits(self, features: NDArray[np.float32], neighbours: int, classes: int) -> NDArray[np.float64]:
        """(N, D) unit vectors -> (N, K) log of the nearest ones' votes, weighted by their cosine, with one vote spread over all."""
        cosines = features.astype(np.float32) @ self.features.astype(np.float32).T
        count = min(neighbours, len(self.levels))
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        close = np.take_along_axis(cosines, nearest, 1)
        weights = np.exp((close - close[:, :1]) / _SHARPNESS)
        votes = np.full((len(features), classes), 1 / classes)
        for row in range(len(features)):
            np.add.at(votes[row], self.levels[nearest[row]], weights[row])
        return np.log(votes / votes.sum(1, keepdims=True))
