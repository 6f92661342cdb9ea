"""An image grader: a backbone, a head, and LoRA where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from retinai.errors import ConfigError
from retinai.grading.backbone import Backbone, build_backbone, quietly, rebuild_backbone, text_embeddings
from retinai.grading.heads import PrototypeHead, build_head
from retinai.grading.names import Target, target_of
from retinai.grading.settings import ImageGraderConfig


class GraderModel(nn.Module):
    """(N, 3, S, S) RGB in 0..255 -> the head's raw outputs. `logits` gives (N, K) whose softmax are the classes' probabilities."""

    def __init__(self, backbone: Backbone, head: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone, self.head, self.dropout = backbone, head, nn.Dropout(dropout)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.dropout(self.backbone(images)))

    def logits(self, images: Tensor) -> Tensor:
        return self.read(self(images))

    def read(self, outputs: Tensor) -> Tensor:
        """(N, K) logits of raw outputs."""
        return self.head.logits(outputs)  # type: ignore[operator]

    def embed(self, images: Tensor) -> Tensor:
        """(N, D), the space of the nearest neighbours: the backbone's features, or the prototypes' projection of them."""
        features = self.backbone(images)
        return self.head.embed(features) if isinstance(self.head, PrototypeHead) else nn.functional.normalize(features, dim=1)


def build_model(config: ImageGraderConfig) -> GraderModel:
    """A fresh grader with a pretrained backbone; what is not trained requires no gradient."""
    target = target_of(config.target, config.classes)
    backbone = build_backbone(config.backbone, config.weights, config.size, config.backbone_options)
    texts = text_embeddings(backbone.spec.name, sentences(target)) if config.head == "prototypes" else None
    torch.manual_seed(config.seed)
    head = build_head(config.head, backbone.features, len(target.classes), config.projected, texts)
    if config.frozen:
        backbone.requires_grad_(False)
    if config.lora_rank:
        backbone.net = add_lora(backbone.net, config)
    return GraderModel(backbone, head, config.dropout)


def rebuild_model(card: Mapping[str, Any]) -> GraderModel:
    """The grader of a card, without weights."""
    backbone = rebuild_backbone(card["backbone"], card["size"])
    classes = len(card["classes"])
    texts = torch.zeros(classes, backbone.features)
    return GraderModel(backbone, build_head(card["head"], backbone.features, classes, card["projected"], texts))


def sentences(target: Target) -> list[str]:
    """What CLIP's text tower is given for each class."""
    return [f"a fundus photograph showing {name}" for name in target.classes]


def add_lora(net: nn.Module, config: ImageGraderConfig) -> nn.Module:
    """Low-rank adapters on the named linear layers; everything else is frozen. Raises ConfigError where no layer has such a name."""
    with quietly():
        from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, target_modules=list(config.lora_on)
    )
    linear = sorted({name.rpartition(".")[2] for name, part in net.named_modules() if isinstance(part, nn.Linear)})
    if not set(config.lora_on) & set(linear):
        raise ConfigError(f"lora_on names no layer of the backbone; its linear layers are {', '.join(linear)}")
    with quietly():
        return get_peft_model(net, settings)  # type: ignore[arg-type, return-value]


def merged(model: GraderModel) -> GraderModel:
    """The same grader with its adapters, if any, added into the weights."""
    net = model.backbone.net
    if hasattr(net, "merge_and_unload"):
        model.backbone.net = net.merge_and_unload()  # type: ignore[operator]
    return model.requires_grad_(False).eval()


def keep_norms(model: nn.Module) -> None:
    """Put the batch norms into evaluation mode: their statistics stay what they are."""
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
