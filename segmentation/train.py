"""Train a lesion U-Net: `retinai train segmentation --config configs/segmentation.yaml [key=value ...]`.

setup -> cache -> fit -> measure norms -> validate. Every step's crops depend on the seed and the step alone, and a checkpoint
holds the model, its average, the optimiser and the step, so a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from torch.utils.tensorboard import SummaryWriter

from retinai.camera.profile import CameraProfile, choose_profiles
from retinai.checkpoint import load_checkpoint, save_checkpoint
from retinai.progress import Progress
from retinai.readers import read
from retinai.readers.folds import Place, graded, outlined, read_folds
from retinai.readers.idrid import read_segmentation
from retinai.readers.record import Record
from retinai.schedule import one_cycle
from segmentation.cache import build_cache, mask_targets
from segmentation.losses import lesion_loss
from segmentation.model import build_model, channels_last, normalise
from segmentation.norms import freeze_norms, measure_norms, quiet_norms, unfold_batch_norms
from segmentation.patches import Patches
from segmentation.selftrain import Mixed, pseudo_targets
from segmentation.settings import SegmentationConfig
from segmentation.validate import validate
from segmentation.weights import blend, load_into, save_weights

CHECKPOINT = "checkpoint.safetensors"


def train(config: SegmentationConfig) -> dict[str, float]:
    """Train, or go on training, and write the averaged weights to `output`. Returns the validation figures."""
    accelerator = Accelerator(mixed_precision=config.precision)
    set_seed(config.seed)
    config.output.mkdir(parents=True, exist_ok=True)
    (config.output / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    model = setup(config)
    crops = training_crops(config, accelerator)
    average = fit(config, model, crops, accelerator)
    if config.norms == "batch":
        _measure(config, average, crops, accelerator)
    if config.initial and config.initial_share:
        blend(average, config.initial, config.initial_share)
    scores = validate(average, validation_records(config), [config.side], config.precision, cameras(config))
    if accelerator.is_main_process:
        save_weights(average, config.output, card(config, scores))
    return scores


def setup(config: SegmentationConfig) -> nn.Module:
    """The model with its first weights."""
    start = None if config.initial else config.encoder_weights
    model = build_model(config.encoder, config.decoder_channels, start)
    if config.initial:
        load_into(model, config.initial)
    return channels_last(model)


def training_crops(config: SegmentationConfig, accelerator: Accelerator) -> Dataset:
    """The endless crops, cut to the length of the run. The first process builds the cache, the others wait."""
    with accelerator.main_process_first():
        first = _patches(config, _cached(config, accelerator), config.zoom, config.focus, accelerator)
        if not config.self_training:
            return first
        second = _patches(config, _pseudo_labelled(config, accelerator), config.graded_zoom, config.graded_focus, accelerator)
    return Mixed(first, second, config.graded_share, config.seed)


def _patches(
    config: SegmentationConfig, files: list[Path], zoom: tuple[float, float], focus: dict[str, float], accelerator: Accelerator
) -> Patches:
    length = config.steps * config.batch * accelerator.num_processes
    pattern = next((profile.pattern for profile in cameras(config)), None)
    return Patches(
        files,
        crop=config.crop,
        side=config.side,
        zoom=zoom,
        focus=focus,
        length=length,
        seed=config.seed,
        marks=config.marks,
        pattern=pattern,
    )


def _cached(config: SegmentationConfig, accelerator: Accelerator) -> list[Path]:
    records = training_records(config)
    folder = (config.cache or config.output) / "cache"
    with Progress("caching photographs", len(records), quiet=not accelerator.is_main_process) as progress:
        return build_cache(records, folder, config.cache_side, mask_targets, progress.to, cameras(config))


def _pseudo_labelled(config: SegmentationConfig, accelerator: Accelerator) -> list[Path]:
    teacher = setup(config.model_copy(update={"initial": config.teacher or config.initial})).to(accelerator.device)
    records, folder = graded_records(config), (config.cache or config.output) / "graded"
    with Progress("labelling photographs", len(records), quiet=not accelerator.is_main_process) as progress:
        targets = pseudo_targets(teacher.eval(), config.precision)
        return build_cache(records, folder, config.graded_side, targets, progress.to, cameras(config))


def training_records(config: SegmentationConfig) -> list[Record]:
    """The outlined photographs that are learnt from."""
    if config.photographs == "split":
        return read_segmentation(config.data, "train")
    return outlined(config.data, _places(config), config.fold if config.photographs == "folds" else None, inside=False)


def validation_records(config: SegmentationConfig) -> list[Record]:
    """The outlined photographs that are not; of a run on all of them the fixed validation ones, which it has seen."""
    if config.photographs == "folds":
        return outlined(config.data, _places(config), config.fold, inside=True)
    return read_segmentation(config.data, "validation")


def graded_records(config: SegmentationConfig) -> list[Record]:
    """The graded photographs that are learnt from, of `graded_grades`."""
    if config.photographs == "split":
        return [record for record in read("idrid", config.data, "train") if record.grade in config.graded_grades]
    fold = config.fold if config.photographs == "folds" else None
    return graded(config.data, _places(config), fold, inside=False, grades=config.graded_grades)


def cameras(config: SegmentationConfig) -> list[CameraProfile]:
    """The profiles whose marks are divided out."""
    return choose_profiles(config.camera)


def _places(config: SegmentationConfig) -> dict[tuple[str, str], Place]:
    return read_folds(config.folds) if config.folds else {}


def fit(config: SegmentationConfig, model: nn.Module, crops: Dataset, accelerator: Accelerator) -> nn.Module:
    """The training loop. Returns the averaged model in evaluation mode."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    model.to(accelerator.device)
    _unfold(config, model, crops, accelerator)
    average = ModelEmaV3(model, decay=config.ema, use_warmup=True)
    parts: dict[str, nn.Module] = {"model": model, "average": average.module}
    path = config.output / CHECKPOINT
    start = load_checkpoint(path, parts, optimizer) if path.exists() else 0
    rest = Subset(crops, range(start * config.batch * accelerator.num_processes, len(crops)))  # type: ignore[arg-type]
    loader = DataLoader(rest, config.batch, num_workers=config.workers, persistent_workers=False)
    wrapped, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    log = SummaryWriter(str(config.output / "log"), purge_step=start) if accelerator.is_main_process else None
    saved = time.monotonic()
    with Progress("training", config.steps, quiet=not accelerator.is_main_process) as progress:
        for step, (images, target) in enumerate(loader, start=start + 1):
            rate = one_cycle(step - 1, config.steps, config.rate)
            loss = train_step(config, wrapped, optimizer, images, target, rate, accelerator)
            average.update(accelerator.unwrap_model(wrapped), step=step)
            if log is None:
                continue
            log.add_scalar("loss", loss, step)
            progress.to(step, f"loss {loss:.3f}")
            if config.validate_every and step % config.validate_every == 0 and step < config.steps:
                _watch(config, average.module, log, step)
            if time.monotonic() - saved > config.checkpoint_seconds or step == config.steps:
                save_checkpoint(path, step, parts, optimizer)
                saved = time.monotonic()
    accelerator.wait_for_everyone()
    return average.module.eval()


