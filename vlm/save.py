"""What training leaves: an adapter or a whole small model, its temperature, and a card of what it is and can do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from vlm.calibrate import fit_temperature, save_temperature
from vlm.model import Loaded
from vlm.nano import build_processor
from vlm.settings import VlmConfig
from vlm.validate import Readings, figures

MODEL = "model"
"""The folder below `output` with what was trained."""


def save(config: VlmConfig, loaded: Loaded, readings: Readings | None) -> dict[str, Any]:
    """Write it all to `output/model` and return the card. readings: of the validation photographs, where there are any."""
    folder = config.output / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    weights = _save_small(config, loaded, folder) if config.nano else _save_adapter(loaded, folder)
    temperature = fit_temperature(readings.logits, readings.levels) if readings else 1.0
    save_temperature(folder, temperature)
    card = describe(config, readings) | {"temperature": temperature, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def describe(config: VlmConfig, readings: Readings | None) -> dict[str, Any]:
    """The card without what is only known of the files. 'validation': figure -> (value, low, high), 95 % bootstrap."""
    places = {"data": True, "output": True, "adapter": True, "nano": {"unet"}}
    card: dict[str, Any] = {
        "kind": "small LLaVA" if config.nano else "LoRA adapter",
        "base": None if config.nano else config.model,
        "recipe": config.model_dump(mode="json", exclude=places),
    }
    if readings is None:
        return card
    intervals = {name: (each.value, each.low, each.high) for name, each in figures(readings).items()}
    return card | {"validation": intervals, "validation_photographs": len(readings.levels)}


def _save_adapter(loaded: Loaded, folder: Path) -> Path:
    loaded.model.save_pretrained(str(folder))
    return folder / "adapter_model.safetensors"


def _save_small(config: VlmConfig, loaded: Loaded, folder: Path) -> Path:
    """fp16, with tokenizer and processor."""
    assert config.nano is not None
    halves = {key: value.half() if value.is_floating_point() else value for key, value in loaded.llava.state_dict().items()}
    loaded.llava.save_pretrained(folder, state_dict=halves)
    build_processor(config.nano, loaded.tokenizer, loaded.lens).save_pretrained(folder)
    return folder / "model.safetensors"
