"""`retinai train vlm`: train on what devices there are, and say what came of it."""

from __future__ import annotations

from retinai.launch import is_main_process
from retinai.launch import launch as launch_all
from vlm.save import MODEL
from vlm.settings import VlmConfig
from vlm.train import train


def launch(config: VlmConfig) -> None:
    """Train in as many processes as `config.processes` says."""
    launch_all(_train, config, config.processes)


def _train(config: VlmConfig) -> None:
    card = train(config)
    if is_main_process():
        for name, (value, low, high) in card.get("validation", {}).items():
            print(f"validation {name} {value:.3f} ({low:.3f} to {high:.3f}), {card['validation_photographs']} photographs")
        print(f"weights and card: {config.output / MODEL}")
