"""Train a LLaVA: `retinai train vlm --config configs/vlm-nano.yaml [key=value ...]`.

setup -> samples -> fit -> calibrate -> save. LLaVA-1.5-7B gets LoRA on 4-bit weights, the small LLaVA trains its
projector and language model whole. Every step's samples depend on the seed and the step alone, and a checkpoint holds
what is trained, its average, the optimiser and the step, so a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torch.utils.tensorboard import SummaryWriter

from retinai.checkpoint import load_checkpoint, save_checkpoint
from retinai.progress import Progress
from retinai.schedule import one_cycle
from vlm.cache import TokenCache, dropped
from vlm.calibrate import prior_bias
from vlm.data import Chats, Conversation, PictureOf, drawn_conversations, read_chat, validation_split
from vlm.encode import IGNORED
from vlm.generate import Vlm
from vlm.model import Loaded, load, load_adapter, mend_4bit, new_adapter, prepare_training
from vlm.nano import build_nano
from vlm.picture import Lens, jittered, turn
from vlm.save import save
from vlm.settings import NanoConfig, View, VlmConfig
from vlm.tower import LesionTower
from vlm.validate import read_grades

CHECKPOINT = "checkpoint.safetensors"


def train(config: VlmConfig) -> dict[str, Any]:
    """Train, or go on training, and write the adapter or the model with its card to `output`. Returns the card."""
    accelerator = Accelerator(
        mixed_precision=config.precision,
        gradient_accumulation_steps=config.accumulation,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=has_idle_parts(config))],
    )
    set_seed(config.seed)
    config.output.mkdir(parents=True, exist_ok=True)
    (config.output / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    conversations = read_chat(config.data)
    training = [each for each in conversations if each.split == "train"] + drawn_conversations(config.ungradable)
    held_out = validation_split(conversations)
    loaded = setup(config, accelerator)
    picture_of = pictures(config, loaded, training, held_out, accelerator)
    fit(config, loaded, training, picture_of, accelerator)
    if not accelerator.is_main_process:
        return {}
    readings = read_grades(Vlm(loaded, "training"), held_out, picture_of) if held_out else None
    grades = [each.report.grade for each in training if each.report.grade is not None]
    return save(config, loaded, readings, prior_bias(grades, config.balance != "none"))


def setup(config: VlmConfig, accelerator: Accelerator) -> Loaded:
    """The model with its first weights, the trained ones requiring gradients."""
    if config.nano:
        model, tokenizer = build_nano(config.nano)
        return Loaded(model.to(accelerator.device), tokenizer, Lens(config.nano.image_size), config.pictures)
    device = f"cuda:{accelerator.local_process_index}" if accelerator.device.type == "cuda" else "cpu"
    loaded = load(config.model, load_4bit=config.load_4bit, device=device)
    model = prepare_training(loaded.model, config.gradient_checkpointing)
    model = load_adapter(model, config.adapter, trainable=True) if config.adapter else new_adapter(model, config)
    mend_4bit(model)
    return Loaded(model, loaded.tokenizer, loaded.lens, config.pictures)


def has_idle_parts(config: VlmConfig) -> bool:
    """Whether some trained weights get no gradient: CLIP's last layer is not looked at, nor anything by a model without eyes."""
    return not config.pictures or "vision_tower" in config.lora_on


def pictures(
    config: VlmConfig, loaded: Loaded, training: Sequence[Conversation], held_out: Sequence[Conversation], accelerator: Accelerator
) -> PictureOf | None:
    """What gives the tower's input of a conversation: pixels, or for a frozen tower the tokens computed before."""
    if not config.pictures:
        return None
    if config.nano is None:
        return partial(_pixels, loaded.lens, config.jitter)
    with accelerator.main_process_first():
        cache = _cache(config, config.nano, loaded, training, held_out, quiet=not accelerator.is_main_process)
    return partial(_tokens, cache, config.token_dropout)


def _cache(
    config: VlmConfig, nano: NanoConfig, loaded: Loaded, training: Sequence[Conversation], held_out: Sequence[Conversation], quiet: bool
) -> TokenCache:
    tower = loaded.llava.model.vision_tower
    assert isinstance(tower, LesionTower)
    cache = TokenCache(config.output / "cache", tower, loaded.lens, nano)
    cache.fit_tower(training)
    with Progress("looking at photographs", len(training) + len(held_out), quiet) as progress:
        cache.fill(training, config.views, progress.to)
        cache.fill(held_out, ("plain",), lambda done: progress.to(len(training) + done))
    return cache


