"""The U-Net on MobileNetV2 in plain torch, for inference: what segmentation-models-pytorch builds, by the same names of tensors.

That package brings timm, torchvision and torch's compiler along, which took most of a cold start and do nothing for a photograph.
Training still uses it; a test holds the two equal.

Sandler et al., MobileNetV2 (CVPR 2018); Ronneberger et al., U-Net (MICCAI 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

OWN_ENCODER, DEPTH = "mobilenet_v2", 5
"""What smp calls the encoder, and how many times it halves a photograph."""
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Of the encoder: how much wider inside, channels, blocks, stride of the first (MobileNetV2, table 2)."""
_STEM, _DEEPEST = 32, 1280
_TAPS = {1: 16, 3: 24, 6: 32, 13: 96, 18: _DEEPEST}
"""Which layers of the encoder the decoder sees, the last of each resolution, and their channels."""
_WIDEST = 2
"""The layer of the encoder whose inside takes most memory."""
_BAND = 128  # rows of the second finest stage at a time
_HALO = 2  # rows of it that the last two blocks and the head see beyond a band: two convolutions at twice, three at four times its size


class UNet(nn.Module):
    """(N, 3, H, W) normalised RGB, H and W multiples of 32 -> (N, classes, H, W) logits.

    On a processor the finest stages, which hold nearly all of the memory, are run in bands of rows; no value depends on the band.
    """

    def __init__(self, decoder_channels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder(decoder_channels)
        self.segmentation_head = nn.Sequential(nn.Conv2d(decoder_channels[-1], classes, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        x, beside = self.decoder(self.encoder(images))
        parts = []
        for start, stop in _bands(x):
            first, last = max(0, start - _HALO), min(x.shape[2], stop + _HALO)
            band = self._finest(x[:, :, first:last], beside[:, :, 2 * first : 2 * last])
            parts.append(band[:, :, 4 * (start - first) : 4 * (stop - first)].contiguous())
        return torch.cat(parts, 2)

    def _finest(self, x: Tensor, beside: Tensor) -> Tensor:
        """A quarter of the images' size -> logits at their size."""
        *_, last_but_one, last = self.decoder.blocks
        return self.segmentation_head(last(last_but_one(x, beside)))


def _bands(x: Tensor) -> Iterator[tuple[int, int]]:
    """First and last row, exclusive, of each band of (N, C, H, W); all rows at once on a GPU."""
    step = _BAND if x.is_cpu else x.shape[2]
    return ((start, min(x.shape[2], start + step)) for start in range(0, x.shape[2], step))


def _halved(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer of stride 2 whose output rows see one input row above theirs, in bands."""
    parts = []
    for start, stop in _bands(x):
        above = min(2, start)  # a whole output row, which is dropped again
        parts.append(layer(x[:, :, start - above : stop])[:, :, above // 2 :])
    return torch.cat(parts, 2)


class Encoder(nn.Module):
    """MobileNetV2 without its classifier: images -> the images, and the last layer of each of five resolutions, coarser and coarser."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_unit(3, _STEM, 3, stride=2)]
        width = _STEM
        for wider, channels, blocks, stride in _STAGES:
            for number in range(blocks):
                layers.append(InvertedResidual(width, channels, stride if number == 0 else 1, wider))
                width = channels
        self.features = nn.Sequential(*layers, _unit(width, _DEEPEST, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        stages, x = [images], images
        for number, layer in enumerate(self.features):
            x = _halved(layer, x) if number == _WIDEST else layer(x)
            if number in _TAPS:
                stages.append(x)
        return stages


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel by 3x3, narrow by 1x1; added to its input where the shape allows."""

    def __init__(self, width: int, channels: int, stride: int, wider: int) -> None:
        super().__init__()
        inside = width * wider
        widen = [_unit(width, inside, 1)] if wider > 1 else []
        narrow = nn.Conv2d(inside, channels, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv = nn.Sequential(*widen, _unit(inside, inside, 3, stride=stride, groups=inside), *narrow)
        self.adds = stride == 1 and width == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class Decoder(nn.Module):
    """The encoder's stages -> what the last two blocks take: a quarter of the images' size, and the stage of half their size."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        below = (_DEEPEST, *channels[:-1])
        beside = (*list(_TAPS.values())[-2::-1], 0)
        self.blocks = nn.ModuleList(Block(a + b, c) for a, b, c in zip(below, beside, channels, strict=True))

    def forward(self, stages: list[Tensor]) -> tuple[Tensor, Tensor]:
        x = stages.pop()
        for block in list(self.blocks)[:-2]:
            x = block(x, stages.pop())
        return x, stages.pop()


class Block(nn.Module):
    """Double the size, put the encoder's stage of that size beside it, two convolutions."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _unit(width, channels, 3, last=nn.ReLU), _unit(channels, channels, 3, last=nn.ReLU)

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.conv2(self.conv1(x if beside is None else torch.cat([x, beside], 1)))


def _unit(width: int, channels: int, side: int, stride: int = 1, groups: int = 1, last: type[nn.Module] = nn.ReLU6) -> nn.Sequential:
    """Convolution, batch norm, and a ReLU."""
    kernel = nn.Conv2d(width, channels, side, stride, side // 2, groups=groups, bias=False)
    return nn.Sequential(kernel, nn.BatchNorm2d(channels), last(inplace=True))
