"""The settings of a lesion U-Net and its training, each field's docstring being its help."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from retinai.config import Config


class SegmentationConfig(Config):
    """`configs/segmentation.yaml`. Sides are pixels of the square that the field of view is fitted into."""

    data: Path
    """Root of the IDRiD download (the folder with `A. Segmentation`)."""
    photographs: Literal["split", "folds", "all"] = "split"
    """Outlined photographs to train on: 'split' leaves out the fixed validation ones; 'folds' those of `fold`; 'all' none."""
    folds: Path | None = None
    """The table of folds (configs/idrid-folds.csv); needed by photographs=folds."""
    fold: int = Field(0, ge=0)
    """The fold that is left out, and validated on."""
    camera: str = "auto"
    """Marks of the camera that are divided out: 'auto' for the bundled profiles, 'none', or a profile's file."""
    marks: float = Field(0.0, ge=0, le=1)
    """How often a crop gets marks of a camera, at random places, in healthy and ill eyes alike."""
    output: Path = Path("runs/segmentation")
    """Where checkpoints, logs and weights go; an interrupted run there is resumed."""
    encoder: str = "mobilenet_v2"
    """Any smp encoder; `tu-NAME` for any timm model."""
    encoder_weights: str | None = "imagenet"
    """'imagenet' from the hub, a local safetensors file, or null for none."""
    initial: Path | None = None
    """Weights of an earlier lesion U-Net to start from, instead of encoder weights."""
    decoder_channels: tuple[int, ...] = (128, 64, 48, 32, 16)
    """Widths of the decoder, deepest first."""
    cache: Path | None = None
    """Where photographs are cached; `output` where null. Runs on the same photographs can share it."""
    cache_side: int = Field(2048, ge=64)
    """Photographs are cached once at this side; crops are cut from there."""
    side: int = Field(1536, ge=64)
    """The working scale that zoom 1 stands for."""
    zoom: tuple[float, float] = (0.7, 1.35)
    """Crops are taken at scales between these, log-uniformly."""
    crop: int = Field(512, ge=32, multiple_of=32)
    """Side of a training crop, px."""
    batch: int = Field(3, ge=1)
    """Crops a step and process."""
    steps: int = Field(3000, ge=1)
    """Optimiser steps."""
    rate: float = Field(1e-3, gt=0)
    """Highest learning rate of the one-cycle schedule."""
    weight_decay: float = Field(1e-2, ge=0)
    """Of AdamW."""
    focus: dict[str, float] = Field(default={"MA": 0.2, "HE": 0.25, "EX": 0.15, "SE": 0.2, "OD": 0.05, "anywhere": 0.15})
    """How often a crop is centred on each class."""
    bce: float = Field(3.0, ge=0)
    """Weight of the binary cross-entropy."""
    dice: float = Field(1.0, ge=0)
    """Weight of the soft Dice loss over the batch."""
    ema: float = Field(0.998, ge=0, lt=1)
    """Decay of the averaged weights; 0 for none."""
    norms: Literal["batch", "frozen"] = "batch"
    """batch: normalise by the batch, and measure the averaged weights' statistics at the end; frozen: keep those of `initial`."""
    norm_crops: int = Field(600, ge=1)
    """Crops that the statistics are measured on."""
    initial_share: float = Field(0.0, ge=0, lt=1)
    """Share of `initial` in the weights at the end; needs frozen norms. See `segmentation.weights.blend`."""
    self_training: bool = False
    """Learn from the grading photographs too (training split of `B. Disease Grading`), labelled by `initial`."""
    teacher: Path | None = None
    """Weights that label the graded photographs; `initial` where null."""
    graded_grades: tuple[int, ...] = (0, 1, 2, 3, 4)
    """The grades that are learnt from. (0,) is hard negatives alone: nothing of the teacher stays but the optic disc."""
    graded_share: float = Field(0.4, ge=0, le=1)
    """Share of crops taken from them."""
    graded_side: int = Field(1536, ge=64)
    """Their cache side; the published copies at hand are smaller than the segmentation photographs."""
    graded_zoom: tuple[float, float] = (0.7, 1.0)
    """Their scales; beyond their own size they would only be blurred."""
    graded_focus: dict[str, float] = Field(default={"MA": 0.15, "HE": 0.2, "EX": 0.1, "SE": 0.15, "anywhere": 0.4})
    """How often a crop of them is centred on each class; 'anywhere' is where healthy retina is learnt, 'alarm' where the teacher
    was wrong."""
    validate_every: int = Field(500, ge=0)
    """Steps between validations; 0 for only the last."""
    checkpoint_seconds: float = Field(120.0, ge=0)
    """Seconds between checkpoints."""
    workers: int = Field(1, ge=0)
    """Processes that cut crops."""
    processes: int = Field(0, ge=0)
    """Training processes; 0 for one per GPU, or one on a CPU."""
    precision: str = Field("bf16", pattern="^(bf16|fp16|no)$")
    """Autocast precision."""
    seed: int = 0
    """Of everything that is drawn."""

    @model_validator(mode="after")
    def _earlier(self) -> SegmentationConfig:
        if self.self_training and self.initial is None and self.teacher is None:
            raise ValueError("self_training needs teacher or initial, the weights that label the photographs")
        if self.photographs == "folds" and self.folds is None:
            raise ValueError("photographs=folds needs folds, the table of folds")
        if self.initial_share and self.norms != "frozen":
            raise ValueError("initial_share needs norms=frozen: statistics of other weights do not fit the blend")
        if self.norms == "frozen" and self.initial is None:
            raise ValueError("frozen norms need initial, the weights whose statistics are kept")
        return self