def _pixels(lens: Lens, jitter: float, conversation: Conversation, view: View, rng: np.random.Generator | None) -> Tensor:
    image = turn(conversation.open(), view)
    return lens.pixel_values(image if rng is None else jittered(image, jitter, rng))


def _tokens(cache: TokenCache, dropout: float, conversation: Conversation, view: View, rng: np.random.Generator | None) -> Tensor:
    tokens = cache.read(conversation, view)
    return tokens if rng is None else dropped(tokens, dropout, rng)


def fit(
    config: VlmConfig, loaded: Loaded, training: Sequence[Conversation], picture_of: PictureOf | None, accelerator: Accelerator
) -> None:
    """The training loop. Leaves the (averaged) trained weights in the model."""
    trained = nn.ParameterList([p for p in loaded.model.parameters() if p.requires_grad])
    optimizer = build_optimizer(config, trained)
    average = ModelEmaV3(trained, decay=config.ema, use_warmup=True)
    parts: dict[str, nn.Module] = {"trained": trained, "average": average.module}
    path = config.output / CHECKPOINT
    steps, per_step = run_length(config, len(training), accelerator.num_processes)
    start = load_checkpoint(path, parts, optimizer) if path.exists() else 0
    samples = Chats(training, picture_of, config.views, config.balance, steps * per_step, config.seed)
    loader = DataLoader(
        Subset(samples, range(start * per_step, len(samples))),
        config.batch,
        num_workers=config.workers,
        collate_fn=partial(loaded.encoder.batch, grade_weight=config.grade_weight),
    )
    model, optimizer, loader = accelerator.prepare(loaded.model, optimizer, loader)
    log = SummaryWriter(str(config.output / "log"), purge_step=start) if accelerator.is_main_process else None
    saved, step, losses = time.monotonic(), start, []
    model.train()
    with Progress("training", steps, quiet=not accelerator.is_main_process) as progress:
        for number, batch in enumerate(loader, start=start * config.accumulation):
            torch.manual_seed(_dropout_seed(config.seed, number, accelerator.process_index))
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(step, steps, config.rate, config.warm)
            losses.append(micro_step(model, optimizer, trained, batch, accelerator))
            if not accelerator.sync_gradients:
                continue
            step += 1
            average.update(trained, step=step)
            if log is None:
                continue
            log.add_scalar("loss", np.mean(losses), step)
            progress.to(step, f"loss {np.mean(losses):.3f}")
            losses = []
            if time.monotonic() - saved > config.checkpoint_seconds or step == steps:
                save_checkpoint(path, step, parts, optimizer)
                saved = time.monotonic()
    accelerator.wait_for_everyone()
    trained.load_state_dict(average.module.state_dict())


def _dropout_seed(seed: int, number: int, process: int) -> int:
    """So that a resumed run drops what the whole one would have. number: of the batch."""
    return (seed * 1_000_003 + number) * 1_009 + process


def micro_step(model: nn.Module, optimizer: Any, trained: nn.ParameterList, batch: dict[str, Tensor], accelerator: Accelerator) -> float:
    """Forward and backward of one batch, and the optimiser's step when the gradients of a whole one are in."""
    with accelerator.accumulate(model):
        with accelerator.autocast():
            loss = answer_loss(model, batch)
        accelerator.backward(loss)
        if accelerator.sync_gradients:
            accelerator.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def answer_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The weighted mean cross-entropy of the assistant's tokens; nothing else counts."""
    inputs = {name: batch[name] for name in ("input_ids", "pixel_values") if name in batch}
    labels, weights = batch["labels"][:, 1:], batch["weights"][:, 1:]
    counted = int((labels != IGNORED).any(0).nonzero()[0])
    logits = model(**inputs, logits_to_keep=labels.shape[1] - counted + 1).logits[:, :-1]
    labels, weights = labels[:, counted:], weights[:, counted:]
    losses = F.cross_entropy(logits.float().transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)
    return (losses * weights).sum() / weights.sum()


def build_optimizer(config: VlmConfig, trained: nn.ParameterList) -> torch.optim.Optimizer:
    """AdamW with moments of 8 or 32 bits."""
    if config.optimizer == "adamw":
        return torch.optim.AdamW(trained.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    from bitsandbytes.optim import AdamW8bit

    return AdamW8bit(trained.parameters(), lr=config.rate, weight_decay=config.weight_decay)


def run_length(config: VlmConfig, photographs: int, processes: int) -> tuple[int, int]:
    """(optimiser steps of the run, samples of one step over all processes)."""
    per_step = config.batch * config.accumulation * processes
    return math.ceil(config.epochs * photographs / per_step), per_step
