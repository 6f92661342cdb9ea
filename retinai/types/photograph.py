"""A photograph, and what is measured on its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Eye = Literal["right", "left"]


def _freeze(array: NDArray[Any]) -> None:
    array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class FundusImage:
    """A photograph. pixels: (H, W, 3) RGB uint8, black outside the field; field: (H, W) bool, the retina; fields: how many round fields
    the picture as it was given holds, of which this is the largest."""

    id: str
    pixels: NDArray[np.uint8]
    field: NDArray[np.bool_]
    eye: Eye | None = None
    fields: int = 1

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 3) uint8, got {self.pixels.shape} {self.pixels.dtype}")
        if self.field.shape != self.pixels.shape[:2] or self.field.dtype != np.bool_:
            raise ValueError(f"field must be a bool mask of {self.pixels.shape[:2]}, got {self.field.shape} {self.field.dtype}")
        _freeze(self.pixels)
        _freeze(self.field)


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether a photograph can be graded. reasons: plain words, empty when gradable; scores: the measurements."""

    gradable: bool
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gradable == bool(self.reasons):
            raise ValueError("a photograph is ungradable exactly when there are reasons")


@dataclass(frozen=True, slots=True, eq=False)
class LesionMap:
    """Probabilities per class. probs: (C, H, W) float32 in 0..1 at native size; classes: the channel order; encoder: (D,) float32, mean
    and maximum of the network's deepest stage over the photograph, None where whoever made the map has none."""

    probs: NDArray[np.float32]
    classes: tuple[str, ...]
    encoder: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.probs.ndim != 3 or self.probs.shape[0] != len(self.classes):
            raise ValueError(f"probs must be ({len(self.classes)}, H, W) for {self.classes}, got {self.probs.shape}")
        _freeze(self.probs)

    def channel(self, code: str) -> NDArray[np.float32]:
        """The (H, W) probabilities of one class. Raises KeyError naming the classes there are."""
        if code not in self.classes:
            raise KeyError(f"no channel {code}; there are {', '.join(self.classes)}")
        return self.probs[self.classes.index(code)]


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyMap:
    """Where a model looked. values: (H, W) float32 >= 0, not all zero, in native pixels; target: what was explained; layer: of the model,
    whose cells are seen; cells: how many of them lie along the square that the model sees, whose side is `side` px, None where unknown."""

    values: NDArray[np.float32]
    target: str
    method: str
    layer: str = ""
    cells: int | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all() or self.values.min() < 0 or self.values.max() <= 0:
            raise ValueError("a saliency map must be finite, non-negative and not blank")
        _freeze(self.values)
