"""A trained image grader at work: photographs in, readings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from retinai.artifacts import building
from retinai.conformal import Conformal, open_grades
from retinai.errors import UsageError, WeightsError
from retinai.grading.data import square_of
from retinai.grading.knn import Bank
from retinai.grading.model import GraderModel, rebuild_model
from retinai.grading.protocol import Reading
from retinai.grading.tune import levels_of, softmax
from retinai.grading.weights import load_grader_files
from retinai.types import FundusImage, Grade

_BANK = "bank."


class ImageGrader:
    """`ImageGrader.load(folder).grade(images)` -> one reading each. card: what was stored with the weights."""

    def __init__(self, model: GraderModel, card: Mapping[str, Any], bank: Bank | None, name: str, device: torch.device) -> None:
        self.model, self.card, self.bank, self.device = model.to(device).eval(), card, bank, device
        self.name = name
        self.identity = {"name": name, "weights": card["sha256"]}
        found = card.get("conformal")
        self.conformal = Conformal(**found) if found else None

    @classmethod
    def load(cls, folder: Path, device: str = "auto", name: str | None = None) -> ImageGrader:
        """Raises WeightsError for a folder without such a grader, UsageError for one that tells no ICDR grade, or a missing device."""
        arrays, card = load_grader_files(folder, "image")
        with building(folder):
            bank = Bank(arrays.pop(f"{_BANK}features"), arrays.pop(f"{_BANK}levels")) if f"{_BANK}levels" in arrays else None
            model = rebuild_model(card)
        fill(model, arrays, folder)
        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError("no CUDA device here; use --device cpu or auto")
        place = "cuda" if device == "auto" and torch.cuda.is_available() else "cpu" if device == "auto" else device
        return cls(model, card, bank, name or f"image:{folder}", torch.device(place))

    def pixels(self, images: Sequence[FundusImage]) -> torch.Tensor:
        """(N, 3, S, S) float32 RGB in 0..255, what the model takes."""
        squares = np.stack([square_of(image, self.card["size"]) for image in images])
        return torch.from_numpy(squares).permute(0, 3, 1, 2).float().to(self.device)

    @torch.no_grad()
    def probs(self, images: Sequence[FundusImage]) -> NDArray[np.float64]:
        """(N, K) probabilities of the card's classes."""
        pixels = self.pixels(images)
        if self.bank is not None:
            embedded = self.model.embed(pixels).cpu().numpy()
            logits = self.bank.logits(embedded, self.card["neighbours"], len(self.card["classes"]))
        else:
            logits = self.model.logits(pixels).double().cpu().numpy()
        return softmax(logits, self.card["temperature"])

    @torch.no_grad()
    def features(self, images: Sequence[FundusImage]) -> NDArray[np.float32]:
        """(N, D) unit vectors in the neighbours' space."""
        return self.model.embed(self.pixels(images)).cpu().numpy()

    def grade(self, images: Sequence[FundusImage]) -> list[Reading]:
        """One reading a photograph. Raises UsageError where the weights tell something else than ICDR grades."""
        if self.card["target"] != "grade":
            raise UsageError(f"{self.name} tells {', '.join(self.card['classes'])}, not ICDR grades")
        if not images:
            return []
        probs = self.probs(images)
        return [self._reading(row, int(level)) for row, level in zip(probs, levels_of(probs, self.card["cuts"]), strict=True)]

    def _reading(self, probs: NDArray[np.float64], level: int) -> Reading:
        cuts = tuple(self.card["cuts"]) if self.card["cuts"] else None
        grade = Grade(level, tuple(float(p) for p in probs), self.name, open_grades(self.conformal, probs, level), cuts)
        return Reading(grade, text=told(grade, self.card["review"]["threshold"]))


def told(grade: Grade, review: float) -> str:
    """'Grade 2; needs review by a grader.'"""
    return f"Grade {grade.level}" + ("; needs review by a grader." if grade.probs[grade.level] < review else ".")


def fill(model: GraderModel, arrays: Mapping[str, NDArray[Any]], folder: Path) -> None:
    """Put stored arrays into a model. Raises WeightsError where they do not fit."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    tensors = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    try:
        missing, unexpected = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{folder} does not fit its card: {str(error).splitlines()[-1].strip()}") from None
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise WeightsError(f"{folder} does not fit its card: {len(missing)} tensors missing, {len(unexpected)} unexpected")
