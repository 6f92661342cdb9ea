"""The settings of the graders that are trained here, each field's docstring being its help."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from retinai.config import Config
from retinai.grading.names import FITTING, HeadName, LossName, TargetName


class ImageGraderConfig(Config):
    """`configs/grader-{efficientnet,vit-lora,clip-coral,image,triage}.yaml`: a backbone with a head, on the photograph itself."""

    grader: Literal["image"] = "image"
    """Which kind of grader this file is for."""
    data: Path
    """Root of the data set."""
    dataset: str = "idrid"
    """Its kind, as in `retinai data check`."""
    output: Path = Path("runs/grader")
    """Where checkpoints, weights and card go; an interrupted run there is resumed."""
    target: TargetName = "grade"
    """What is told: grade (0-4), referable (grade 2 and up), merged (0, 1-2, 3-4) or label (the set's own classes)."""
    classes: tuple[str, ...] = ()
    """For target label: the classes, in the order of the outputs."""
    backbone: str = "torchvision/mobilenet_v2"
    """LIBRARY/NAME: timm/efficientnet_b4, torchvision/mobilenet_v2, transformers/ID or FOLDER, clip/ID or FOLDER."""
    backbone_options: dict[str, Any] = Field(default_factory=dict)
    """Further words for the library's constructor, such as img_size for a ViT of timm."""
    weights: str = "hub"
    """What the backbone starts from: hub (the library's pretrained ones), none, or a safetensors file."""
    size: int = Field(384, ge=32)
    """Side of the square that the backbone sees, px."""
    head: HeadName = "coral"
    """softmax, regression, coral, or prototypes (with a clip backbone)."""
    loss: LossName | None = None
    """The head's own by default; focal goes with softmax."""
    class_weights: bool = False
    """Weigh the loss by 1 / frequency."""
    projected: int = Field(256, ge=2)
    """Width of the prototypes' space."""
    frozen: bool = False
    """Train the head alone."""
    freeze_norms: bool = True
    """Keep the batch norms' statistics: batches are small, and published weights may have them folded in."""
    lora_rank: int = Field(0, ge=0)
    """Rank of LoRA on the backbone; 0 trains it whole."""
    lora_alpha: int = Field(16, ge=1)
    """Its scale is lora_alpha / lora_rank."""
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    """Before the low-rank product."""
    lora_on: tuple[str, ...] = ("q_proj", "v_proj")
    """Names of the linear layers that are adapted."""
    epochs: float = Field(30.0, gt=0)
    """At most so many times as many photographs are drawn as there are."""
    batch: int = Field(15, ge=1)
    """Photographs a step."""
    rate: float = Field(3e-4, gt=0)
    """Highest learning rate of the cosine schedule."""
    backbone_factor: float = Field(0.1, gt=0)
    """The backbone's rate is this times the head's."""
    warm: float = Field(0.1, ge=0, lt=1)
    """Share of the run in which the rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    """Of AdamW."""
    clip: float = Field(1.0, gt=0)
    """Highest norm of the gradients."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Before the head."""
    balance: Literal["sampler", "none"] = "sampler"
    """Draw every class equally often in each batch, or as they come."""
    turn: float = Field(180.0, ge=0, le=180)
    """Training photographs are turned by up to so many degrees, and mirrored."""
    jitter: float = Field(0.15, ge=0, lt=1)
    """Their brightness, contrast and colour vary by this share."""
    patience: int = Field(8, ge=1)
    """Stop after so many epochs without a better score on the tuning photographs."""
    inference: Literal["head", "neighbours"] = "head"
    """Who tells the class: the head, or the nearest training photographs in feature space."""
    neighbours: int = Field(10, ge=1)
    """How many of them."""
    precision: Literal["bf16", "fp16", "no"] = "no"
    """Autocast precision."""
    workers: int = Field(1, ge=0)
    """Processes that read photographs."""
    checkpoint_seconds: float = Field(120.0, ge=0)
    """Seconds between checkpoints."""
    device: str = "auto"
    """auto, cpu or cuda."""
    seed: int = 0
    """Of everything that is drawn."""

    @model_validator(mode="after")
    def _fits(self) -> ImageGraderConfig:
        if self.loss and self.loss not in FITTING[self.head]:
            raise ValueError(f"loss {self.loss} does not fit head {self.head}; it takes {', '.join(FITTING[self.head])}")
        if (self.head == "prototypes") != self.backbone.startswith("clip/"):
            raise ValueError("head prototypes and a backbone clip/... come together")
        if (self.target == "label") != bool(self.classes):
            raise ValueError("target label and a list of classes come together")
        if self.frozen and self.lora_rank:
            raise ValueError("frozen and lora_rank contradict each other")
        return self


class LesionGraderConfig(Config):
    """`configs/grader-lesions.yaml`: regression on what the lesion U-Net finds."""

    grader: Literal["lesions"] = "lesions"
    """Which kind of grader this file is for."""
    data: Path
    """Root of the data set."""
    dataset: str = "idrid"
    """Its kind, as in `retinai data check`."""
    output: Path = Path("runs/grader-lesions")
    """Where weights and card go."""
    cache: Path = Path("runs/lesion-readings")
    """Where each photograph's lesions are kept, by the checksums of its pixels and of the lesion weights."""
    weights: Path | None = None
    """A folder of lesion weights; the bundled ones by default."""
    features: tuple[Literal["lesions", "encoder"], ...] = ("lesions",)
    """lesions: counts, areas, quadrants, distances; encoder: the U-Net's deepest stage, pooled over the photograph."""
    model: Literal["ordinal", "logistic"] = "ordinal"
    """One direction with four thresholds (proportional odds), or one direction a grade (multinomial)."""
    balance: Literal["none", "weights", "smote"] = "none"
    """weights: photographs weigh 1 / frequency of their grade; smote: rare grades are filled up between neighbours (Chawla 2002)."""
    strengths: tuple[float, ...] = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
    """Penalties that are tried; the one with the least log loss out of fold is kept."""
    folds: int = Field(5, ge=2)
    """Parts of the training photographs, of which each is predicted by the others."""
    limit: int | None = Field(None, ge=1)
    """Only so many photographs of each split, spread over it."""
    device: str = "auto"
    """auto, cpu or cuda."""
    seed: int = 0
    """Of the folds."""
