"""What is installed here: versions, bundled weights with their checksums, devices. Imports nothing heavy, torch least of all."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import retinai
from retinai.artifacts import check_folder, read_card
from retinai.errors import WeightsError
from retinai.files import sha256_of

ROOMS: tuple[str, ...] = ("retinai", "segmentation", "vlm", "fusion", "apps")
"""The top-level packages of this project."""
_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A bundled file of weights. sha256: of the file as it lies there, empty where it cannot be read; card: what its card.json says, empty
    where there is none that is whole; whole: whether every other file that the card names is as it says."""

    room: str
    path: Path
    bytes: int
    sha256: str
    card: dict[str, Any]
    whole: bool = True

    @property
    def intact(self) -> bool:
        """Whether the file and those beside it are the ones that the card describes."""
        return self.whole and self.card.get("sha256") == self.sha256


def about() -> dict[str, Any]:
    """All of it as plain values for JSON: retinai, python, platform, packages, weights, devices, runtime."""
    return {
        "retinai": retinai.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: installed(name) for name in dependencies()},
        "weights": [_plain(file) for file in bundled_weights()],
        "devices": {"cpu": cpu(), "gpus": gpus()},
        "runtime": runtime(),
    }


def _plain(file: WeightsFile) -> dict[str, Any]:
    return {
        "room": file.room,
        "file": file.path.name,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "intact": file.intact,
        "card": file.card,
    }


def dependencies() -> list[str]:
    """The packages that RetinAI needs at run time, as its own metadata names them; none where it is not installed."""
    try:
        lines = requires("retinai") or []
    except PackageNotFoundError:
        return []
    return [requirement_name(line) for line in lines if "extra ==" not in line]


def requirement_name(line: str) -> str:
    """'torch>=2.11' -> 'torch'."""
    end = next((i for i, c in enumerate(line) if not (c.isalnum() or c in "-_.")), len(line))
    return line[:end]


def installed(name: str) -> str | None:
    """The version of an installed distribution, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def bundled_weights() -> list[WeightsFile]:
    """Every safetensors file under the rooms' `weights` folders, read whole for its checksum."""
    files = []
    for room in ROOMS:
        folder = room_folder(room)
        if folder is not None:
            files += [_weights_file(room, path) for path in sorted((folder / "weights").rglob("*.safetensors"))]
    return files


def room_folder(room: str) -> Path | None:
    """The folder that `import room` would read, found without importing it; None where there is no such package."""
    spec = find_spec(room)
    return Path(spec.origin).resolve().parent if spec is not None and spec.origin else None


def _weights_file(room: str, path: Path) -> WeightsFile:
    folder, size = path.parent, path.stat().st_size
    try:
        check_folder(folder)
        whole = True
    except WeightsError:
        whole = False
    return WeightsFile(room, path, size, _sum(path), _card(folder), whole)


def _sum(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _card(folder: Path) -> dict[str, Any]:
    try:
        return read_card(folder)
    except WeightsError:
        return {}


def cpu() -> dict[str, Any]:
    """Model, usable cores and the instruction sets that decide how fast bf16 and int8 run (known on Linux only)."""
    fields = _fields(Path("/proc/cpuinfo"))
    flags = fields.get("flags", "").split()
    return {
        "model": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "flags": [flag for flag in _CPU_FLAGS if flag in flags],
    }


def runtime() -> dict[str, Any]:
    """What computes the lesion map (as `segmentation.predict` has it), in what, and whether the processor has instructions for it."""
    return {"name": "torch", "precision": "bf16", "in_hardware": any("bf16" in flag for flag in cpu()["flags"])}


def usable_cores() -> int:
    """Cores that this process may run on, which a container or `taskset` makes fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fields(path: Path) -> dict[str, str]:
    """The `name: value` lines of the first core."""
    try:
        first = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}


def gpus(proc: Path = Path("/proc/driver/nvidia/gpus"), dev: Path = Path("/dev")) -> list[str]:
    """Names of the NVIDIA GPUs that the driver shows. Asks the kernel, since `nvidia-smi` can take a second to answer."""
    named = [_fields(card / "information").get("Model", "NVIDIA GPU") for card in sorted(proc.glob("*"))]
    return named or ["NVIDIA GPU" for _ in sorted(dev.glob("nvidia[0-9]*"))]
