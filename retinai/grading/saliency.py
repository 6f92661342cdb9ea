"""Where an image grader looked: Grad-CAM of one class's log-odds, on the photograph's own pixels, for CNNs and transformers.

Grad-CAM (Selvaraju et al., ICCV 2017) by pytorch-grad-cam. The layer is the deepest one through which more than one place of
the photograph still reaches the class: the last feature map of a CNN; in a transformer that is read at its CLS token, the
normalisation before the last attention, since behind it the patches have no gradient.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from torch import Tensor, nn

from retinai.errors import SaliencyError
from retinai.fit import Fit
from retinai.grading.image_grader import ImageGrader
from retinai.grading.model import GraderModel
from retinai.types import FundusImage, SaliencyMap

METHOD = "Grad-CAM"


def explain_class(grader: ImageGrader, image: FundusImage, level: int) -> SaliencyMap:
    """Where the log-odds of class `level` against the others come from. Raises SaliencyError where the map is blank."""
    pixels = grader.pixels([image])
    grey, cells = cam(grader.model, pixels, level)
    if not np.isfinite(grey).all() or grey.max() <= 0:
        raise SaliencyError(f"the saliency map of {image.id} is blank: nothing in the photograph speaks for class {level}")
    fit = Fit.of(image.field, grader.card["size"])
    square = cv2.resize(grey, (fit.side, fit.side), interpolation=cv2.INTER_LINEAR)
    named = f"grade {level}" if grader.card["target"] == "grade" else str(grader.card["classes"][level])
    return SaliencyMap(fit.invert(square.astype(np.float32)), named, METHOD, cells=cells, side=fit.side)


def cam(model: GraderModel, pixels: Tensor, level: int) -> tuple[np.ndarray, int]:
    """(S, S) float32 in 0..1 of one photograph, (1, 3, S, S), and how many cells lie along its side."""
    odds = _LogOdds(model, level)
    layer = target_layer(odds, pixels)
    maps = GradCAM(odds, [layer], reshape_transform=planes)
    try:
        with torch.enable_grad():
            grey = maps(input_tensor=pixels.clone().requires_grad_(), targets=[_First()])[0]
            return grey, maps.activations_and_grads.activations[0].shape[-1]
    finally:
        maps.activations_and_grads.release()


def planes(features: Tensor) -> Tensor:
    """(N, C, h, w) as it is; (N, tokens, C) -> (N, C, cells, cells) without the tokens before the patches."""
    if features.ndim == 4:
        return features
    cells = int(features.shape[1] ** 0.5)
    return features[:, features.shape[1] - cells**2 :].transpose(1, 2).unflatten(2, (cells, cells))


def target_layer(odds: nn.Module, pixels: Tensor) -> nn.Module:
    """The module whose output is the last, in order of the forward pass, in which more than one place has a gradient.

    Raises SaliencyError where there is none.
    """
    seen: list[tuple[nn.Module, Tensor]] = []

    def keep(module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return
        if output.ndim == 4 or (output.ndim == 3 and isinstance(module, nn.LayerNorm)):
            output.retain_grad()
            seen.append((module, output))

    leaves = [part for part in odds.modules() if not list(part.children())]
    handles = [part.register_forward_hook(keep) for part in leaves]
    try:
        with torch.enable_grad():
            odds(pixels.clone().requires_grad_()).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    for module, output in reversed(seen):
        if output.grad is not None and int((planes(output.grad).abs().sum(1) > 0).sum()) > 1:
            return module
    raise SaliencyError("no layer of this grader keeps places apart: there is nothing to show")


class _LogOdds(nn.Module):
    """A photograph -> the log-odds of one class (N, 1), which is what pytorch-grad-cam takes for a classifier."""

    def __init__(self, model: GraderModel, level: int) -> None:
        super().__init__()
        self.model, self.level = model, level

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.model.logits(pixels)
        others = torch.cat([logits[:, : self.level], logits[:, self.level + 1 :]], 1)
        return (logits[:, self.level] - others.logsumexp(1))[:, None]


class _First(nn.Module):
    """The scalar of one photograph's output."""

    def forward(self, odds: Tensor) -> Tensor:
        return odds[0]
