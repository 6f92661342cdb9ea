"""A LLaVA whose weights are drawn anew, to see whether its saliency comes from them (Adebayo et al., NeurIPS 2018).

The entries of every tensor of projector and language model are shuffled: their scale stays, what was learnt is gone. The vision tower
stays as it is, so that only what reads the picture's tokens is at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from retinai.errors import UsageError
from vlm.model import is_4bit, llava

_PARTS = ("model.multi_modal_projector.", "model.language_model.", "lm_head.")


@contextmanager
def randomised(model: nn.Module, seed: int) -> Iterator[None]:
    """The model with shuffled weights as long as the block lasts. Raises UsageError for one in 4 bits."""
    if is_4bit(model):
        raise UsageError("the weights of a model in 4 bits cannot be randomised; load it in 16")
    chosen = [p for name, p in llava(model).named_parameters() if name.startswith(_PARTS)]
    kept = [p.detach().clone() for p in chosen]
    rng = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for parameter in chosen:
                order = torch.randperm(parameter.numel(), generator=rng).to(parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(chosen, kept, strict=True):
                parameter.copy_(before)
