"""The settings of a LLaVA and its training, each field's docstring being its help."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from retinai.config import Config

View = Literal["plain", "mirrored", "upturned", "turned"]
"""A photograph as it is, left and right exchanged, top and bottom exchanged, or both."""


class NanoConfig(Config):
    """A small LLaVA made from nothing but a lesion U-Net."""

    unet: Path
    """The lesion U-Net's weights, which become the frozen vision tower."""
    image_size: int = Field(1152, ge=96)
    """Side of the square that the tower sees, px; a multiple of 32 and of tokens_per_side."""
    tokens_per_side: int = Field(24, ge=1)
    """Cells along a side: 24 make 576 image tokens, as many as LLaVA-1.5 has."""
    projected: int = Field(64, ge=1)
    """Principal components kept of the deepest encoder stage."""
    projection_photographs: int = Field(48, ge=1)
    """Training photographs that the components are computed on."""
    vocabulary: int = Field(640, ge=300)
    """Tokens of its tokenizer, trained on the grammar's sentences."""
    hidden: int = Field(192, ge=8)
    """Width of the language model."""
    layers: int = Field(3, ge=1)
    """Its depth."""
    heads: int = Field(3, ge=1)
    """Its attention heads."""


class VlmConfig(Config):
    """`configs/vlm-*.yaml`."""

    data: Path
    """The conversations: a JSONL file of `retinai data prepare`."""
    output: Path = Path("runs/vlm")
    """Where checkpoints, logs and the adapter or model go; an interrupted run there is resumed."""
    model: str = "llava-hf/llava-1.5-7b-hf"
    """A LLaVA-1.5-style model: a hub id or a folder. Not used with `nano`."""
    nano: NanoConfig | None = None
    """Make a small LLaVA instead and train its projector and language model whole."""
    adapter: Path | None = None
    """A LoRA adapter of an earlier phase to go on from."""
    load_4bit: Literal["auto"] | bool = "auto"
    """Quantise the language model to nf4 with double quantisation; auto: on a GPU."""
    lora_rank: int = Field(16, ge=1)
    """Rank of LoRA."""
    lora_alpha: int = Field(32, ge=1)
    """Its scale is lora_alpha / lora_rank."""
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    """Before the low-rank product."""
    lora_on: tuple[Literal["language_model", "multi_modal_projector", "vision_tower"], ...] = ("language_model",)
    """Whose linear layers are adapted."""
    epochs: float = Field(1.0, gt=0)
    """Times that as many photographs are drawn as there are."""
    batch: int = Field(1, ge=1)
    """Photographs a step and process."""
    accumulation: int = Field(16, ge=1)
    """Steps whose gradients are summed for one optimiser step."""
    rate: float = Field(2e-5, gt=0)
    """Highest learning rate of the one-cycle schedule."""
    warm: float = Field(0.03, ge=0, lt=1)
    """Share of the run in which it rises."""
    weight_decay: float = Field(0.0, ge=0)
    """Of AdamW."""
    optimizer: Literal["adamw8bit", "adamw"] = "adamw8bit"
    """With moments of 8 or 32 bits."""
    gradient_checkpointing: bool = True
    """Compute activations twice and keep them once."""
    balance: Literal["sampler", "loss", "none"] = "sampler"
    """Against rare grades: draw every grade equally often, weigh the loss by 1/frequency, or nothing."""
    grade_weight: float = Field(1.0, ge=0)
    """Weight of the grade token's loss against one other token's."""
    views: tuple[View, ...] = ("plain", "mirrored")
    """How photographs are turned in training; the words follow."""
    jitter: float = Field(0.1, ge=0, lt=1)
    """Brightness and contrast of training photographs vary by this share; 0 where tokens are computed once."""
    token_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of image tokens set to zero in training; needs `nano`."""
    ungradable: int = Field(0, ge=0)
    """How many drawn pictures that are no photographs are learned as ungradable."""
    pictures: bool = True
    """Show the photographs. Without, a twin that knows only the prompt, to measure what looking is worth."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of the averaged weights; 0 for none."""
    checkpoint_seconds: float = Field(300.0, ge=0)
    """Seconds between checkpoints."""
    workers: int = Field(1, ge=0)
    """Processes that read photographs."""
    processes: int = Field(0, ge=0)
    """Training processes; 0 for one per GPU, or one on a CPU."""
    precision: Literal["bf16", "fp16", "no"] = "bf16"
    """Autocast precision."""
    seed: int = 0
    """Of everything that is drawn."""
