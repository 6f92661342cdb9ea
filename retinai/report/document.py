"""Explanation -> the JSON that machines read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from retinai.lesions import DISCLAIMER
from retinai.types import Explanation

VERSION = "1.0"


def to_document(explanation: Explanation) -> dict[str, Any]:
    """A JSON-ready dict: every field of the explanation, each evidence's rendered sentence, version and disclaimer."""
    document = _plain(asdict(explanation))
    for item, evidence in zip(document["evidence"], explanation.evidence, strict=True):
        item["sentence"] = evidence.sentence
    return {"version": VERSION, "disclaimer": DISCLAIMER, **document}


def _plain(value: Any) -> Any:
    """Lists for tuples, numbers of Python for numbers of numpy; floats to six significant digits, beyond which nothing is meant."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
