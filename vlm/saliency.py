"""Where a LLaVA looked: Grad-CAM of one answer token's log-odds, on the photograph's own pixels.

Grad-CAM (Selvaraju et al., ICCV 2017) by pytorch-grad-cam. The layer is the one whose output the language model gets
its picture from: for CLIP with `vision_feature_layer=-2` the last layer has no gradient, and the decoder's last hidden
state has none at the picture's tokens.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from torch import Tensor, nn

from retinai.errors import SaliencyError
from retinai.lesions import GRADES
from retinai.types import FundusImage, SaliencyMap
from vlm.generate import Vlm
from vlm.model import llava
from vlm.prompts import PROMPTS
from vlm.tower import LesionTower

METHOD = "Grad-CAM"
LAYER = "vision layer that feeds the projector"


def explain_grade(vlm: Vlm, image: FundusImage, level: int, prompt: str = PROMPTS[0]) -> SaliencyMap:
    """Where the log-odds of grade `level` against the other four come from.

    Raises SaliencyError where the map is blank, UsageError for a model without eyes.
    """

    def log_odds(logits: Tensor) -> Tensor:
        grades, _ = vlm.slot.read(logits)
        others = torch.cat([grades[:, :level], grades[:, level + 1 :]], dim=1)
        return grades[:, level] - others.logsumexp(1)

    values = _saliency(vlm, image, [*vlm.encoder.question(prompt), *vlm.slot.prefix], len(vlm.slot.prefix) + 1, log_odds)
    return _map(vlm, values, f"grade {level}: {GRADES[level]}")


def explain_word(vlm: Vlm, image: FundusImage, answer: str, word: str, prompt: str = PROMPTS[0]) -> SaliencyMap:
    """Where the log-odds of a word's first token come from, given the answer up to the word's first occurrence.

    answer: as generated. Raises SaliencyError where the word is not in it or the map is blank.
    """
    before, token = _split_at(vlm, answer, word)

    def log_odds(logits: Tensor) -> Tensor:
        scores = logits[:, -1].float()
        others = scores.scatter(1, torch.full((len(scores), 1), token, device=scores.device), -torch.inf)
        return scores[:, token] - others.logsumexp(1)

    values = _saliency(vlm, image, [*vlm.encoder.question(prompt), *before], 1, log_odds)
    return _map(vlm, values, f"the word '{word}'")


def _map(vlm: Vlm, values: np.ndarray, target: str) -> SaliencyMap:
    return SaliencyMap(values, target, METHOD, LAYER, _cells(vlm), vlm.lens.side)


def _split_at(vlm: Vlm, answer: str, word: str) -> tuple[list[int], int]:
    """The answer's tokens before the one in which `word` begins, and that one."""
    start = answer.lower().find(word.lower())
    if start < 0:
        raise SaliencyError(f"the answer does not say {word!r}")
    ids = vlm.encoder.reply(answer)
    ends = [len(vlm.encoder.tokenizer.decode(ids[: count + 1])) for count in range(len(ids))]
    place = next(i for i, end in enumerate(ends) if end > start)
    return ids[:place], ids[place]


def _saliency(vlm: Vlm, image: FundusImage, ids: list[int], places: int, log_odds: Callable[[Tensor], Tensor]) -> np.ndarray:
    """(H, W) float32 in 0..1 at native size."""
    pictures = vlm.pictures([image])
    asked = _Asked(vlm, ids, places, log_odds)
    cells = _cells(vlm)
    cam = GradCAM(asked, [target_layer(vlm)], reshape_transform=lambda tokens: _planes(tokens, cells))
    try:
        grey = cam(input_tensor=asked.planes(pictures).requires_grad_(), targets=[_First()])[0]
    finally:
        cam.activations_and_grads.release()
    if not np.isfinite(grey).all() or grey.max() <= 0:
        raise SaliencyError(f"the saliency map of {image.id} is blank: nothing in the photograph speaks for what was asked")
    fit = vlm.lens.fit(image)
    square = cv2.resize(grey, (fit.side, fit.side), interpolation=cv2.INTER_LINEAR)
    return fit.invert(square.astype(np.float32))


def target_layer(vlm: Vlm) -> nn.Module:
    """The vision layer whose output goes to the projector."""
    tower = llava(vlm.model).model.vision_tower
    if isinstance(tower, LesionTower):
        return tower.out
    return tower.encoder.layers[llava(vlm.model).config.vision_feature_layer]


class _Asked(nn.Module):
    """A picture -> the log-odds of one token (N, 1): what pytorch-grad-cam takes for a classifier."""

    def __init__(self, vlm: Vlm, ids: list[int], places: int, log_odds: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.ids, self.places, self.log_odds = vlm.model, ids, places, log_odds
        self.cells = _cells(vlm)

    def planes(self, pictures: Tensor) -> Tensor:
        """Tokens of the small LLaVA as planes, so that the library knows the map's size; pixels as they are."""
        return _planes(pictures, self.cells) if pictures.ndim == 3 else pictures.clone()

    def forward(self, picture: Tensor) -> Tensor:
        tokens = picture.shape[-1] == self.cells
        given = picture.flatten(2).transpose(1, 2) if tokens else picture
        ids = torch.tensor([self.ids], device=picture.device)
        logits = self.model(input_ids=ids, pixel_values=given, logits_to_keep=self.places, use_cache=False).logits
        return self.log_odds(logits)[:, None]


def _cells(vlm: Vlm) -> int:
    """Picture tokens along a side."""
    return round(llava(vlm.model).config.image_seq_length ** 0.5)


def _planes(tokens: Tensor, cells: int) -> Tensor:
    """(N, tokens, C) -> (N, C, cells, cells); a CLS token in front is left out."""
    return tokens[:, -(cells**2) :].transpose(1, 2).unflatten(2, (cells, cells))


class _First(nn.Module):
    """The scalar of one picture's output."""

    def forward(self, log_odds: Tensor) -> Tensor:
        return log_odds[0]
