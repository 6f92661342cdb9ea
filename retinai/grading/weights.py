"""A trained grader on disk: `grader.safetensors` and `card.json`, which says how to build and use it. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors.numpy import save

from retinai.artifacts import CARD, OWN, check_sum, read_card, read_tensors, write_card
from retinai.errors import WeightsError
from retinai.files import sha256_of, whole
from retinai.lesions import GRADES

FILE = "grader.safetensors"
BUNDLED = {name: Path(__file__).parents[1] / "weights" / f"grader-{name}" for name in ("image", "lesions")}
"""Where the graders that come with RetinAI lie."""

Arrays = dict[str, NDArray[Any]]
_FETCH = {"checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "weights", "cache_dir"}
_Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Conformal(_Part):
    threshold: _Share
    rate: Annotated[float, Field(gt=0, lt=1)]
    cases: Annotated[int, Field(ge=1)]


class _Review(_Part):
    threshold: float


class _Fields(_Part):
    """What the card of any grader must hold; the rest is for people."""

    sha256: str
    classes: Annotated[list[str], Field(min_length=2, max_length=100)]
    target: str
    temperature: Annotated[float, Field(gt=0)]
    cuts: list[float] | None
    conformal: _Conformal | None = None
    review: _Review

    @model_validator(mode="after")
    def _fit_together(self) -> _Fields:
        if self.cuts is not None and (len(self.cuts) != len(self.classes) - 1 or self.cuts != sorted(self.cuts)):
            raise ValueError(f"{len(self.cuts)} ascending cuts cannot part {len(self.classes)} classes")
        if self.target == "grade" and len(self.classes) != len(GRADES):
            raise ValueError(f"there are {len(GRADES)} grades, and {len(self.classes)} classes")
        return self


class _Lesions(_Fields):
    model: Literal["ordinal", "logistic"]
    features: Annotated[list[Literal["lesions", "encoder"]], Field(min_length=1, max_length=2)]
    lesion_weights: str


class _Backbone(_Part):
    library: Literal["timm", "torchvision", "transformers", "clip"]
    name: str
    options: dict[str, Any]
    config: dict[str, Any] | None
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]

    @model_validator(mode="after")
    def _complete(self) -> _Backbone:
        """Nothing is fetched, and no other file is read, to build what a card describes."""
        if self.library in ("transformers", "clip") and self.config is None:
            raise ValueError(f"a model of {self.library} needs its config")
        if fetched := sorted(_FETCH & set(self.options)):
            raise ValueError(f"the option {fetched[0]} would read another file")
        return self


class _Image(_Fields):
    backbone: _Backbone
    head: str
    projected: Annotated[int, Field(ge=1, le=65536)]
    size: Annotated[int, Field(ge=16, le=8192)]
    neighbours: Annotated[int, Field(ge=1)] = 10


_KINDS: dict[str, type[_Fields]] = {"image": _Image, "lesions": _Lesions}


def save_grader(folder: Path, tensors: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> dict[str, Any]:
    """Write tensors and card, each whole or not at all; returns the card with the checksum of the tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with whole(path, "wb") as file:
        file.write(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))
    full = {**card, "sha256": sha256_of(path)}
    return full | {OWN: write_card(folder, full)[OWN]}


def load_grader_files(folder: Path, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """(tensors, card) of a grader of this kind, 'image' or 'lesions'. Raises WeightsError for a folder without one, or a broken one."""
    if not (folder / CARD).is_file() or not (folder / FILE).is_file():
        raise WeightsError(f"no weights of a grader in {folder}: expected {FILE} and {CARD}; retinai train grader makes them")
    card = read_card(folder)
    if card.get("kind") != kind:
        raise WeightsError(f"{folder} holds a grader of kind {card.get('kind')!r}, not {kind!r}")
    card = read_card(folder, _KINDS[kind])
    check_sum(folder / FILE, card["sha256"])
    return read_tensors(folder / FILE), card
