"""Losses for targets that cover a thousandth of the picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def lesion_loss(logits: Tensor, target: Tensor, bce: float = 3.0, dice: float = 1.0) -> Tensor:
    """`bce` x cross-entropy + `dice` x soft Dice. logits, target: (N, C, H, W), target 0..1 (soft edges allowed).

    The cross-entropy is a proper score and orders the pixels, which the AUPR measures; the Dice over the
    whole batch keeps rare classes from being drowned by background.
    """
    return bce * F.binary_cross_entropy_with_logits(logits, target) + dice * soft_dice_loss(logits.sigmoid(), target)


def soft_dice_loss(probs: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - Dice, pooled over the batch per class, averaged over the classes that the batch shows (Milletari et al., 3DV 2016).

    A class that is nowhere in the batch is left to the cross-entropy: its Dice is 0 for the faintest doubt, and the
    gradient would crush every doubt that the map should keep in order.
    """
    dims = (0, 2, 3)
    overlap = 2 * (probs * target).sum(dims) + smooth
    loss = 1 - overlap / (probs.square().sum(dims) + target.square().sum(dims) + smooth)
    shown = (target.amax(dims) > 0.5).to(loss.dtype)
    return (loss * shown).sum() / shown.sum().clamp(min=1)


def focal_tversky_loss(
    probs: Tensor, target: Tensor, alpha: float = 0.3, beta: float = 0.7, gamma: float = 0.75, smooth: float = 1.0
) -> Tensor:
    """(1 - Tversky) ** gamma over the batch per class; beta weighs what was missed (Abraham and Khan, ISBI 2019)."""
    dims = (0, 2, 3)
    hit = (probs * target).sum(dims)
    missed, false = ((1 - probs) * target).sum(dims), (probs * (1 - target)).sum(dims)
    tversky = (hit + smooth) / (hit + alpha * false + beta * missed + smooth)
    return torch.pow(1 - tversky, gamma).mean()
