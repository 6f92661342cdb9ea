"""What a document has to say of its own making, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from retinai.about import ROOMS

PACKAGES = ("torch", "transformers", "segmentation_models_pytorch", "grad-cam", "opencv-python", "pillow", "numpy", "scipy")
"""Those whose version can move a number or a word."""


def now() -> datetime:
    """The clock of every document."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """'2026-01-31T08:05:00Z'."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of JSON-ready values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@cache
def code_sha256() -> str:
    """Over the project's source files with their names: a version number does not change with every line, this does."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _versions() -> dict[str, str]:
    """Looked up once: each look reads the metadata of a package."""
    return {"retinai": version("retinai")} | {name: version(name) for name in PACKAGES}


def surroundings() -> dict[str, Any]:
    """The program and the machine: code, versions, platform."""
    return {
        "code_sha256": code_sha256(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": dict(_versions()),
    }
