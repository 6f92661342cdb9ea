"""The network, and what its weights need on the way in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from retinai.artifacts import read_tensors
from retinai.errors import WeightsError
from retinai.lesions import SEGMENTED
from segmentation.unet import DEPTH, OWN_ENCODER, UNet

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, which the encoders were trained with


def build_model(
    encoder: str, decoder_channels: Sequence[int], encoder_weights: str | None = None, classes: int = len(SEGMENTED)
) -> nn.Module:
    """A U-Net of segmentation-models-pytorch: (N, 3, H, W) normalised RGB -> (N, classes, H, W) logits.

    encoder_weights: 'imagenet' (downloaded by smp), a local safetensors file, or None.
    """
    local = encoder_weights is not None and encoder_weights != "imagenet"
    import segmentation_models_pytorch as smp

    model = smp.Unet(
        encoder_name=encoder,
        encoder_depth=len(decoder_channels),
        encoder_weights=None if local else encoder_weights,
        decoder_channels=tuple(decoder_channels),
        classes=classes,
    )
    if local:
        load_encoder(model.encoder, Path(str(encoder_weights)))
    return model


def inference_model(encoder: str, decoder_channels: Sequence[int], classes: int = len(SEGMENTED)) -> nn.Module:
    """The network of `build_model` for weights that are loaded into it: without smp, and what smp imports, where it is known here."""
    if encoder == OWN_ENCODER and len(decoder_channels) == DEPTH:
        return UNet(decoder_channels, classes)
    return build_model(encoder, decoder_channels, classes=classes)


def channels_last(model: nn.Module) -> nn.Module:
    """The model with its weights laid out as convolutions on CPUs and tensor cores like them; in place."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Load pretrained encoder weights. Raises WeightsError unless the file fills every tensor of the encoder."""
    if not path.is_file():
        raise WeightsError(f"no encoder weights at {path}")
    # smp's encoders override load_state_dict and report nothing, hence the plain one
    missing, _ = nn.Module.load_state_dict(encoder, read_tensors(path, "pt"), strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise WeightsError(f"{path} does not fit the encoder: {len(missing)} tensors missing, such as {missing[0]}")


def normalise(images: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 RGB -> (N, 3, H, W) float32, ImageNet mean and deviation, channels last in memory."""
    mean = torch.tensor(_MEAN, device=images.device) * 255
    std = torch.tensor(_STD, device=images.device) * 255
    return (images - mean).div_(std).permute(0, 3, 1, 2)
