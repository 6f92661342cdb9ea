"""Train an image grader: `retinai train grader --config configs/grader-image.yaml [key=value ...]`.

samples -> squares -> fit -> tune -> save. Of the training photographs a fifth, the tuning part, is never trained on: it
stops the run early and fits temperature, cuts, sets and review threshold. The validation photographs are only measured.
Every step's samples depend on the seed and the step alone, and a checkpoint holds the model, the best one so far, the
optimiser and the step, so a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from retinai.checkpoint import load_checkpoint, save_checkpoint
from retinai.errors import DataError
from retinai.grading.data import Drawn, Plain, Squares, balanced_order, plain_order
from retinai.grading.finish import finish, measure, tensors_of
from retinai.grading.losses import LOSSES, class_weights
from retinai.grading.model import GraderModel, build_model, keep_norms, merged
from retinai.grading.names import FITTING, Target, target_of, with_levels
from retinai.grading.settings import ImageGraderConfig
from retinai.grading.shortcuts import collapse
from retinai.grading.tune import quadratic_kappa
from retinai.grading.weights import save_grader
from retinai.progress import Progress
from retinai.readers import load
from retinai.readers.record import Record
from retinai.readers.splits import hold_out
from retinai.schedule import one_cycle

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class Part:
    """Photographs and their classes."""

    records: Sequence[Record]
    levels: Sequence[int]


class Stopping(nn.Module):
    """The best score so far and for how many epochs it has stood; buffers, so that a checkpoint keeps them."""

    best: Tensor
    since: Tensor

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.register_buffer("best", torch.tensor(-math.inf, dtype=torch.float64))
        self.register_buffer("since", torch.tensor(0.0))

    def better(self, score: float) -> bool:
        """Take in the score of one epoch; whether it is the best so far."""
        found = score > float(self.best)
        self.best.fill_(max(score, float(self.best)))
        self.since.fill_(0.0 if found else float(self.since) + 1)
        return found

    @property
    def over(self) -> bool:
        return float(self.since) >= self.patience


def train(config: ImageGraderConfig) -> dict[str, Any]:
    """Train, or go on training, and write `grader.safetensors` and `card.json` to `output`. Returns the card."""
    accelerator = Accelerator(mixed_precision=config.precision, cpu=config.device == "cpu")
    set_seed(config.seed)
    config.output.mkdir(parents=True, exist_ok=True)
    (config.output / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    target = target_of(config.target, config.classes)
    parts = samples(config, target)
    squares = Squares(config.output / "squares", config.size)
    everything = [record for part in parts.values() for record in part.records]
    with Progress("cutting photographs", len(everything)) as progress:
        squares.fill(everything, progress.to)
    model = build_model(config)
    alarms = fit(config, target, model, parts, squares, accelerator)
    model = rounded(merged(model))
    plain = {name: Plain(part.records, part.levels, squares) for name, part in parts.items()}
    card, bank = finish(config, target, model, plain, accelerator.device)
    card["alarms"] = alarms + card["alarms"]
    return save_grader(config.output, tensors_of(model) | bank, card)


def samples(config: ImageGraderConfig, target: Target) -> dict[str, Part]:
    """'train', 'tuning' (a fifth of the training photographs, by the readers' own rule) and 'validation'."""
    records = load(config.dataset, config.data).records
    split = hold_out([record for record in records if record.split == "train"])
    chosen = {
        "train": [record for record in split if record.split == "train"],
        "tuning": [record for record in split if record.split == "validation"],
        "validation": [record for record in records if record.split == "validation"],
    }
    parts = {name: Part(*with_levels(found, target)) for name, found in chosen.items()}
    if len(set(parts["train"].levels)) < 2:
        raise DataError(f"all training photographs of {config.data} are of one class")
    return parts


def fit(
    config: ImageGraderConfig, target: Target, model: GraderModel, parts: dict[str, Part], squares: Squares, accelerator: Accelerator
) -> list[str]:
    """The training loop. Leaves the best weights in the model; returns the alarms in plain lines."""
    train, tuning = parts["train"], Plain(parts["tuning"].records, parts["tuning"].levels, squares)
    epoch = max(1, math.ceil(len(train.levels) / config.batch))
    steps = max(1, math.ceil(config.epochs * len(train.levels) / config.batch))
    balanced = config.balance == "sampler"
    order = (balanced_order if balanced else plain_order)(train.levels, config.batch, steps, config.seed)
    drawn = Drawn(train.records, train.levels, squares, order, config.turn, config.jitter, config.seed)
    weights = class_weights(train.levels, len(target.classes)).to(accelerator.device) if config.class_weights else None
    optimizer, factors = build_optimizer(config, model)
    model.to(accelerator.device)
    best, stopping, path = copy.deepcopy(model), Stopping(config.patience), config.output / CHECKPOINT
    kept: dict[str, nn.Module] = {"model": model, "best": best, "stopping": stopping}
    start = load_checkpoint(path, kept, optimizer) if path.exists() else 0
    loader = DataLoader(Subset(drawn, range(start * config.batch, len(drawn))), config.batch, num_workers=config.workers)
    wrapped, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    alarms: list[str] = []
    saved = time.monotonic()
    with Progress("training", steps) as progress:
        for step, (images, levels) in enumerate(loader, start=start + 1):
            if stopping.over:
                break
            torch.manual_seed(config.seed * 1_000_003 + step)  # of the dropout, so that a resumed run drops alike
            rate = one_cycle(step - 1, steps, config.rate, config.warm)
            for group, factor in zip(optimizer.param_groups, factors, strict=True):
                group["lr"] = rate * factor
            loss = train_step(config, wrapped, model, optimizer, images, levels, weights, accelerator)
            progress.to(step, f"loss {loss:.3f} best {float(stopping.best):.3f}")
            if step % epoch == 0 or step == steps:
                logits, truth = measure(model, tuning, accelerator.device)
                alarm = collapse(logits.argmax(1), truth, target.classes)
                if alarm:
                    alarms = [f"step {step}: {alarm}"]
                    print(f"retinai: warning: {alarms[0]}", file=sys.stderr, flush=True)
                if stopping.better(score(logits, truth, target)):
                    best.load_state_dict(model.state_dict())
            if time.monotonic() - saved > config.checkpoint_seconds or step == steps or stopping.over:
                save_checkpoint(path, step, kept, optimizer)
                saved = time.monotonic()
    accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)  # measured and used without autocast
    model.load_state_dict(best.state_dict())
    return alarms


