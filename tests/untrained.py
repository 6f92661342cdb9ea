"""A real but tiny and untrained lesion U-Net on disk, for tests of what is around it."""

from __future__ import annotations

from pathlib import Path

import torch

from segmentation.model import build_model
from segmentation.weights import save_weights

_DECODER = (8, 8, 8, 8, 8)


def untrained_weights(folder: Path, side: int) -> Path:
    """Write its weights and card; returns the folder. The same each time."""
    torch.manual_seed(0)
    card = {"encoder": "mobilenet_v2", "decoder_channels": list(_DECODER), "sides": [side]}
    save_weights(build_model("mobilenet_v2", _DECODER), folder, card)
    return folder
