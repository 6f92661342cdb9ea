"""The figure that training watches: exact-1440 AUPR per lesion on the validation photographs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from torch import nn

from retinai.camera.divide import read_divided
from retinai.camera.profile import CameraProfile
from retinai.lesions import LESIONS, SEGMENTED
from retinai.readers.record import Record, read_mask
from segmentation.metrics import BINS, average_precision, histogram
from segmentation.predict import predict_map, to_1440


def validate(
    model: nn.Module, records: Sequence[Record], sides: Sequence[int], precision: str = "bf16", profiles: Sequence[CameraProfile] = ()
) -> dict[str, float]:
    """Lesion code -> exact-1440 AUPR over the pooled pixels of `records`, and their 'mean'."""
    pooled = {code: np.zeros((2, BINS), np.int64) for code in LESIONS}
    for record in records:
        image = read_divided(record.image, profiles)
        probs = predict_map(model, image, sides, precision=precision)
        for code in LESIONS:
            truth = read_mask(record.masks[code]) if code in record.masks else np.zeros(image.field.shape, bool)
            small = cv2.resize(truth.astype(np.uint8), (1440, 960), interpolation=cv2.INTER_NEAREST_EXACT) > 0
            pooled[code] += histogram(to_1440(probs[SEGMENTED.index(code)]), small)
    scores = {code: average_precision(counts) for code, counts in pooled.items()}
    return scores | {"mean": float(np.mean(list(scores.values())))}
