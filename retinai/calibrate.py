"""From which probability on a lesion may be spoken of: `retinai calibrate --data IDRID_ROOT`. Validation photographs only.

Three numbers a class, stored in the card of the weights. The *threshold* outlines lesions: it is the probability of the
highest pooled Dice on the photographs with masks. The *peak* decides whether an outlined lesion is told at all: the
lowest confidence at which (a) lesions are true more often than not on the photographs with masks and (b) no more than
`HEALTHY_SHARE` of the photographs graded 0 show one. From the *sure* confidence on, lesions are true at 95 %: a
claim that rests on less is not supported. Where that could not be established it is None, and nothing supports a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.calibrate import sure_from
from fusion.landmarks import find_landmarks
from fusion.regions import find_regions
from retinai.artifacts import write_card
from retinai.bootstrap import Interval, wilson
from retinai.camera.divide import read_divided
from retinai.lesions import LESIONS
from retinai.progress import Progress
from retinai.readers import Record, read
from retinai.readers.idrid import read_segmentation
from retinai.readers.record import read_mask
from segmentation.detector import LesionDetector
from segmentation.evaluate import choose_thresholds, measure, summarise
from segmentation.weights import read_card

HEALTHY_SHARE = 0.05
PRECISION = 0.5
_GRID = np.round(np.concatenate([np.arange(0.05, 0.99, 0.01), 1 - np.logspace(-2, -5, 31)]), 6)
"""Confidences that are tried: steps of 0.01, and above 0.99 ten to each power of ten, since a U-Net is sure of most that it finds."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The lesions of one class over some photographs. confidence: (N,); true: (N,) bool, touches the mask;
    highest: (P,) each photograph's highest confidence, 0 without a lesion."""

    confidence: NDArray[np.float64]
    true: NDArray[np.bool_]
    highest: NDArray[np.float64]


def calibrate(data: Path, folder: Path, sides: Sequence[int] | None, views: int | None, device: str) -> dict[str, Any]:
    """Choose thresholds and peaks for the weights in `folder` and store them in their card, with the validation figures.

    data: IDRiD with both parts. sides, views: how to predict from now on; the card's where None. Returns what was stored.
    """
    detector = LesionDetector.load(folder, device)
    detector.sides, detector.views = sides or detector.sides, views or detector.views
    masked = read_segmentation(data, "validation")
    healthy = [record for record in read("idrid", data, "validation") if record.grade == 0]
    with Progress("measuring photographs", len(masked)) as progress:
        rows = measure(detector, masked, progress.to)
    thresholds = choose_thresholds(rows)
    with Progress("reading lesions", len(masked) + len(healthy)) as progress:
        found = find(detector, masked, thresholds, progress.to)
        alarms = find(detector, healthy, thresholds, lambda done: progress.to(len(masked) + done))
    peaks = {code: choose_peak(found[code], alarms[code], thresholds[code]) for code in LESIONS}
    stored = {
        "sides": list(detector.sides),
        "views": detector.views,
        "thresholds": thresholds,
        "peaks": peaks,
        "sure": {code: _support(found[code], peaks[code]) for code in LESIONS},
        "told": {code: describe(found[code], alarms[code], peaks[code]) for code in LESIONS},
        "validation": summarise(rows, thresholds),
    }
    _store(folder, stored)
    return stored


def find(
    detector: LesionDetector, records: Sequence[Record], thresholds: Mapping[str, float], progress: Callable[[int], None]
) -> dict[str, Found]:
    """Class code -> its lesions over all records, as `explain` would outline them. Without masks none is true."""
    rows: dict[str, list[list[tuple[float, bool]]]] = {code: [] for code in LESIONS}
    for done, record in enumerate(records, start=1):
        image = read_divided(record.image, detector.profiles)
        lesion_map = detector.detect(image)
        regions = find_regions(lesion_map, image, thresholds, find_landmarks(lesion_map, image))
        for code in LESIONS:
            truth = read_mask(record.masks[code]).ravel() if code in record.masks else np.zeros(image.field.size, np.bool_)
            lesions = [lesion for lesion in regions.lesions if lesion.code == code]
            rows[code].append([(lesion.confidence, bool(truth[regions.pixels[lesion.id]].any())) for lesion in lesions])
        progress(done)
    return {code: _joined(photographs) for code, photographs in rows.items()}


def _joined(photographs: list[list[tuple[float, bool]]]) -> Found:
    pairs = [pair for photograph in photographs for pair in photograph]
    highest = np.array([max((confidence for confidence, _ in photograph), default=0.0) for photograph in photographs])
    return Found(np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], np.bool_), highest)


def choose_peak(masked: Found, healthy: Found, threshold: float) -> float:
    """The lowest confidence from `threshold` on that keeps both rules; the highest of the grid where none does."""
    for peak in _GRID[threshold <= _GRID]:
        told = masked.confidence >= peak
        if told.any() and masked.true[told].mean() > PRECISION and (healthy.highest >= peak).mean() <= HEALTHY_SHARE:
            return float(peak)
    return float(_GRID[-1])


def _support(masked: Found, peak: float) -> float | None:
    """From which confidence on lesions are true at 95 %, with 95 % probability were they independent, the peak at the least.

    None where no confidence is enough, or only one that none but a saturated map reaches: then nothing supports a claim on the class.
    """
    found = sure_from(masked.confidence.tolist(), masked.true.tolist())
    return None if found is None or max(found, peak) >= 1 else max(found, peak)


def describe(masked: Found, healthy: Found, peak: float) -> dict[str, Any]:
    """What the chosen peak means, for the card: counts, and shares with Wilson 95 % intervals."""
    told = masked.confidence >= peak
    right, alarms = int(masked.true[told].sum()), int((healthy.highest >= peak).sum())
    return {
        "told_lesions": int(told.sum()),
        "true_lesions": right,
        "precision_ci": _rounded(wilson(right, int(told.sum()))),
        "healthy_photographs": len(healthy.highest),
        "healthy_with_a_lesion": alarms,
        "healthy_share_ci": _rounded(wilson(alarms, len(healthy.highest))),
    }


def _rounded(interval: Interval) -> list[float]:
    return [round(interval.low, 3), round(interval.high, 3)]


def _store(folder: Path, values: dict[str, Any]) -> None:
    write_card(folder, read_card(folder) | values)
