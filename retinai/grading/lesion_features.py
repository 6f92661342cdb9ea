"""What the lesion map says of a photograph, as numbers with names: counts, areas, quarters of the field, distances.

Every number belongs to one class of lesions, so that a grade made of them cites its lesions. Knows no torch and no map:
it is given what was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retinai.lesions import CLASSES, LESIONS
from retinai.types import CITED, Landmarks, Lesion, Point

SURE = 0.9
"""From this confidence on a lesion counts as sure among the features."""
_SHARES = 1e5  # shares of the field are tiny: a microaneurysm is about 3e-6 of it


@dataclass(frozen=True, slots=True, eq=False)
class LesionReading:
    """A photograph's lesions. lesions: at the operating thresholds, not only those that are marked; middle: of the field, native (x, y);
    area_px: of the field; mean: class -> mean probability over the field; encoder: (D,) float32, the U-Net's deepest stage, pooled."""

    lesions: tuple[Lesion, ...]
    landmarks: Landmarks
    middle: Point
    area_px: int
    mean: Mapping[str, float]
    encoder: NDArray[np.float32]

    def of(self, code: str) -> list[Lesion]:
        return [lesion for lesion in self.lesions if lesion.code == code]


def lesion_features(reading: LesionReading) -> dict[str, float]:
    """Name -> number, the names in a fixed order; every number is 0 where nothing was found.

    count, sure: log2(1 + lesions), all and those of confidence `SURE` or more; area, largest, mean: log10(1 + 1e5 share of the field);
    quarters: in how many of the four quarters around the fovea (the middle of the field where there is none);
    strongest: highest confidence, 0..1; least (HE): log2(1 + lesions in the quarter that has fewest);
    nearness (EX): 1 / (1 + distance of the nearest to the fovea in disc diameters), 0 where it is unknown.
    """
    values: dict[str, float] = {}
    for code in LESIONS:
        lesions = reading.of(code)
        quarters = _quarter_counts(lesions, reading.landmarks.fovea or reading.middle)
        values |= {
            f"{code} count": math.log2(1 + len(lesions)),
            f"{code} sure": math.log2(1 + sum(lesion.confidence >= SURE for lesion in lesions)),
            f"{code} area": _share(sum(lesion.area_px for lesion in lesions), reading.area_px),
            f"{code} largest": _share(max((lesion.area_px for lesion in lesions), default=0), reading.area_px),
            f"{code} quarters": float(sum(count > 0 for count in quarters)),
            f"{code} strongest": max((lesion.confidence for lesion in lesions), default=0.0),
            f"{code} mean": math.log10(1 + _SHARES * reading.mean[code]),
        }
        if code == "HE":
            values["HE least"] = math.log2(1 + min(quarters))
        if code == "EX":
            values["EX nearness"] = _nearness(lesions)
    return values


def _quarter_counts(lesions: Sequence[Lesion], origin: Point) -> list[int]:
    counts = [0, 0, 0, 0]
    for lesion in lesions:
        x, y = lesion.place.centre
        counts[2 * (y >= origin[1]) + (x >= origin[0])] += 1
    return counts


def _share(part_px: int, whole_px: int) -> float:
    return math.log10(1 + _SHARES * part_px / whole_px)


def _nearness(lesions: Sequence[Lesion]) -> float:
    distances = [lesion.place.distance_dd for lesion in lesions if lesion.place.distance_dd is not None]
    return 1 / (1 + min(distances)) if distances else 0.0


FEATURES: tuple[str, ...] = tuple(
    f"{code} {name}"
    for code in LESIONS
    for name in (
        *("count", "sure", "area", "largest", "quarters", "strongest", "mean"),
        *(("least",) if code == "HE" else ("nearness",) if code == "EX" else ()),
    )
)
"""The names in their order; `lesion_features` keeps it."""


def told(level: int, weighed: Mapping[str, float], reading: LesionReading, peaks: Mapping[str, float], other: float = 0.0) -> str:
    """'Grade 2 by the lesion map. It rests mainly on 2 haemorrhages [HE-1, HE-2].' with the classes that weigh most first.

    weighed: class -> what its features add towards the grade; peaks: class -> least confidence of a lesion that is marked, so that the
    ids are those of `retinai explain`; other: what features add that name no lesion, which is said where it weighs most.
    """
    words = []
    for code in sorted(weighed, key=lambda code: -weighed[code]):
        ids = [lesion.id for lesion in reading.of(code) if lesion.confidence >= peaks[code]]
        if weighed[code] > 0 and ids:
            more = f" and {len(ids) - CITED} more" if len(ids) > CITED else ""
            noun = CLASSES[code].name if len(ids) == 1 else CLASSES[code].plural
            words.append(f"{len(ids)} {noun} [{', '.join(ids[:CITED])}{more}]")
    said = [f"Grade {level} by the lesion map."]
    said += [f"It rests mainly on {', '.join(words)}."] if words else ["No lesion that is marked weighs for it."]
    if other > max(0.0, *weighed.values()):
        said.append("Features of the picture that name no lesion weigh more.")
    return " ".join(said)