def train_step(
    config: SegmentationConfig,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    target: Tensor,
    rate: float,
    accelerator: Accelerator,
) -> float:
    """One optimiser step on (N, H, W, 3) uint8 images and (N, H, W, C) float32 targets; returns the loss."""
    model.train()
    if config.norms == "frozen":
        freeze_norms(model)
    for group in optimizer.param_groups:
        group["lr"] = rate
    with accelerator.autocast():
        logits = model(normalise(images).contiguous(memory_format=torch.channels_last))
    loss = lesion_loss(logits.float(), target.permute(0, 3, 1, 2), config.bce, config.dice)
    optimizer.zero_grad()
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _unfold(config: SegmentationConfig, model: nn.Module, crops: Dataset, accelerator: Accelerator) -> None:
    """Measure folded batch norms of a fresh encoder on the first crops."""
    images = torch.stack([torch.from_numpy(crops[i][0]) for i in range(min(8, len(crops)))])  # type: ignore[arg-type]
    unfold_batch_norms(model.encoder, normalise(images.to(accelerator.device)))  # type: ignore[arg-type]


def _measure(config: SegmentationConfig, average: nn.Module, crops: Dataset, accelerator: Accelerator) -> None:
    """The norms' statistics of the averaged weights, on the run's first crops; constant channels are quietened."""
    loader = DataLoader(Subset(crops, range(min(config.norm_crops, len(crops)))), 2 * config.batch)  # type: ignore[arg-type]
    with accelerator.autocast():
        measure_norms(average, (normalise(images.to(accelerator.device)) for images, _ in loader))
    quiet_norms(average)


def _watch(config: SegmentationConfig, average: nn.Module, log: SummaryWriter, step: int) -> None:
    scores = validate(average.eval(), validation_records(config), [config.side], config.precision, cameras(config))
    for name, score in scores.items():
        log.add_scalar(f"aupr_exact_1440/{name}", score, step)
    print(f"step {step}: validation AUPR " + " ".join(f"{k} {v:.3f}" for k, v in scores.items()), flush=True)


def card(config: SegmentationConfig, scores: dict[str, float]) -> dict[str, object]:
    """What a reader of the weights must know; `retinai evaluate segmentation` adds thresholds and figures."""
    return {
        "encoder": config.encoder,
        "decoder_channels": list(config.decoder_channels),
        "sides": [config.side],
        "recipe": config.model_dump(mode="json", exclude={"data", "output", "initial", "teacher", "cache", "folds"}),
        "validation_aupr_exact_1440": scores,
    }
