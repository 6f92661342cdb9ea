"""A trained grader on disk: `grader.safetensors` and `card.json`, which says how to build and use it. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from retinai.errors import WeightsError
from retinai.files import sha256_of, whole

FILE, CARD = "grader.safetensors", "card.json"
BUNDLED = {name: Path(__file__).parents[1] / "weights" / f"grader-{name}" for name in ("image", "lesions")}
"""Where the graders that come with RetinAI lie."""

Arrays = dict[str, NDArray[Any]]


def save_grader(folder: Path, tensors: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> dict[str, Any]:
    """Write tensors and card, each whole or not at all; returns the card with the checksum of the tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with whole(path, "wb") as file:
        file.write(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))
    text = json.dumps({**card, "sha256": sha256_of(path)}, indent=2)
    with whole(folder / CARD) as file:
        file.write(text + "\n")
    return json.loads(text)


def load_grader_files(folder: Path, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """(tensors, card) of a grader of this kind, 'image' or 'lesions'. Raises WeightsError for a folder without one."""
    card, path = folder / CARD, folder / FILE
    if not card.is_file() or not path.is_file():
        raise WeightsError(f"no weights of a grader in {folder}: expected {FILE} and {CARD}; retinai train grader makes them")
    values = json.loads(card.read_text(encoding="utf-8"))
    if values.get("kind") != kind:
        raise WeightsError(f"{folder} holds a grader of kind {values.get('kind')!r}, not {kind!r}")
    if values["sha256"] != sha256_of(path):
        raise WeightsError(f"{path} does not match the checksum of its card")
    return load_file(path), values