def train_step(
    config: ImageGraderConfig, wrapped: nn.Module, model: GraderModel, optimizer: Any, images: Tensor, levels: Tensor,
    weights: Tensor | None, accelerator: Accelerator,
) -> float:  # fmt: skip
    """One optimiser step on (N, S, S, 3) uint8 photographs; returns the loss."""
    wrapped.train()
    if config.frozen:
        model.backbone.eval()
    if config.freeze_norms:
        keep_norms(model)
    with accelerator.autocast():
        outputs = wrapped(images.permute(0, 3, 1, 2).float())
    loss = LOSSES[config.loss or FITTING[config.head][0]](outputs.float(), levels, weights)
    optimizer.zero_grad()
    accelerator.backward(loss)
    accelerator.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], config.clip)
    optimizer.step()
    return loss.item()


def build_optimizer(config: ImageGraderConfig, model: GraderModel) -> tuple[torch.optim.Optimizer, list[float]]:
    """AdamW over what is trained, and each group's factor of the rate: a fresh head and adapters learn faster than a backbone."""
    fresh = [p for p in model.head.parameters() if p.requires_grad]
    inner = [p for p in model.backbone.parameters() if p.requires_grad]
    groups = [{"params": fresh}] + ([{"params": inner}] if inner else [])
    factors = [1.0] + ([1.0 if config.lora_rank else config.backbone_factor] if inner else [])
    return torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.weight_decay), factors


def score(logits: NDArray[np.float64], truth: NDArray[np.int64], target: Target) -> float:
    """By which the best epoch is chosen: quadratic kappa of a scale, else the mean recall of the classes; ties by the log loss."""
    given = logits.argmax(1)
    if target.ordered:
        main = quadratic_kappa(truth, given)
    else:
        main = float(np.mean([(given[truth == level] == level).mean() for level in np.unique(truth)]))
    shifted = logits - logits.max(1, keepdims=True)
    loss = float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(truth)), truth]).mean())
    return main - 1e-3 * min(loss, 100.0)


def rounded(model: GraderModel) -> GraderModel:
    """The model as it will be read back: its weights rounded to fp16, so that everything fitted below fits them."""
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    return model
