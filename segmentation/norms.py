"""Batch norms: what their statistics are measured on, and which of them only amplify noise."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import update_bn

_CONSTANT = 1e-3
"""A channel whose variance is below this says nothing: without them the validation maps score the same (docs/segmentation.md)."""


def freeze_norms(network: nn.Module) -> None:
    """Let the norms use their statistics in training too, so that the network trained is the network used."""
    for norm in _norms(network):
        norm.eval()


def measure_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Measure the statistics of averaged weights anew (Izmailov 2018, section 3.2), on (N, 3, H, W) float32 batches.

    The average of the statistics that went with the weights does not belong to the average of the weights.
    """
    update_bn(batches, network)
    network.eval()


@torch.no_grad()
def quiet_norms(network: nn.Module) -> int:
    """Give the channels that never vary a variance of 1, so that rounding is not amplified; returns how many.

    Behind a ReLU6 many depthwise channels are constant. Their norms divide by next to nothing, up to 300 times,
    and turn the rounding of a kernel or of bfloat16 into a signal.
    """
    count = 0
    for norm in _norms(network):
        assert norm.running_var is not None
        constant = norm.running_var < _CONSTANT
        norm.running_var[constant] = 1
        count += int(constant.sum())
    return count


def fold_norms(network: nn.Module) -> None:
    """Put each norm behind a dense convolution into its kernel, for speed; in place, for networks that are not trained on.

    Norms behind depthwise kernels stay: bfloat16 rounds those kernels as it did in training only if they are left as they are.
    """
    last: tuple[str, nn.Module] = ("", network)
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(last[1], nn.Conv2d) and last[1].groups == 1:
            setattr(network, last[0], fuse_conv_bn_eval(last[1], child))
            setattr(network, name, nn.Identity())
        else:
            fold_norms(child)
        last = (name, child)


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.no_grad()
def unfold_batch_norms(network: nn.Module, images: Tensor) -> int:
    """Give folded batch norms back their statistics, measured on `images`, without changing what they compute.

    Weights published with folded norms have mean 0, variance 1, weight 1; in training mode such a norm would
    normalise by the batch and destroy the pretrained function. Returns how many were unfolded.
    """
    folded = [norm for norm in _norms(network) if _is_folded(norm)]
    hooks = [norm.register_forward_pre_hook(_unfold) for norm in folded]
    training = network.training
    network.eval()(images)
    network.train(training)
    for hook in hooks:
        hook.remove()
    return len(folded)


def _is_folded(norm: nn.BatchNorm2d) -> bool:
    mean, var = norm.running_mean, norm.running_var
    return mean is not None and var is not None and not mean.any() and bool((var == 1).all()) and bool((norm.weight == 1).all())


def _unfold(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
    mean, var = inputs[0].float().mean((0, 2, 3)), inputs[0].float().var((0, 2, 3))
    gain = norm.weight / (1 + norm.eps) ** 0.5
    norm.bias.add_(gain * mean)
    norm.weight.copy_(gain * (var + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
