"""Self-training: an earlier U-Net labels photographs that were graded but not outlined, and a new one learns from both."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Dataset

from retinai.fit import Fit
from retinai.lesions import LESIONS, SEGMENTED
from retinai.readers.record import Record
from retinai.types import FundusImage
from segmentation.cache import TargetOf, Targets
from segmentation.predict import predict_square


class Mixed(Dataset):
    """Crop i comes from `second` with probability `share`, else from `first`; which one depends on (seed, i) alone."""

    def __init__(self, first: Dataset, second: Dataset, share: float, seed: int) -> None:
        self.first, self.second, self.share, self.seed = first, second, share, seed

    def __len__(self) -> int:
        return len(self.first)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        chosen = self.second if np.random.default_rng((self.seed, index, 1)).random() < self.share else self.first
        return chosen[index]


def pseudo_targets(teacher: nn.Module, precision: str) -> TargetOf:
    """A labeller: the teacher's probabilities as soft targets 0-255.

    What the photograph's published grade rules out is set to zero, so that the student unlearns the teacher's
    false alarms on healthy eyes; where those were, hard negatives can be cut (van Grinsven et al., IEEE TMI 2016).
    """

    def target_of(record: Record, image: FundusImage, fit: Fit) -> Targets:
        probs = predict_square(teacher, fit.apply(image.pixels), precision=precision)
        out = [SEGMENTED.index(code) for code in ruled_out(record)]
        alarms = false_alarms(probs[out])
        probs[out] = 0
        return np.round(probs.transpose(1, 2, 0) * 255).astype(np.uint8), alarms

    return target_of


def false_alarms(probs: NDArray[np.float32], least: float = 0.2) -> NDArray[np.float64]:
    """(N, 2) centres (y, x) of what a (C, H, W) map holds at `least` or more, each connected piece once."""
    pieces = [cv2.connectedComponentsWithStats((channel >= least).astype(np.uint8))[3][1:, ::-1] for channel in probs]
    return np.concatenate([np.zeros((0, 2)), *pieces])


def ruled_out(record: Record) -> set[str]:
    """The lesions that a photograph's labels exclude.

    Grade 0 is no lesion and grade 1 microaneurysms only (ICDR, Wilkinson 2003); DME risk 0 is no hard exudate (IDRiD).
    """
    none = set(LESIONS) if record.grade == 0 else set(LESIONS) - {"MA"} if record.grade == 1 else set()
    return none | ({"EX"} if record.dme == 0 else set())
