"""When the memory runs out: once more with less, then on the CPU, and the reader is told what that costs."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from retinai.errors import RetinaiError
from retinai.pipeline import Pipeline, Reading
from retinai.types import FundusImage
from segmentation.detector import LesionDetector

if TYPE_CHECKING:
    from retinai.talk import Talker

ONE_SIZE = (
    "The memory ran out, so the photograph was read at its smallest working size only. Small lesions may be missed, and the thresholds "
    "were chosen for all sizes."
)
ON_CPU = "The graphics memory ran out, so the photograph was read on the processor, and no language model was asked."
_SAID_BY_TORCH = ("out of memory", "can't allocate memory", "not enough memory")


class MemoryRanOut(RetinaiError):
    """Not even the smallest way fits."""


def read_within_memory(pipeline: Pipeline, image: FundusImage, sha256: str) -> tuple[Reading, tuple[str, ...]]:
    """The reading, and what has to be said of how it was made. Raises MemoryRanOut where nothing fits."""
    for note, make in _ways(pipeline):
        try:
            return make().read(image, sha256), (note,) if note else ()
        except (MemoryError, RuntimeError) as error:  # torch has its own class for CUDA alone
            if not ran_out(error):
                raise
        _tidy()  # after the except block: until its end the error's frames hold the tensors
    raise MemoryRanOut("there is not enough free memory for this photograph now; try again later, or a smaller one")


def ran_out(error: BaseException) -> bool:
    """Whether it was for memory."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _SAID_BY_TORCH)


def _ways(pipeline: Pipeline) -> Iterator[tuple[str, Callable[[], Pipeline]]]:
    yield "", lambda: pipeline
    if len(pipeline.detector.sides) > 1 or pipeline.detector.views > 1:
        yield ONE_SIZE, lambda: _variant(pipeline, _smallest(pipeline.detector), pipeline.talker)
    if pipeline.detector.device.type != "cpu":
        yield ON_CPU, lambda: _variant(pipeline, _on_cpu(pipeline.detector), None)


def _variant(pipeline: Pipeline, detector: LesionDetector, talker: Talker | None) -> Pipeline:
    """The same pipeline with other models; the loaded one stays as it is."""
    other = copy.copy(pipeline)
    other.detector, other.talker = detector, talker
    return other


def _smallest(detector: LesionDetector) -> LesionDetector:
    card = {**detector.card, "sides": [min(detector.sides)], "views": 1}
    return LesionDetector(detector.model, card, detector.device, detector.profiles)


def _on_cpu(detector: LesionDetector) -> LesionDetector:
    import torch

    return LesionDetector(copy.deepcopy(detector.model).cpu(), detector.card, torch.device("cpu"), detector.profiles)


def _tidy() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
