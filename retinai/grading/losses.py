"""Losses of the graders, as pure functions of raw outputs and true classes. outputs: as the head gives them; levels: (N,) int."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def class_weights(levels: Sequence[int], classes: int) -> Tensor:
    """(K,) weights 1 / frequency with mean 1 over the photographs; a class that never occurs gets 1."""
    counts = torch.bincount(torch.as_tensor(levels), minlength=classes).float()
    there = counts > 0
    weights = torch.where(there, counts.sum() / (there.sum() * counts.clamp_min(1)), torch.ones(()))
    return weights


def cross_entropy(outputs: Tensor, levels: Tensor, weights: Tensor | None = None) -> Tensor:
    """The weighted mean of -log p(truth)."""
    return F.cross_entropy(outputs, levels, weight=weights)


def focal(outputs: Tensor, levels: Tensor, weights: Tensor | None = None, gamma: float = 2.0) -> Tensor:
    """Cross-entropy that counts a photograph by (1 - p)^gamma (Lin et al., ICCV 2017)."""
    log_prob = outputs.log_softmax(1).gather(1, levels[:, None])[:, 0]
    return _mean(-((1 - log_prob.exp()) ** gamma) * log_prob, levels, weights)


def regression(outputs: Tensor, levels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Huber loss of the grade as a number: squared below one grade, linear above. outputs: (N, 1)."""
    return _mean(F.smooth_l1_loss(outputs[:, 0], levels.float(), reduction="none"), levels, weights)


def coral(outputs: Tensor, levels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of "the grade is above k", summed over the tasks. outputs: (N, K - 1)."""
    above = (levels[:, None] > torch.arange(outputs.shape[1], device=levels.device)).float()
    return _mean(F.binary_cross_entropy_with_logits(outputs, above, reduction="none").sum(1), levels, weights)


def prototypes(outputs: Tensor, levels: Tensor, weights: Tensor | None = None) -> Tensor:
    """CORAL's loss and the cross-entropy of the nearest grade's text. outputs: (N, K - 1 + K)."""
    tasks = outputs.shape[1] // 2
    return coral(outputs[:, :tasks], levels, weights) + cross_entropy(outputs[:, tasks:], levels, weights)


Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]
LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "regression": regression,
    "coral": coral,
    "prototypes": prototypes,
}


def _mean(losses: Tensor, levels: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return losses.mean()
    chosen = weights[levels]
    return (losses * chosen).sum() / chosen.sum()
