"""From the grade tokens' logits to probabilities that may be believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from retinai.errors import WeightsError

FILE = "grade.json"


def softmax(logits: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """(N, 5) logits -> (N, 5) probabilities that sum to one."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(logits: NDArray[np.float64], levels: NDArray[np.int64]) -> float:
    """The temperature with the least log loss, in 0.05..20 (Guo et al., ICML 2017). logits: (N, 5); levels: (N,) 0-4."""

    def loss(log_temperature: float) -> float:
        probs = softmax(logits, float(np.exp(log_temperature)))
        return -float(np.log(probs[np.arange(len(levels)), levels] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def save_temperature(folder: Path, temperature: float) -> None:
    (folder / FILE).write_text(json.dumps({"temperature": temperature}) + "\n", encoding="utf-8")


def read_temperature(folder: Path) -> float:
    """What was stored with a model or an adapter; 1 where nothing was. Raises WeightsError where the file is broken."""
    path = Path(folder) / FILE
    if not path.is_file():
        return 1.0
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["temperature"])
    except (ValueError, KeyError, TypeError):
        raise WeightsError(f"{path} holds no temperature") from None
