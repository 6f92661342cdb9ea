"""The evaluation as one document: figures, protocol, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retinai.errors import UsageError
from retinai.progress import Progress
from retinai.readers.idrid import read_segmentation
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
        _store(folder, {"thresholds": thresholds, "sides": list(detector.sides), "views": detector.views, "validation": report})
    return {
        "dataset": "idrid", "split": split, **report, "sides": list(detector.sides), "views": detector.views,
        "weights_sha256": detector.card["sha256"], "interval": "percentile bootstrap over photographs, 1000 draws, 95 %", "protocols": PROTOCOLS,
    }  # fmt: skip


def _store(folder: Path, values: dict[str, Any]) -> None:
    path = folder / CARD
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values, indent=2) + "\n", encoding="utf-8")
