"""Make torch importable and fast, before anything else imports it.

smp, timm and grad-cam import torchvision, whose CUDA build fails at import beside a CPU-only torch:
`operator torchvision::nms does not exist`. Where the two do not match, the two operators' schemas are
declared, which is all those imports need. Beside a matching build nothing is done.

The torch-using rooms call `prepare_torch()` in their `__init__`; nothing else needs to know.
"""

from __future__ import annotations

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_keep_alive: list[object] = []  # a torch Library undoes its definitions when it is collected


def prepare_torch() -> None:
    """Set the environment that torch and its neighbours read once, then import torch safely."""
    os.environ.setdefault("GOMP_SPINCOUNT", "0")  # spinning threads starve each other on a busy CPU
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # no network by surprise
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch

    if torch.version.cuda is None and not _keep_alive and not _torchvision_loads():
        _define_torchvision_schemas()


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
