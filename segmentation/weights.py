"""Lesion U-Net weights: one safetensors file, mostly fp16, and a card, `card.json`, that tells how to build and use them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from retinai.artifacts import CARD, check_sum, read_tensors, write_card, write_tensors
from retinai.artifacts import read_card as read_any_card
from retinai.checkpoint import compact
from retinai.errors import WeightsError
from retinai.files import sha256_of

BUNDLED = Path(__file__).parent / "weights"
FILE = "lesions.safetensors"

_Share = Annotated[float, Field(ge=0, le=1)]


class _Fields(BaseModel):
    """What a card must hold; the rest is for people. sides: of the squares that are predicted, px."""

    model_config = ConfigDict(strict=True, extra="ignore")
    sha256: str
    encoder: str
    decoder_channels: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(min_length=3, max_length=5)]
    sides: Annotated[list[Annotated[int, Field(ge=64, le=8192)]], Field(min_length=1, max_length=4)]
    views: Literal[1, 2, 4] = 1
    thresholds: dict[str, _Share] = {}
    peaks: dict[str, _Share] = {}
    sure: dict[str, _Share | None] = {}


def save_weights(model: nn.Module, folder: Path, card: dict[str, Any]) -> Path:
    """Write the weights (see `compact`) and the card with their SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    write_tensors(path, compact({k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}))
    write_card(folder, card | {"sha256": sha256_of(path)})
    return path


def load_into(model: nn.Module, path: Path) -> None:
    """Fill every tensor of `model` from a weights file. Raises WeightsError where it does not fit."""
    if not path.is_file():
        raise WeightsError(f"no weights at {path}")
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in read_tensors(path, "pt").items()}
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
    start = read_tensors(path, "pt")
    for name, value in model.state_dict().items():
        if name in start and value.is_floating_point():
            value.lerp_(start[name].to(value), share)


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a weights folder. Raises WeightsError where there is none, where it is broken, or where a checksum differs."""
    if not (folder / CARD).is_file() or not (folder / FILE).is_file():
        raise WeightsError(f"no lesion weights in {folder}: expected {FILE} and {CARD}")
    card = read_any_card(folder, _Fields)
    check_sum(folder / FILE, card["sha256"])
    return card


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
