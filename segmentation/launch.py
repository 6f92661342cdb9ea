"""`retinai train segmentation`: train on what devices there are, and say what came of it."""

from __future__ import annotations

from retinai.launch import is_main_process
from retinai.launch import launch as launch_all
from segmentation.settings import SegmentationConfig
from segmentation.train import train


def launch(config: SegmentationConfig) -> None:
    """Train in as many processes as `config.processes` says."""
    launch_all(_train, config, config.processes)


def _train(config: SegmentationConfig) -> None:
    scores = train(config)
    if is_main_process():
        print(f"validation AUPR, exact-1440: {' '.join(f'{k} {v:.3f}' for k, v in scores.items())}")
        print(f"weights: {config.output}")
