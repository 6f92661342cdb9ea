"""Lesion U-Net weights: one safetensors file, mostly fp16, and a card, `card.json`, that tells how to build and use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from retinai.checkpoint import compact
from retinai.errors import WeightsError
from retinai.files import sha256_of

BUNDLED = Path(__file__).parent / "weights"
FILE, CARD = "lesions.safetensors", "card.json"


def save_weights(model: nn.Module, folder: Path, card: dict[str, Any]) -> Path:
    """Write the weights (see `compact`) and the card with their SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    tensors = compact({k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")})
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, path)
    (folder / CARD).write_text(json.dumps(card | {"sha256": sha256_of(path)}, indent=2) + "\n", encoding="utf-8")
    return path


def load_into(model: nn.Module, path: Path) -> None:
    """Fill every tensor of `model` from a weights file. Raises WeightsError where it does not fit."""
    if not path.is_file():
        raise WeightsError(f"no weights at {path}")
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    try:
        missing, unexpected = nn.Module.load_state_dict(model, tensors, strict=False)  # smp overrides it to warn
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit the model: {str(error).splitlines()[-1].strip()}") from None
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise WeightsError(f"{path} does not fit the model: {len(missing)} tensors missing, {len(unexpected)} unexpected")


@torch.no_grad()
def blend(model: nn.Module, path: Path, share: float) -> None:
    """Move every weight back towards those of a file that training started from: share 0 leaves it, 1 is the file.

    Weights on the line between a start and its fine-tuning often do better than either end (Wortsman et al., CVPR 2022).
    """
    start = load_file(path)
    for name, value in model.state_dict().items():
        if name in start and value.is_floating_point():
            value.lerp_(start[name].to(value), share)


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a weights folder. Raises WeightsError where there is none or the checksum differs."""
    card, path = folder / CARD, folder / FILE
    if not card.is_file() or not path.is_file():
        raise WeightsError(f"no lesion weights in {folder}: expected {FILE} and {CARD}")
    values = json.loads(card.read_text(encoding="utf-8"))
    if values["sha256"] != sha256_of(path):
        raise WeightsError(f"{path} does not match the checksum of its card")
    return values


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
