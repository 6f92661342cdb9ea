"""The vision tower of the small LLaVA: a frozen lesion U-Net that gives 24x24 tokens, as many as LLaVA-1.5 sees.

A token tells of one square cell of the photograph: what the deepest encoder stage saw there, how much of each
lesion the whole U-Net found there at full resolution, and where the cell lies. The tower carries its own copy of
the U-Net, so that a model folder is complete.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from retinai.artifacts import read_tensors
from retinai.errors import WeightsError

STATISTICS = 3
"""Per class and cell: highest probability, expected area, area above one half."""


class LesionTowerConfig(PreTrainedConfig):
    """encoder, decoder_channels, classes: of the U-Net; image_size: side of the square it sees, px;
    tokens_per_side: cells along a side; projected: channels kept of the deepest encoder stage; encoder_width: its channels."""

    model_type = "lesion_tower"

    encoder: str = "mobilenet_v2"
    decoder_channels: tuple[int, ...] | list[int] = (128, 64, 48, 32, 16)
    classes: int = 5
    image_size: int = 1152
    tokens_per_side: int = 24
    projected: int = 64
    encoder_width: int = 1280
    hidden_size: int = 0
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self.hidden_size = self.projected + STATISTICS * self.classes + 2

    @property
    def patch_size(self) -> int:
        """Side of a cell, px."""
        return self.image_size // self.tokens_per_side


class LesionTower(PreTrainedModel):
    """(N, 3, S, S) normalised RGB -> hidden states of (N, cells, hidden_size).

    Input of (N, cells, hidden_size) is taken as tokens computed before and passed through, so that training
    on a frozen tower computes them once.
    """

    config_class = LesionTowerConfig
    config: LesionTowerConfig
    main_input_name = "pixel_values"
    mean: Tensor
    projection: Tensor
    base_model_prefix = "tower"

    def __init__(self, config: LesionTowerConfig) -> None:
        super().__init__(config)
        self.unet = smp.Unet(
            encoder_name=config.encoder,
            encoder_depth=len(config.decoder_channels),
            encoder_weights=None,
            decoder_channels=tuple(config.decoder_channels),
            classes=config.classes,
        )
        self.register_buffer("mean", torch.zeros(config.encoder_width))
        self.register_buffer("projection", torch.zeros(config.encoder_width, config.projected))
        self.out = nn.Identity()  # a place to look at the tokens
        self.post_init()
        self.eval()

    def _init_weights(self, module: nn.Module) -> None:
        """smp has initialised the U-Net; transformers' own scheme would undo it."""

    def train(self, mode: bool = True) -> LesionTower:
        """Batch norms always use their stored statistics: the tower is not trained."""
        return super().train(False)

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        tokens = self.out(pixel_values if pixel_values.ndim == 3 else self.tokens(*self.look(pixel_values)))
        return BaseModelOutputWithPooling(last_hidden_state=tokens, hidden_states=(tokens,))

    def look(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """The deepest encoder stage (N, encoder_width, S/32, S/32) and the class probabilities (N, classes, S, S), float32."""
        with torch.autocast(pixel_values.device.type, torch.bfloat16):
            stages = self.unet.encoder(pixel_values.contiguous(memory_format=torch.channels_last))
            logits = self.unet.segmentation_head(self.unet.decoder(stages))
        return stages[-1].float(), logits.float().sigmoid()

    def tokens(self, deep: Tensor, probs: Tensor) -> Tensor:
        """(N, cells, hidden_size) from what `look` gave; row by row from the upper left."""
        side = self.config.tokens_per_side
        with torch.autocast(deep.device.type, enabled=False):
            seen = (self.pooled(deep) - self.mean.float()) @ self.projection.float()
            found = _rows(cell_statistics(probs, side))
            place = _rows(_positions(side, probs)).expand(len(probs), -1, -1)
            return torch.cat([seen, found, place], dim=2)

    def pooled(self, deep: Tensor) -> Tensor:
        """(N, cells, encoder_width): the deepest stage averaged over each cell."""
        return _rows(F.adaptive_avg_pool2d(deep, self.config.tokens_per_side))

    def load_unet(self, path: Path) -> None:
        """Copy the weights of a lesion U-Net file in. Raises WeightsError where it is missing or does not fit."""
        if not path.is_file():
            raise WeightsError(f"no lesion weights at {path}")
        tensors = {key: value.float() for key, value in read_tensors(path, "pt").items() if not key.endswith("num_batches_tracked")}
        try:
            missing, unexpected = nn.Module.load_state_dict(self.unet, tensors, strict=False)  # smp's own adds warnings
        except RuntimeError as error:
            raise WeightsError(f"{path} does not fit the tower: {str(error).splitlines()[-1].strip()}") from None
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise WeightsError(f"{path} does not fit the tower: {len(missing)} tensors missing, {len(unexpected)} unexpected")


def cell_statistics(probs: Tensor, side: int) -> Tensor:
    """(N, C, S, S) probabilities -> (N, 3C, side, side), each in 0..1.

    Areas are log(1 + px) over log(1 + px of a cell): a microaneurysm of ten pixels is told from none.
    """
    probs = probs.float()
    cell = probs.shape[-1] // side
    highest = F.max_pool2d(probs, cell)
    areas = [F.avg_pool2d(part, cell) * cell**2 for part in (probs, (probs > 0.5).float())]
    return torch.cat([highest, *(torch.log1p(area) / math.log1p(cell**2) for area in areas)], dim=1)


def _positions(side: int, like: Tensor) -> Tensor:
    """(1, 2, side, side): x and y of each cell's centre, -1..1."""
    line = (torch.arange(side, device=like.device) + 0.5) / side * 2 - 1
    return torch.stack([line.expand(side, side), line[:, None].expand(side, side)])[None]


def _rows(planes: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H*W, C)."""
    return planes.flatten(2).transpose(1, 2)


AutoConfig.register(LesionTowerConfig.model_type, LesionTowerConfig, exist_ok=True)
AutoModel.register(LesionTowerConfig, LesionTower, exist_ok=True)
