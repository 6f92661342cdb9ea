"""Whole photographs through the lesion U-Net: scales, flips, tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from retinai.backend import give_back_memory
from retinai.fit import Fit
from retinai.types import FundusImage
from segmentation.model import normalise

_FLIPS: tuple[tuple[int, ...], ...] = ((), (2,), (1,), (1, 2))  # of (N, H, W, 3): none, left-right, up-down, both
RUNTIME, PRECISION = "torch", "bf16"
"""What computes the map, and in what; the thresholds of a card belong to both, since rounding moves a probability by up to 0.2."""
_STRIDE = 32  # the deepest encoder stage


def predict_map(
    model: nn.Module, image: FundusImage, sides: Sequence[int], *, views: int = 1, tile: int = 2048, precision: str = PRECISION
) -> NDArray[np.float32]:
    """(C, H, W) float32 probabilities at native size: the mean over working sides and mirrored views (1, 2 or 4).

    Each side weighs by its number of pixels: the finer map knows more of small lesions. The smaller sides are brought to the
    largest and averaged there, so that native arrays are made once.
    """
    sides = sorted(sides, reverse=True)
    fits = [Fit.of(image.field, side) for side in sides]
    squares = (predict_square(model, fit.apply(image.pixels), views=views, tile=tile, precision=precision) for fit in fits)
    shares = [side**2 / sum(each**2 for each in sides) for side in sides]
    mean = next(squares)
    mean *= shares[0]
    for square, share in zip(squares, shares[1:], strict=True):
        for total, channel in zip(mean, square, strict=True):
            finer = cv2.resize(channel, (sides[0], sides[0]), interpolation=cv2.INTER_LINEAR)
            cv2.addWeighted(total, 1, finer, share, 0, dst=total)
    give_back_memory()  # the network's, which would lie beside the native map
    native = np.zeros((len(mean), *image.field.shape), np.float32)
    for number, channel in enumerate(mean):
        fits[0].invert(channel, out=native[number])
    return native


@torch.inference_mode()
def predict_square(
    model: nn.Module, square: NDArray[np.uint8], *, views: int = 1, tile: int = 2048, precision: str = PRECISION
) -> NDArray[np.float32]:
    """(S, S, 3) uint8 -> (C, S, S) float32 probabilities in 0..1, rows and columns without retina left at 0."""
    device = next(model.parameters()).device
    rows, columns = _occupied(square)
    images = torch.from_numpy(np.ascontiguousarray(square[rows, columns])).to(device)[None]
    with torch.autocast(device.type, torch.bfloat16 if precision == "bf16" else torch.float16, enabled=precision != "no"):
        inner = _tiled(model, images, tile)
        for flip in _FLIPS[1:views]:
            inner += _tiled(model, images.flip(flip), tile).flip([axis + 1 for axis in flip])
    if views > 1:
        inner /= views
    probs = np.zeros((inner.shape[1], *square.shape[:2]), np.float32)
    probs[:, rows, columns] = inner[0].cpu().numpy()
    return probs


def _occupied(square: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns that hold retina, widened to whole encoder strides."""
    lit = square.reshape(len(square), -1) > 0  # a row of (column, colour): whole rows are fast to go through
    columns = np.asarray(lit.any(axis=0)).reshape(square.shape[1], -1)
    return _span(np.asarray(lit.any(axis=1))), _span(np.asarray(columns.any(axis=1)))


def _span(used: NDArray[np.bool_]) -> slice:
    """First to last True, widened to a multiple of the stride and kept inside."""
    filled = np.flatnonzero(used)
    if filled.size == 0:
        return slice(0, used.size)
    size = min(used.size, -(-(filled[-1] + 1 - filled[0]) // _STRIDE) * _STRIDE)
    start = int(min(filled[0], used.size - size))
    return slice(start, start + int(size))


def _tiled(model: nn.Module, images: Tensor, tile: int) -> Tensor:
    """(1, H, W, 3) uint8 -> (1, C, H, W) float32; pieces overlap by a quarter and fade into each other."""
    height, width = images.shape[1:3]
    if max(height, width) <= tile:
        return _probs(model, images)
    total, weight = None, torch.zeros(height, width, device=images.device)
    for rows, columns in _pieces(height, width, tile):
        probs = _probs(model, images[:, rows, columns])
        fade = _fade(*probs.shape[2:]).to(images.device)
        total = torch.zeros(1, probs.shape[1], height, width, device=images.device) if total is None else total
        total[..., rows, columns] += probs * fade
        weight[rows, columns] += fade
    assert total is not None
    return total / weight


def _pieces(height: int, width: int, tile: int) -> Iterator[tuple[slice, slice]]:
    for top in _starts(height, tile):
        for left in _starts(width, tile):
            yield slice(top, min(height, top + tile)), slice(left, min(width, left + tile))


def _starts(size: int, tile: int) -> list[int]:
    """Evenly spread starts of tiles that overlap by at least a quarter."""
    count = 1 if size <= tile else -(-(size - tile) // (tile * 3 // 4)) + 1
    return [round(i * (size - tile) / max(1, count - 1)) for i in range(count)]


def _fade(height: int, width: int) -> Tensor:
    """A weight that falls towards the edges, never to zero."""
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    return torch.from_numpy(np.maximum(window, 1e-3).astype(np.float32))


def _probs(model: nn.Module, images: Tensor) -> Tensor:
    """One forward pass; the picture is padded to whole strides and cut back."""
    height, width = images.shape[1:3]
    down, right = -height % _STRIDE, -width % _STRIDE
    batch = nn.functional.pad(images, (0, 0, 0, right, 0, down))
    logits = model(normalise(batch).contiguous(memory_format=torch.channels_last))
    return logits.float().sigmoid_()[..., :height, :width]


def to_1440(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) native probabilities -> (960, 1440), the size at which most papers report."""
    return np.asarray(cv2.resize(probs, (1440, 960), interpolation=cv2.INTER_AREA), np.float32)
