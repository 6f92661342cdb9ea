"""The evaluation as one document: figures, protocol, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retinai.progress import Progress
from retinai.readers.idrid import read_segmentation
from segmentation.detector import LesionDetector
from segmentation.evaluate import DRAWS, PROTOCOLS, measure, summarise
from segmentation.weights import BUNDLED


def evaluate(data: Path, split: str, weights: Path | None, sides: Sequence[int] | None, views: int | None, device: str) -> dict[str, Any]:
    """Measure the weights on one split of IDRiD. Keys: lesions, mean, optic_disc, images, split, protocols, weights_sha256.

    sides, views: how to predict, the card's where None. Thresholds are the card's, whatever the split.
    """
    detector = LesionDetector.load(weights or BUNDLED, device)
    detector.sides, detector.views = sides or detector.sides, views or detector.views
    records = read_segmentation(data, split)
    with Progress("measuring photographs", len(records)) as progress:
        rows = measure(detector, records, progress.to)
    return {
        "dataset": "idrid",
        "split": split,
        **summarise(rows, dict(detector.thresholds)),
        "sides": list(detector.sides),
        "views": detector.views,
        "weights_sha256": detector.card["sha256"],
        "interval": f"percentile bootstrap over photographs, {DRAWS} draws, 95 %",
        "protocols": PROTOCOLS,
    }
