"""Explanation -> the JSON that machines read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from retinai.lesions import DISCLAIMER
from retinai.types import Explanation, Patient

VERSION = "1.4"
"""Of the documents. A field that is added, dropped or that changes its meaning makes a new version."""
_FRAME = {"version": VERSION, "disclaimer": DISCLAIMER}


def to_document(explanation: Explanation) -> dict[str, Any]:
    """A JSON-ready dict: every field of the explanation, each evidence's rendered sentence, version and disclaimer."""
    return {"document": "explanation", **_FRAME, **_body(explanation)}


def to_patient_document(patient: Patient) -> dict[str, Any]:
    """The same for both eyes of a patient, each as its explanation."""
    eyes = {"right": _body(patient.right), "left": _body(patient.left)}
    return {"document": "patient", **_FRAME, **plain(asdict(patient)), **eyes}


def _body(explanation: Explanation) -> dict[str, Any]:
    document = plain(asdict(explanation))
    for item, evidence in zip(document["evidence"], explanation.evidence, strict=True):
        item["sentence"] = evidence.sentence
    return document


def failure(name: str, error: str) -> dict[str, Any]:
    """The document of a file that could not be read. name: without folder and suffix, which are nobody else's business."""
    return {"document": "failure", **_FRAME, "image": name, "error": error}


def plain(value: Any) -> Any:
    """Lists for tuples, numbers of Python for numbers of numpy; floats to six significant digits, beyond which nothing is meant."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
