"""A trained grader as ONNX: the same probabilities without torch, checked, and timed on one core.

An image grader takes `image`, (N, 3, S, S) float32 RGB in 0..255 of the field of view padded to a square; the lesion grader takes
`features`, (N, F) float32 in the order of its card. Both give `probs`, (N, K). Cuts, sets and the review threshold stay in the card.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from retinai.errors import MissingModelError, UsageError, WeightsError
from retinai.grading.image_grader import ImageGrader
from retinai.grading.model import GraderModel
from retinai.grading.ordinal import Regression

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

TOLERANCE = 1e-4
_RUNS, _WARM = 15, 2


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it. difference: the largest between torch's and ONNX Runtime's probabilities; milliseconds: median of
    one photograph on one core; size: of the file, bytes."""

    path: Path
    difference: float
    milliseconds: float
    size: int


class ImageProbs(nn.Module):
    """(N, 3, S, S) in 0..255 -> (N, K) probabilities, the temperature applied."""

    def __init__(self, model: GraderModel, temperature: float) -> None:
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, image: Tensor) -> Tensor:
        return (self.model.logits(image) / self.temperature).softmax(1)


class FeatureProbs(nn.Module):
    """(N, F) features -> (N, K) probabilities of a regression."""

    mean: Tensor
    scale: Tensor
    weights: Tensor
    offsets: Tensor

    def __init__(self, model: Regression, temperature: float) -> None:
        super().__init__()
        self.ordinal, self.temperature = model.name == "ordinal", temperature
        for name, array in model.arrays().items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)).float())

    def forward(self, features: Tensor) -> Tensor:
        x = (features - self.mean) / self.scale
        if not self.ordinal:
            logits = x @ self.weights.T + self.offsets
        else:
            above = ((x @ self.weights)[:, None] - self.offsets).sigmoid()
            ends = torch.ones_like(above[:, :1])
            logits = (torch.cat([ends, above], 1) - torch.cat([above, 0 * ends], 1)).clamp_min(1e-12).log()
        return (logits / self.temperature).softmax(1)


def export_image(grader: ImageGrader, path: Path) -> Exported:
    """Raises UsageError for a grader that reads its neighbours, which ONNX cannot hold; else as `export`."""
    if grader.bank is not None:
        raise UsageError(f"{grader.name} reads the nearest photographs, not its head; train it with inference=head to export it")
    side = grader.card["size"]
    example = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (2, 3, side, side)).astype(np.float32))
    return export(ImageProbs(grader.model.cpu(), grader.card["temperature"]), example, "image", path)


def export_features(model: Regression, temperature: float, path: Path) -> Exported:
    """Of a regression on features."""
    drawn = np.random.default_rng(0).normal(size=(2, len(model.mean)))
    example = torch.from_numpy((model.mean + model.scale * drawn).astype(np.float32))
    return export(FeatureProbs(model, temperature), example, "features", path)


def export(module: nn.Module, example: Tensor, name: str, path: Path) -> Exported:
    """Write `path`, run it beside torch on two drawn inputs, and time it.

    Raises WeightsError, and leaves no file, where the two differ by more than `TOLERANCE`; MissingModelError without the
    packages of the optional part 'onnx'.
    """
    module.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.onnx")
    try:
        with warnings.catch_warnings():  # of torch's exporter about its own parts
            warnings.simplefilter("ignore")
            batch = torch.export.Dim("batch", min=1, max=1024)
            torch.onnx.export(
                module, (example,), partial, input_names=[name], output_names=["probs"], dynamic_shapes=({0: batch},),
                dynamo=True, external_data=False, verbose=False,
            )  # fmt: skip
        session = open_session(partial)
    except ImportError as error:
        raise MissingModelError(f"no {error.name} here; pip install -c constraints.txt '.[onnx]'") from None
    with torch.no_grad():
        wanted = np.concatenate([module(example).numpy(), module(example[:1]).numpy()])
    found = np.concatenate([run(session, example.numpy()), run(session, example[:1].numpy())])
    difference = float(np.abs(found - wanted).max())
    if not difference <= TOLERANCE:
        partial.unlink()
        raise WeightsError(f"ONNX Runtime and torch differ by {difference:.2g}, more than {TOLERANCE:g}; nothing was written")
    partial.replace(path)
    return Exported(path, difference, milliseconds(session, example[:1].numpy()), path.stat().st_size)


def open_session(path: Path) -> InferenceSession:
    """On one core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session: InferenceSession, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, K) probabilities."""
    return np.asarray(session.run(None, {session.get_inputs()[0].name: inputs})[0])


def milliseconds(session: InferenceSession, inputs: NDArray[np.float32], runs: int = _RUNS) -> float:
    """Median of `runs` runs after two that are not counted."""
    times = []
    for _ in range(_WARM + runs):
        began = time.perf_counter()
        run(session, inputs)
        times.append((time.perf_counter() - began) * 1000)
    return float(np.median(times[_WARM:]))
