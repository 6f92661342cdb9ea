"""What training leaves: an adapter or a whole small model, its temperature, and a card of what it is and can do."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from retinai.artifacts import share, sums_of, write_card
from retinai.checkpoint import compact
from retinai.conformal import coverage
from retinai.files import sha256_of
from vlm.calibrate import Calibration, fit_temperature, with_sets
from vlm.model import Loaded
from vlm.nano import build_processor
from vlm.settings import VlmConfig
from vlm.validate import Readings, figures

MODEL = "model"
"""The folder below `output` with what was trained."""


def save(config: VlmConfig, loaded: Loaded, readings: Readings | None, bias: tuple[float, ...]) -> dict[str, Any]:
    """Write it all to `output/model` and return the card.

    readings: of the validation photographs, where there are any; bias: of the grades (see `calibrate.prior_bias`).
    """
    folder = config.output / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    weights = _save_small(config, loaded, folder) if config.nano else _save_adapter(loaded, folder)
    calibration = calibrated(readings, bias) if readings else Calibration(bias)
    calibration.save(folder)
    card = describe(config, readings, calibration) | {
        "calibration": asdict(calibration),
        "sha256": sha256_of(weights),
    }
    share(folder)
    write_card(folder, card | {"files": sums_of(folder)})
    return card


def calibrated(readings: Readings, bias: tuple[float, ...]) -> Calibration:
    """Temperature and conformal threshold from the validation answers."""
    return with_sets(fit_temperature(readings.logits, readings.levels, bias), readings.logits, readings.levels)


def describe(config: VlmConfig, readings: Readings | None, calibration: Calibration) -> dict[str, Any]:
    """The card without what is only known of the files. 'validation': figure -> (value, low, high), 95 % bootstrap."""
    places = {"data": True, "output": True, "adapter": True, "nano": {"unet"}}
    card: dict[str, Any] = {
        "kind": "small LLaVA" if config.nano else "LoRA adapter",
        "base": None if config.nano else config.model,
        "recipe": config.model_dump(mode="json", exclude=places),
    }
    if readings is None:
        return card
    intervals = {name: (each.value, each.low, each.high) for name, each in figures(readings, calibration).items()}
    sets = coverage(calibration.probs(readings.logits), readings.levels)
    return card | {"validation": intervals, "validation_photographs": len(readings.levels), "conformal_sets": sets}


def _save_adapter(loaded: Loaded, folder: Path) -> Path:
    loaded.model.save_pretrained(str(folder))
    return folder / "adapter_model.safetensors"


def _save_small(config: VlmConfig, loaded: Loaded, folder: Path) -> Path:
    """Weights (see `compact`), tokenizer, processor."""
    assert config.nano is not None
    loaded.llava.save_pretrained(folder, state_dict=compact(loaded.llava.state_dict()))
    build_processor(config.nano, loaded.tokenizer, loaded.lens).save_pretrained(folder)
    return folder / "model.safetensors"
