"""Lesions on print and pen marks are none: taken out of the map before anything is read from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retinai.lesions import LESIONS
from retinai.marks import connected
from retinai.types import LesionMap

Mask = NDArray[np.bool_]


def without_marked(lesion_map: LesionMap, marks: Mask | None, thresholds: Mapping[str, float]) -> LesionMap:
    """The map with each connected part at or above its class's threshold set to zero that touches a mark, and whatever lies on one.

    marks: (H, W) bool as by `retinai.marks`, None for none. A lesion that runs on from a mark goes as a whole: how much of it is ink
    cannot be told. The optic disc stays.
    """
    if marks is None:
        return lesion_map
    probs = lesion_map.probs.copy()
    for code in (code for code in LESIONS if code in lesion_map.classes):
        plane = probs[lesion_map.classes.index(code)]
        plane[_touching(plane >= thresholds[code], marks) | marks] = 0
    return LesionMap(probs, lesion_map.classes, lesion_map.encoder)


def _touching(parts: Mask, marks: Mask) -> Mask:
    """The connected parts of a mask that touch the marks."""
    if not (parts & marks).any():
        return np.zeros_like(parts)
    count, labels = connected(parts.astype(np.uint8))
    return np.isin(np.arange(count), labels[parts & marks])[labels]
