"""From the grade tokens' logits to probabilities that may be believed, and to the grades that an answer leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from retinai.artifacts import read_json
from retinai.conformal import Conformal, fit_conformal
from retinai.errors import WeightsError
from retinai.files import whole
from retinai.lesions import GRADES
from retinai.strict_json import dumps

FILE = "grade.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """bias: what is added to the five logits; temperature: what the sum is divided by; conformal: what makes sets of grades of the
    probabilities, None where it was never set."""

    bias: tuple[float, ...] = (0.0,) * 5
    temperature: float = 1.0
    conformal: Conformal | None = None

    def __post_init__(self) -> None:
        if len(self.bias) != len(GRADES) or not self.temperature > 0:
            raise ValueError(f"no calibration of {len(GRADES)} grades: {self}")

    def probs(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 5) logits -> (N, 5) probabilities that sum to one."""
        scaled = (logits + np.array(self.bias)) / self.temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        with whole(folder / FILE) as file:
            file.write(dumps(asdict(self)) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Calibration:
        """What was stored with a model or an adapter; nothing is changed where nothing was stored.

        Raises WeightsError where the file is broken.
        """
        path = Path(folder) / FILE
        if not path.is_file():
            return cls()
        values = read_json(path)
        try:
            conformal = Conformal(**values["conformal"]) if values.get("conformal") else None
            return cls(tuple(float(bias) for bias in values["bias"]), float(values["temperature"]), conformal)
        except (ValueError, KeyError, TypeError):
            raise WeightsError(f"{path} holds no bias and temperature") from None


def prior_bias(levels: Sequence[int], balanced: bool) -> tuple[float, ...]:
    """The log odds that balanced training took from each grade: those of its frequency in the training photographs.

    A model that saw every grade equally often thinks each equally likely beforehand; adding the logarithm of the real
    frequencies puts that right (Saerens et al., Neural Computation 2002). One count is added to each grade.
    """
    if not balanced:
        return (0.0,) * len(GRADES)
    counts = np.bincount(np.array(levels, np.int64), minlength=len(GRADES)) + 1
    return tuple(float(value) for value in np.log(counts / counts.mean()))


def fit_temperature(logits: NDArray[np.float64], levels: NDArray[np.int64], bias: tuple[float, ...]) -> Calibration:
    """The temperature with the least log loss, in 0.05..20 (Guo et al., ICML 2017). logits: (N, 5); levels: (N,) 0-4."""

    def loss(log_temperature: float) -> float:
        probs = Calibration(bias, float(np.exp(log_temperature))).probs(logits)
        return -float(np.log(probs[np.arange(len(levels)), levels] + 1e-12).mean())

    found: Any = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return Calibration(bias, float(np.exp(found.x)))


def with_sets(calibration: Calibration, logits: NDArray[np.float64], levels: NDArray[np.int64]) -> Calibration:
    """The calibration with a conformal threshold from the same validation answers.

    The temperature saw them too, one number among all of them, for which the theorem makes no allowance.
    """
    return replace(calibration, conformal=fit_conformal(calibration.probs(logits), levels))
