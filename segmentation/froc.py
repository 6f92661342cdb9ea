"""Lesions found against false alarms: free-response operating points from a sweep of thresholds.

Measured at half the native size, where the smallest lesions still span several pixels. At each threshold the
connected parts of `prob >= t` are candidates: a true lesion is found when a candidate touches it, a candidate
that touches no true lesion is a false alarm (Bunch et al., SPIE 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.round(np.linspace(0.05, 0.95, 19), 2)


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One photograph and class. found, false: (T,) counts at each of `THRESHOLDS`; lesions: how many are true."""

    found: NDArray[np.int64]
    false: NDArray[np.int64]
    lesions: int


def sweep(probs: NDArray[np.float32], truth: NDArray[np.bool_]) -> Sweep:
    """Count found lesions and false alarms of (H, W) native probabilities against the true mask."""
    half = (probs.shape[1] // 2, probs.shape[0] // 2)
    small = cv2.resize(probs, half, interpolation=cv2.INTER_AREA)
    count, labels = cv2.connectedComponents(cv2.resize(truth.astype(np.uint8), half, interpolation=cv2.INTER_AREA), connectivity=8)
    points = [_count(small >= threshold, np.asarray(labels, np.int32)) for threshold in THRESHOLDS]
    return Sweep(np.array([p[0] for p in points]), np.array([p[1] for p in points]), count - 1)


def _count(predicted: NDArray[np.bool_], labels: NDArray[np.int32]) -> tuple[int, int]:
    """(true lesions touched, candidates that touch none)."""
    found = np.unique(labels[predicted & (labels > 0)]).size
    candidates, parts = cv2.connectedComponents(predicted.astype(np.uint8), connectivity=8)
    return found, candidates - 1 - np.unique(parts[predicted & (labels > 0)]).size


def sensitivity_at(sweeps: list[Sweep], false_per_photograph: float) -> float:
    """The highest share of lesions found at no more than so many false alarms a photograph; NaN without lesions."""
    lesions = sum(s.lesions for s in sweeps)
    if lesions == 0:
        return float("nan")
    found = np.sum([s.found for s in sweeps], axis=0) / lesions
    allowed = np.mean([s.false for s in sweeps], axis=0) <= false_per_photograph
    return float(found[allowed].max()) if allowed.any() else 0.0
