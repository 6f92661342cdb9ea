"""Does the language model look at the photograph? It is asked again about one that is blank, noise, shuffled, or another's.

The model itself is asked, without the quality gate in front of it. A model that looks gives another answer or none; one that ignores the
photograph repeats itself. Photographs are (H, W, 3) uint8 RGB, fields (H, W) bool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.audit.figures import PRODUCT, Numbers, Spec, mean, ratio
from retinai.fit import field_box

Photograph = NDArray[np.uint8]
Mask = NDArray[np.bool_]
METRIC = "look"
EDITS = ("blank", "noise", "shuffled", "swapped")
EMPTY = ("blank", "noise")
"""Edits that leave nothing to grade."""
_GRAINS, _PIECES = 256, 12  # along the field's longer side; grains that survive being made small for a model


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. level: the grade, None where the model gives none; text: its words."""

    level: int | None
    text: str


def edits(pixels: Photograph, field: Mask, seed: int = 0) -> dict[str, Photograph]:
    """Name -> photograph, of those that are made of this one."""
    return {"blank": blank(pixels, field), "noise": noise(pixels, field, seed), "shuffled": shuffled(pixels, field, seed)}


def blank(pixels: Photograph, field: Mask) -> Photograph:
    """The field in its median colour."""
    return np.where(field[..., None], np.median(pixels[field], axis=0), pixels).astype(np.uint8)


def noise(pixels: Photograph, field: Mask, seed: int = 0) -> Photograph:
    """The field as coarse grains of its own mean and spread."""
    grain = max(1, max(field_box(field)[2:]) // _GRAINS)
    height, width = field.shape
    grains = np.random.default_rng(seed).normal(
        pixels[field].mean(axis=0), pixels[field].std(axis=0) + 1, (-(-height // grain), -(-width // grain), 3)
    )
    fine = np.clip(np.round(grains), 0, 255).astype(np.uint8).repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return np.where(field[..., None], fine, pixels)


def shuffled(pixels: Photograph, field: Mask, seed: int = 0) -> Photograph:
    """The square pieces that lie wholly in the field, dealt out anew among their places; the rim stays."""
    left, top, width, height = field_box(field)
    side = max(1, max(width, height) // _PIECES)
    corners = [(y, x) for y in range(top, top + height - side + 1, side) for x in range(left, left + width - side + 1, side)]
    places = [np.s_[y : y + side, x : x + side] for y, x in corners if field[y : y + side, x : x + side].all()]
    mixed = pixels.copy()
    for place, source in zip(places, np.random.default_rng(seed).permutation(len(places)), strict=True):
        mixed[place] = pixels[places[source]]
    return mixed


def changed(before: Reply, after: Reply) -> bool:
    """Whether grade or words differ; capitals and spaces are no words."""
    return before.level != after.level or before.text.casefold().split() != after.text.casefold().split()


def measure_look(before: Reply, after: Mapping[str, Reply]) -> dict[str, Numbers]:
    """Numbers of one photograph. after: edit -> answer; an edit that was not asked does not count.

    Where the model abstains on the photograph itself there is no answer to change, and nothing is counted.
    """
    if before.level is None:
        return {PRODUCT: {}}
    of_empty = [after[name] for name in EMPTY if name in after]
    reacted = {f"reacted_{name}": reply.level is None or changed(before, reply) for name, reply in after.items()}
    numbers = {
        "edits": len(after),
        "reacted": sum(reacted.values()),
        **reacted,
        "empty": len(of_empty),
        "abstained": sum(reply.level is None for reply in of_empty),
    }
    return {PRODUCT: {name: float(number) for name, number in numbers.items()}}


_BLIND = {"ignores the photograph": 0.0}
_WHAT = {
    "blank": "photographs whose answer changes or ends when the retina is one colour",
    "noise": "the same when it is noise",
    "shuffled": "the same when its pieces are dealt out anew",
    "swapped": "the same when it is another's photograph, which may rightly have the same short answer",
}
SPECS = (
    Spec("looks", 6, METRIC, ratio("reacted", "edits"), "blank, noise, shuffled and swapped photographs that change the answer or end it",
         nulls=_BLIND, oracle=1.0, cases="edits", unit="edited photographs"),
    *(Spec(f"looks_{name}", 6, METRIC, mean(f"reacted_{name}"), _WHAT[name], nulls=_BLIND, oracle=1.0) for name in EDITS),
    Spec("abstains", 6, METRIC, ratio("abstained", "empty"), "blank and noise photographs that are given no grade",
         nulls=_BLIND, oracle=1.0, cases="empty", unit="edited photographs"),
)  # fmt: skip
