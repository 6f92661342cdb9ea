"""The trained lesion U-Net as its users meet it: load once, detect often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from retinai.artifacts import building
from retinai.camera.profile import CameraProfile, choose_profiles
from retinai.errors import UsageError
from retinai.lesions import SEGMENTED
from retinai.types import FundusImage, LesionMap
from segmentation.fast import speed_up
from segmentation.model import channels_last, inference_model
from segmentation.predict import predict_map
from segmentation.weights import BUNDLED, FILE, load_into, read_card


class LesionDetector:
    """`LesionDetector.load().detect(image)` -> LesionMap.

    thresholds: class code -> the probability that outlines a lesion; peaks: -> the highest probability that a lesion
    must reach to be reported; sure: -> the one from which on it supports a claim, None where none could be set (see
    `retinai.calibrate`; `fusion.thresholds` also takes the 1.0 of older cards for that); profiles: of the cameras whose
    marks are to be divided out of a photograph before it is read (`retinai.camera`); `detect` takes the photograph as it is given.
    """

    def __init__(self, model: nn.Module, card: Mapping[str, Any], device: torch.device, profiles: Sequence[CameraProfile] = ()) -> None:
        self.profiles = profiles
        self.model = channels_last(model.eval().to(device))
        self.card, self.device = card, device
        self.sides: Sequence[int] = card["sides"]
        self.views: int = card.get("views", 1)
        self.thresholds: Mapping[str, float] = card.get("thresholds", dict.fromkeys(SEGMENTED, 0.5))
        self.peaks: Mapping[str, float] = card.get("peaks", self.thresholds)
        self.sure: Mapping[str, float | None] = card.get("sure", {})

    @classmethod
    def load(cls, folder: Path = BUNDLED, device: str = "auto", camera: str = "auto") -> LesionDetector:
        """Read the weights and their card. camera: 'auto', 'none' or a profile's file.

        Raises WeightsError where the weights are missing or altered, DataError where the profile is.
        """
        card = read_card(folder)
        with building(folder):
            model = inference_model(card["encoder"], card["decoder_channels"])
        load_into(model, folder / FILE)
        return cls(speed_up(model), card, pick_device(device), choose_profiles(camera))

    def detect(self, image: FundusImage) -> LesionMap:
        """Probabilities at native size, by the card's working sides and mirrored views, and what the encoder's deepest stage says."""
        with Pooled(self.model) as pooled:
            probs = predict_map(self.model, image, self.sides, views=self.views)
        return LesionMap(probs, SEGMENTED, pooled.vector())


class Pooled:
    """While open, keeps what the U-Net's deepest encoder stage says: mean and maximum over the photograph, of each forward pass."""

    def __init__(self, model: Any) -> None:
        self.encoder, self.seen = model.encoder, []

    def __enter__(self) -> Pooled:
        self.handle = self.encoder.register_forward_hook(self._keep)
        return self

    def __exit__(self, *_: object) -> None:
        self.handle.remove()

    def _keep(self, _module: object, _inputs: object, stages: Sequence[torch.Tensor]) -> None:
        deepest = stages[-1].float()
        self.seen.append(torch.cat([deepest.mean((2, 3)), deepest.amax((2, 3))], 1)[0].cpu())

    def vector(self) -> NDArray[np.float32]:
        """(2 C,) the mean over all passes."""
        return torch.stack(self.seen).mean(0).numpy()


def pick_device(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> a device that is there. Raises UsageError for 'cuda' without one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device here; use --device cpu or auto")
    return torch.device(name)
