"""One command for a CPU, a GPU or several: start as many training processes as there are devices."""

from __future__ import annotations

import os
import socket

import torch
from torch.multiprocessing.spawn import spawn

from segmentation.settings import SegmentationConfig
from segmentation.train import train


def launch(config: SegmentationConfig) -> None:
    """Train in this process, or in `processes` of them (0: one per GPU). A launcher's own processes are left alone."""
    count = config.processes or max(1, torch.cuda.device_count())
    if count == 1 or "LOCAL_RANK" in os.environ:
        _train(config)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_ranked, args=(config, count, port), nprocs=count)


def _ranked(rank: int, config: SegmentationConfig, count: int, port: int) -> None:
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    if not torch.cuda.is_available():
        os.environ["ACCELERATE_USE_CPU"] = "true"
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    _train(config)


def _train(config: SegmentationConfig) -> None:
    scores = train(config)
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"validation AUPR, exact-1440: {' '.join(f'{k} {v:.3f}' for k, v in scores.items())}")
        print(f"weights: {config.output}")
