"""Pixel metrics as pure functions of one histogram, so that pooling and the bootstrap are additions.

A histogram is (2, BINS) int64: how many false and true pixels fall on each probability. The bins are the
float16 numbers from 0 to 1, of which there are 15,361: finer than bf16 inference, so that average precision
from a histogram equals the one from the sorted pixels (sklearn's, ties together) to about 1e-4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 0x3C00 + 1  # the bit pattern of float16 1.0, plus one
Histogram = NDArray[np.int64]


def histogram(probs: NDArray[np.floating], truth: NDArray[np.bool_]) -> Histogram:
    """Count (N,) or (H, W) probabilities in 0..1 by truth -> (2, BINS)."""
    index = probs.astype(np.float16).view(np.uint16).ravel()
    true = np.bincount(index[truth.ravel()], minlength=BINS)
    return np.stack([np.bincount(index, minlength=BINS) - true, true])


def average_precision(counts: Histogram) -> float:
    """Exact pooled average precision, sum of precision x recall step; NaN without a true pixel."""
    false, true = counts[:, ::-1].cumsum(axis=1)
    if true[-1] == 0:
        return float("nan")
    some = np.flatnonzero((false + true) > 0)
    steps = np.diff(true[some], prepend=0) / true[-1]
    return float((steps * true[some] / (false + true)[some]).sum())


def eleven_point_area(counts: Histogram) -> float:
    """The usual figure of the literature (A11): precision and recall of `prob > t` at t = 0, 0.1, ..., 1, trapezoid.

    Where nothing is predicted the precision counts as 1, as in the public evaluation code of the papers that
    report it. It moves with calibration alone: for comparison only.
    """
    edges = np.linspace(0, 1, 11).astype(np.float16).view(np.uint16).astype(int) + 1
    at_least = np.pad(counts[:, ::-1].cumsum(axis=1)[:, ::-1], ((0, 0), (0, 1)))
    if at_least[1, 0] == 0:
        return float("nan")
    false, true = at_least[:, edges]
    recall, predicted = true / at_least[1, 0], false + true
    precision = np.where(predicted > 0, true / np.maximum(predicted, 1), 1.0)
    return float(np.trapezoid(precision[::-1], recall[::-1]))


def overlap(counts: Histogram, threshold: float) -> tuple[float, float]:
    """(Dice, IoU) of `prob >= threshold`; NaN where neither truth nor prediction has a pixel."""
    edge = int(np.float16(threshold).view(np.uint16))
    false_positive, true_positive = counts[:, edge:].sum(axis=1)
    union = false_positive + counts[1].sum()
    if union == 0:
        return float("nan"), float("nan")
    return float(2 * true_positive / (union + true_positive)), float(true_positive / union)


def best_threshold(counts: Histogram) -> float:
    """The probability at which Dice is highest."""
    false, true = counts[:, ::-1].cumsum(axis=1)
    dice = 2 * true / np.maximum(false + true + true[-1], 1)
    return float(np.uint16(BINS - 1 - int(dice.argmax())).view(np.float16))
