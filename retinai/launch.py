"""One command for a CPU, a GPU or several: start as many training processes as there are devices."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TypeVar

import torch
from torch.multiprocessing.spawn import spawn

C = TypeVar("C")


def launch(work: Callable[[C], None], config: C, processes: int = 0) -> None:
    """Do `work(config)` in this process, or in several at once (0: one per GPU), each with its rank in the environment.

    work: a function at the top of a module. A launcher's own processes are left alone.
    """
    count = processes or max(1, torch.cuda.device_count())
    if count == 1 or "LOCAL_RANK" in os.environ:
        work(config)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_ranked, args=(work, config, count, port), nprocs=count)


def is_main_process() -> bool:
    """Whether this is the first of the processes, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


def _ranked(rank: int, work: Callable[[C], None], config: C, count: int, port: int) -> None:
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    if not torch.cuda.is_available():
        os.environ["ACCELERATE_USE_CPU"] = "true"
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // count))
    work(config)
