"""The figures that training watches: grades of the validation photographs, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from torch import Tensor

from retinai.bootstrap import Interval, Rows, bootstrap
from vlm.calibrate import Calibration
from vlm.data import Conversation, PictureOf
from vlm.generate import Vlm

_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """levels: (N,) true grades; logits: (N, 5) of the grade tokens; gradable: (N,) chances."""

    levels: NDArray[np.int64]
    logits: NDArray[np.float64]
    gradable: NDArray[np.float64]


def read_grades(vlm: Vlm, conversations: Sequence[Conversation], picture_of: PictureOf | None) -> Readings:
    """What the model says of graded photographs, seen as they are."""
    logits, gradable = [], []
    for start in range(0, len(conversations), _BATCH):
        some, chances = vlm.grade_logits(_pictures(vlm, conversations[start : start + _BATCH], picture_of))
        logits.append(some)
        gradable.append(chances)
    levels = np.array([each.report.grade for each in conversations], np.int64)
    return Readings(levels, np.concatenate(logits), np.concatenate(gradable))


def figures(readings: Readings, calibration: Calibration) -> dict[str, Interval]:
    """'accuracy', 'kappa' (quadratic), 'majority' (accuracy of the most frequent grade), with 95 % bootstrap intervals."""
    truth, said = readings.levels, calibration.probs(readings.logits).argmax(axis=1)
    most = np.bincount(truth).argmax()

    def measure(rows: Rows) -> dict[str, float]:
        hits = {"accuracy": said[rows] == truth[rows], "majority": truth[rows] == most}
        return {name: float(hit.mean()) for name, hit in hits.items()} | {"kappa": kappa(truth[rows], said[rows])}

    return bootstrap(measure, len(truth))


def kappa(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """Quadratically weighted kappa; 0 where one grade is all there is, as by chance."""
    if len(np.unique(said)) == 1 or len(np.unique(truth)) == 1:
        return 0.0
    return float(cohen_kappa_score(truth, said, weights="quadratic"))


def _pictures(vlm: Vlm, conversations: Sequence[Conversation], picture_of: PictureOf | None) -> Tensor:
    """For a model without eyes as many empty rows."""
    if picture_of is None:
        return torch.empty(len(conversations), 0)
    stacked = torch.stack([picture_of(each, "plain", None) for each in conversations])
    return stacked.to(vlm.model.device, vlm.model.dtype)
