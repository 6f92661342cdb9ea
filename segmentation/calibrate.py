"""From which probability on a lesion may be spoken of. Chosen on validation, stored in the weights' card.

Two numbers a class. The *threshold* outlines lesions: it is the probability of the highest pooled Dice on the
photographs with masks. The *peak* decides whether an outlined part is told at all: the lowest highest-probability at
which (a) parts are true more often than not on the photographs with masks and (b) no more than `HEALTHY_SHARE` of
the photographs graded 0 show one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.bootstrap import Interval, wilson
from retinai.image import read_photograph
from retinai.lesions import LESIONS
from retinai.readers.record import Record, read_mask
from segmentation.detector import LesionDetector

HEALTHY_SHARE = 0.05
PRECISION = 0.5
_GRID = np.round(np.arange(0.05, 1.0, 0.01), 2)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The connected parts of one class over some photographs. peaks: (N,) highest probability; true: (N,) bool, overlaps
    the mask; best: (P,) each photograph's highest peak, 0 without a part."""

    peaks: NDArray[np.float32]
    true: NDArray[np.bool_]
    best: NDArray[np.float32]


def find_parts(
    detector: LesionDetector, records: Sequence[Record], thresholds: dict[str, float], progress: Callable[[int], None]
) -> dict[str, Parts]:
    """Class code -> its parts at the threshold, over all records. Without masks no part is true."""
    found: dict[str, list[tuple[NDArray[np.float32], NDArray[np.bool_]]]] = {code: [] for code in LESIONS}
    for done, record in enumerate(records, start=1):
        image = read_photograph(record.image)
        lesion_map = detector.detect(image)
        for code in LESIONS:
            truth = read_mask(record.masks[code]) if code in record.masks else np.zeros(image.field.shape, np.bool_)
            found[code].append(_parts(lesion_map.channel(code), truth, thresholds[code]))
        progress(done)
    return {code: _joined(rows) for code, rows in found.items()}


def _parts(probs: NDArray[np.float32], truth: NDArray[np.bool_], threshold: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(highest probability, touches the truth) of each connected part of one photograph."""
    above = probs >= threshold
    count, labels = cv2.connectedComponents(above.view(np.uint8), connectivity=8)
    peaks, true = np.zeros(count, np.float32), np.zeros(count, np.bool_)
    labels = np.asarray(labels, np.int32)
    inside = labels[above]
    np.maximum.at(peaks, inside, probs[above])
    true[labels[above & truth]] = True
    return peaks[1:], true[1:]


def _joined(rows: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> Parts:
    best = np.array([peaks.max() if peaks.size else 0 for peaks, _ in rows], np.float32)
    return Parts(np.concatenate([peaks for peaks, _ in rows]), np.concatenate([true for _, true in rows]), best)


def choose_peak(masked: Parts, healthy: Parts, threshold: float) -> float:
    """The lowest peak from `threshold` on that keeps both rules; 0.99 where none does."""
    for peak in _GRID[threshold <= _GRID]:
        told = masked.peaks >= peak
        if told.any() and masked.true[told].mean() > PRECISION and (healthy.best >= peak).mean() <= HEALTHY_SHARE:
            return float(peak)
    return 0.99


def describe(masked: Parts, healthy: Parts, peak: float) -> dict[str, Any]:
    """What the chosen peak means, for the card: counts with Wilson 95 % intervals."""
    told = masked.peaks >= peak
    right, alarms = int(masked.true[told].sum()), int((healthy.best >= peak).sum())
    return {
        "told_parts": int(told.sum()),
        "true_parts": right,
        "precision_ci": _rounded(wilson(right, int(told.sum()))),
        "healthy_photographs": len(healthy.best),
        "healthy_with_a_part": alarms,
        "healthy_share_ci": _rounded(wilson(alarms, len(healthy.best))),
    }


def _rounded(interval: Interval) -> list[float]:
    return [round(interval.low, 3), round(interval.high, 3)]
