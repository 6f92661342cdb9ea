"""How good a lesion U-Net is: `retinai evaluate segmentation --data IDRID_ROOT --split validation`.

Every photograph is reduced to histograms and sweeps (see `metrics` and `froc`), which add up: the pooled
figures and the bootstrap over photographs are sums of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.divide import read_divided
from retinai.lesions import LESIONS, SEGMENTED
from retinai.readers.record import Record, read_mask
from retinai.types import FundusImage
from segmentation.detector import LesionDetector
from segmentation.froc import Sweep, sensitivity_at, sweep
from segmentation.metrics import Histogram, average_precision, best_threshold, eleven_point_area, histogram, overlap
from segmentation.predict import to_1440

PROTOCOLS = {
    "aupr_exact": "average precision of all pixels inside the field of view, pooled, native size",
    "aupr_exact_1440": "average precision of all pixels, pooled, 1440x960",
    "aupr_a11": "area under 11 thresholds from 0 to 1, trapezoid, all pixels pooled, 1440x960 (moves with calibration)",
    "dice": "pooled over the pixels inside the field at native size, at the stored threshold",
    "iou": "as dice",
    "sensitivity_at_1": "share of lesions found at 1 false alarm a photograph or fewer",
    "sensitivity_at_8": "share of lesions found at 8 false alarms a photograph or fewer",
    "prevalence": "share of true pixels inside the field: the average precision of a random map",
}
FIGURES = tuple(PROTOCOLS)
DRAWS = 1000
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What one photograph adds for one class."""

    native: Histogram
    small: Histogram
    sweep: Sweep


def measure(detector: LesionDetector, records: Sequence[Record], progress: Callable[[int], None]) -> dict[str, list[Row]]:
    """Class code -> one row a photograph."""
    rows: dict[str, list[Row]] = {code: [] for code in SEGMENTED}
    for done, record in enumerate(records, start=1):
        image = read_divided(record.image, detector.profiles)
        lesion_map = detector.detect(image)
        for code in SEGMENTED:
            rows[code].append(_row(lesion_map.channel(code), _truth(record, code, image), image))
        progress(done)
    return rows


def _truth(record: Record, code: str, image: FundusImage) -> NDArray[np.bool_]:
    return read_mask(record.masks[code]) if code in record.masks else np.zeros(image.field.shape, np.bool_)


def _row(probs: NDArray[np.float32], truth: NDArray[np.bool_], image: FundusImage) -> Row:
    # exact: OpenCV's plain nearest takes each target pixel's upper left corner and shifts the truth by a third of a pixel
    small = cv2.resize(truth.astype(np.uint8), (1440, 960), interpolation=cv2.INTER_NEAREST_EXACT) > 0
    return Row(histogram(probs[image.field], truth[image.field]), histogram(to_1440(probs), small), sweep(probs, truth))


def figures(rows: Sequence[Row], threshold: float) -> dict[str, float]:
    """All figures of one class over pooled rows."""
    native, small = sum(r.native for r in rows), sum(r.small for r in rows)
    assert not isinstance(native, int) and not isinstance(small, int)
    dice, iou = overlap(native, threshold)
    sweeps = [r.sweep for r in rows]
    values = (
        average_precision(native), average_precision(small), eleven_point_area(small), dice, iou,
        sensitivity_at(sweeps, 1), sensitivity_at(sweeps, 8), float(native[1].sum() / native.sum()),
    )  # fmt: skip
    return dict(zip(FIGURES, values, strict=True))


def summarise(rows: dict[str, list[Row]], thresholds: dict[str, float], seed: int = 0) -> dict[str, Any]:
    """Figures per lesion and their mean, each with a percentile bootstrap 95 % interval over photographs."""
    count = len(rows[LESIONS[0]])
    point = _all_figures(rows, thresholds, np.arange(count))
    rng = np.random.default_rng(seed)
    resampled = [_all_figures(rows, thresholds, rng.integers(count, size=count)) for _ in range(DRAWS)]
    report = {code: _with_intervals(point[code], [r[code] for r in resampled]) for code in point}
    for code in SEGMENTED:
        report[code] |= {
            "threshold": thresholds[code],
            "photographs_with": sum(bool(r.native[1].any()) for r in rows[code]),
            "lesions": sum(r.sweep.lesions for r in rows[code]),
        }
    return {"images": count, "lesions": {code: report[code] for code in LESIONS}, "mean": report["mean"], "optic_disc": report["OD"]}


def _all_figures(rows: dict[str, list[Row]], thresholds: dict[str, float], chosen: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    found = {code: figures([rows[code][i] for i in chosen], thresholds[code]) for code in SEGMENTED}
    found["mean"] = {name: float(np.mean([found[code][name] for code in LESIONS])) for name in FIGURES}
    return found


def _with_intervals(point: dict[str, float], draws: list[dict[str, float]]) -> dict[str, Any]:
    """Each figure and, as `<figure>_ci`, its interval; draws without a single true pixel are left out."""
    result: dict[str, Any] = {}
    for name, value in point.items():
        result[name] = round(value, 4) if name != "prevalence" else float(f"{value:.3g}")
        low, high = np.nanpercentile([d[name] for d in draws], (2.5, 97.5))
        result[f"{name}_ci"] = [round(float(low), 4), round(float(high), 4)]
    return result


def choose_thresholds(rows: dict[str, list[Row]]) -> dict[str, float]:
    """Per class the probability of the highest pooled Dice at native size. For validation rows only."""
    return {code: round(best_threshold(sum(r.native for r in rows[code])), 3) for code in SEGMENTED}  # type: ignore[arg-type]
