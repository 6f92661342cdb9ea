"""Make torch importable and fast, before anything else imports it.

smp, timm and grad-cam import torchvision, whose CUDA build fails at import beside a CPU-only torch:
`operator torchvision::nms does not exist`. Where the two do not match, the two operators' schemas are
declared, which is all those imports need. Beside a matching build nothing is done.

The torch-using rooms call `prepare_torch()` in their `__init__`; nothing else needs to know.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_M_MXFAST, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = 1, -1, -3  # of <malloc.h>
_OWN_PAGES = 200_000_000  # bytes: what is larger comes from the system and goes back to it
_KEPT = 2**30  # bytes that may lie unused at the end of the heap
_keep_alive: list[object] = []  # a torch Library undoes its definitions when it is collected


def prepare_torch() -> None:
    """Set the environment that torch and its neighbours read once, then import torch safely."""
    os.environ.setdefault("GOMP_SPINCOUNT", "0")  # spinning threads starve each other on a busy CPU
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # no network by surprise
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    _keep_memory()
    import torch

    if torch.version.cuda is None and not _keep_alive and not _torchvision_loads():
        _define_torchvision_schemas()


def _keep_memory() -> None:
    """Have the C library use freed memory again instead of giving each large array back to the system at once.

    Getting it back costs a page fault for every 4 KB: a third of the processor time of a forward pass on a photograph.
    Small pieces are joined with what is freed beside them, or aligned arrays would tear the heap. Only with glibc; else nothing is done.
    """
    if library := _glibc():
        library.mallopt(_M_MXFAST, 0)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def give_back_memory() -> None:
    """Give what was kept and lies unused back to the system, before something large that cannot use it is made."""
    if library := _glibc():
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def _torchvision_loads() -> bool:
    """Whether torchvision's compiled operators can be loaded beside this torch."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # nothing to mend
    for library in Path(spec.origin).parent.glob("_C*.so"):
        try:
            ctypes.CDLL(str(library))
        except OSError:
            return False
    return True


def _define_torchvision_schemas() -> None:
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        library.define(schema)
    _keep_alive.append(library)
