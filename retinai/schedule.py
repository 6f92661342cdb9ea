"""The learning rate over a training run."""

from __future__ import annotations

import math


def one_cycle(step: int, steps: int, highest: float, warm: float = 0.1, start: float = 0.04, end: float = 1e-3) -> float:
    """The learning rate of `step` (0-based): cosine up over the `warm` share, cosine down after (Smith, 2018)."""
    rise = max(1, round(warm * steps))
    if step < rise:
        low, share = start, (1 - math.cos(math.pi * step / rise)) / 2
    else:
        low, share = end, (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise))) / 2
    return highest * (low + (1 - low) * share)
