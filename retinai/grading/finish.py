"""What is done once an image grader is trained: temperature, cuts, sets, review threshold, figures, alarms, card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from retinai.conformal import coverage, fit_conformal
from retinai.grading.calibration import expected_calibration_error
from retinai.grading.data import Plain
from retinai.grading.knn import Bank
from retinai.grading.model import GraderModel
from retinai.grading.names import Target
from retinai.grading.review import area_under_risk, review_threshold
from retinai.grading.settings import ImageGraderConfig
from retinai.grading.shortcuts import by_group, collapse, shortcut_alarms, within_sources
from retinai.grading.tune import fit_temperature, levels_of, quadratic_kappa, softmax, tune_cuts

_BATCH = 8
Logits = tuple[NDArray[np.float64], NDArray[np.int64]]


@torch.no_grad()
def measure(model: GraderModel, photographs: Plain, device: torch.device) -> Logits:
    """(N, K) logits and (N,) true classes."""
    model.eval()
    logits, levels = [], []
    for images, truth in DataLoader(photographs, _BATCH):
        logits.append(model.logits(images.permute(0, 3, 1, 2).float().to(device)).double().cpu().numpy())
        levels.append(truth.numpy())
    return np.concatenate(logits), np.concatenate(levels)


@torch.no_grad()
def features(model: GraderModel, photographs: Plain, device: torch.device) -> NDArray[np.float32]:
    """(N, D) unit vectors in the neighbours' space."""
    model.eval()
    return np.concatenate(
        [model.embed(images.permute(0, 3, 1, 2).float().to(device)).cpu().numpy() for images, _ in DataLoader(photographs, _BATCH)]
    )


def tensors_of(model: GraderModel) -> dict[str, NDArray[Any]]:
    """The state as arrays, floating point as fp16."""
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {name: (t.half() if t.is_floating_point() else t).cpu().numpy() for name, t in state.items()}


def finish(
    config: ImageGraderConfig, target: Target, model: GraderModel, parts: Mapping[str, Plain], device: torch.device
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """(card, tensors of the feature bank): everything fitted on the tuning part, figures on the validation part."""
    bank = None
    if config.inference == "neighbours":
        bank = Bank(features(model, parts["train"], device).astype(np.float16), np.array(parts["train"].levels, np.int64))
    read = {name: _read(config, model, parts[name], bank, target, device) for name in ("tuning", "validation")}
    fitted = fit_decisions(*read["tuning"], target)
    card = {
        "kind": "image", "target": target.name, "classes": list(target.classes), "ordered": target.ordered,
        "backbone": model.backbone.spec.values(), "head": config.head, "projected": config.projected, "size": config.size,
        "inference": config.inference, "neighbours": config.neighbours,
        "trained_on": {"dataset": config.dataset, "photographs": {name: len(part) for name, part in parts.items()}},
        "recipe": config.model_dump(mode="json", exclude={"data", "output"}) | {"weights": Path(config.weights).name},
    }  # fmt: skip
    validation, alarms = judge(*read["validation"], fitted, target, parts["validation"])
    tensors = {} if bank is None else {"bank.features": bank.features, "bank.levels": bank.levels}
    return card | fitted | {"validation": validation, "alarms": alarms}, tensors


def _read(config: ImageGraderConfig, model: GraderModel, part: Plain, bank: Bank | None, target: Target, device: torch.device) -> Logits:
    logits, levels = measure(model, part, device)
    if bank is not None:
        logits = bank.logits(features(model, part, device), config.neighbours, len(target.classes))
    return logits, levels


def fit_decisions(logits: NDArray[np.float64], levels: NDArray[np.int64], target: Target) -> dict[str, Any]:
    """Temperature, cuts, conformal threshold and review threshold, from photographs that were not trained on."""
    temperature = fit_temperature(logits, levels)
    probs = softmax(logits, temperature)
    cuts = tune_cuts(probs, levels) if target.ordered else None
    given = levels_of(probs, cuts)
    conformal = fit_conformal(probs, levels) if target.name == "grade" else None
    review = review_threshold(probs[np.arange(len(given)), given], given == levels)
    return {
        "temperature": temperature,
        "cuts": cuts,
        "conformal": asdict(conformal) if conformal else None,
        "review": asdict(review),
    }


def judge(
    logits: NDArray[np.float64], levels: NDArray[np.int64], fitted: Mapping[str, Any], target: Target, part: Plain
) -> tuple[dict[str, Any], list[str]]:
    """(figures, alarms) on photographs that nothing was fitted on."""
    probs = softmax(logits, fitted["temperature"])
    given = levels_of(probs, fitted["cuts"])
    figures: dict[str, Any] = headline(probs, given, levels, target) | {"groups": by_group(part.records, levels, given, target.classes)}
    figures["within_sources"] = {} if target.ordered else within_sources(part.records, levels, probs, target.classes)
    figures["held_by_sets"] = coverage(probs, levels) if target.name == "grade" else None
    alarm = collapse(given, levels, target.classes)
    alarms = [f"validation: {alarm}"] if alarm else []
    return figures, alarms + shortcut_alarms(figures["groups"], figures["majority"])


def headline(probs: NDArray[np.float64], given: NDArray[np.integer], levels: NDArray[np.int64], target: Target) -> dict[str, Any]:
    """Accuracy, its null, kappa of a scale, mean recall, calibration error and AURC."""
    confidence, right = probs[np.arange(len(given)), given], given == levels
    return {
        "photographs": len(levels),
        "accuracy": float(right.mean()),
        "majority": float(np.bincount(levels).max() / len(levels)),
        "kappa": quadratic_kappa(levels, given) if target.ordered else None,
        "mean_recall": float(np.mean([right[levels == level].mean() for level in np.unique(levels)])),
        "ece": expected_calibration_error(confidence, right),
        "aurc": area_under_risk(confidence, right),
    }
