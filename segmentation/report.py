"""The evaluation as one document: figures, protocol, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retinai.errors import UsageError
from retinai.lesions import LESIONS
from retinai.progress import Progress
from retinai.readers import Record, read
from retinai.readers.idrid import read_segmentation
from segmentation.calibrate import choose_peak, describe, find_parts
from segmentation.detector import LesionDetector
from segmentation.evaluate import PROTOCOLS, choose_thresholds, measure, summarise
from segmentation.weights import BUNDLED, CARD


def evaluate(
    data: Path, split: str, weights: Path | None, sides: Sequence[int] | None, views: int | None, save_thresholds: bool, device: str
) -> dict[str, Any]:
    """Measure the weights on one split of IDRiD. Keys: lesions, mean, optic_disc, images, split, protocols, weights."""
    if save_thresholds and split != "validation":
        raise UsageError("thresholds are chosen on validation only: --save-thresholds needs --split validation")
    folder = weights or BUNDLED
    detector = LesionDetector.load(folder, device)
    detector.sides = sides or detector.sides
    detector.views = views or detector.views
    records = read_segmentation(data, split)
    with Progress("measuring photographs", len(records)) as progress:
        rows = measure(detector, records, progress.to)
    thresholds = choose_thresholds(rows) if save_thresholds else dict(detector.thresholds)
    report = summarise(rows, thresholds)
    if save_thresholds:
        detection = {"sides": list(detector.sides), "views": detector.views, "thresholds": thresholds}
        _store(folder, detection | calibrate(detector, data, records, thresholds) | {"validation": report})
    return {
        "dataset": "idrid", "split": split, **report, "sides": list(detector.sides), "views": detector.views,
        "weights_sha256": detector.card["sha256"], "interval": "percentile bootstrap over photographs, 1000 draws, 95 %", "protocols": PROTOCOLS,
    }  # fmt: skip


def calibrate(detector: LesionDetector, data: Path, records: Sequence[Record], thresholds: dict[str, float]) -> dict[str, Any]:
    """The peaks from which lesions are told, and what they mean. data: IDRiD with both parts."""
    healthy = [record for record in read("idrid", data, "validation") if record.grade == 0]
    with Progress("calibrating on photographs", len(records) + len(healthy)) as progress:
        masked = find_parts(detector, records, thresholds, progress.to)
        sound = find_parts(detector, healthy, thresholds, lambda done: progress.to(len(records) + done))
    peaks = {code: choose_peak(masked[code], sound[code], thresholds[code]) for code in LESIONS}
    return {"peaks": peaks, "calibration": {code: describe(masked[code], sound[code], peaks[code]) for code in LESIONS}}


def _store(folder: Path, values: dict[str, Any]) -> None:
    path = folder / CARD
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values, indent=2) + "\n", encoding="utf-8")
