"""Row 2: do the cited pixels lie on lesions of the class that they are cited for? On the true masks, at native size.

Pixels count per class: an exudate cited as a haemorrhage hits nothing. The nulls cite the whole retina for each class that the explanation
cites, or each cited lesion, turned to no side, at a random place.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fusion.audit.figures import ORACLE, PRODUCT, Numbers, Spec, ratio
from fusion.audit.truth import Truth
from fusion.regions import Regions
from retinai.lesions import LESIONS

METRIC = "spatial"
WHOLE, RANDOM = "null:whole", "null:random"

Pixels = Mapping[str, list[NDArray[np.int64]]]
"""Class -> the flat pixel indices of each cited lesion."""


def cited_pixels(regions: Regions, ids: set[str]) -> Pixels:
    """The lesions that an explanation cites, by class."""
    chosen = [lesion for lesion in regions.lesions if lesion.id in ids]
    return {code: [regions.pixels[lesion.id] for lesion in chosen if lesion.code == code] for code in LESIONS}


def measure_spatial(cited: Pixels, truth: Truth, seed: str) -> dict[str, Numbers]:
    """Source -> numbers of one photograph. seed: any name, the same for the same photograph, that decides the random places."""
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    field = np.flatnonzero(truth.field)
    whole = {code: [field] if lesions else [] for code, lesions in cited.items()}
    moved = {code: [_moved(lesion, field, truth.field.shape, rng) for lesion in lesions] for code, lesions in cited.items()}
    true = {code: [truth.regions.pixels[lesion.id] for lesion in truth.facts.lesions if lesion.code == code] for code in LESIONS}
    return {source: _numbers(pixels, truth) for source, pixels in ((PRODUCT, cited), (WHOLE, whole), (RANDOM, moved), (ORACLE, true))}


def _moved(lesion: NDArray[np.int64], field: NDArray[np.int64], shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """The lesion with its middle pixel at a random place of the retina; what falls off the photograph is lost."""
    width = shape[1]
    y, x = np.divmod(lesion, width)
    to_y, to_x = divmod(int(rng.choice(field)), width)
    y, x = y + to_y - int(np.median(y)), x + to_x - int(np.median(x))
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < width)
    return y[inside] * width + x[inside]


def _numbers(cited: Pixels, truth: Truth) -> Numbers:
    """Sums over the classes, each class's own with its code behind the name ('hit_EX'), and the size of the retina."""
    parts = {code: _of_class(code, cited[code], truth) for code in LESIONS}
    totals = {name: sum(part[name] for part in parts.values()) for name in parts[LESIONS[0]]}
    single = {f"{name}_{code}": value for code, part in parts.items() for name, value in part.items()}
    return totals | single | {"classes_cited": sum(map(bool, cited.values())), "retina": int(truth.field.sum())}


def _of_class(code: str, cited: list[NDArray[np.int64]], truth: Truth) -> dict[str, int]:
    """Pixels cited, true and both; lesions likewise: a cited one is right where it touches the mask, a true one found where touched."""
    mask = truth.masks[code].ravel() if code in truth.masks else np.zeros(truth.field.size, np.bool_)
    union = np.zeros(mask.size, np.bool_)
    for lesion in cited:
        union[lesion] = True
    true = [truth.regions.pixels[lesion.id] for lesion in truth.facts.lesions if lesion.code == code]
    return {
        "cited": int(union.sum()),
        "true": int(mask.sum()),
        "hit": int((union & mask).sum()),
        "lesions_cited": len(cited),
        "lesions_right": sum(bool(mask[lesion].any()) for lesion in cited),
        "lesions_true": len(true),
        "lesions_found": sum(bool(union[lesion].any()) for lesion in true),
    }


_NULLS = {"whole image": WHOLE, "random place": RANDOM}
_PLACE = {"random place": RANDOM}
SPECS = (
    Spec("spatial_precision", 2, METRIC, ratio("hit", "cited"), "cited pixels that lie in the true mask of their class",
         nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("spatial_recall", 2, METRIC, ratio("hit", "true"), "true pixels that are cited", nulls=_PLACE, oracle=ORACLE, share=False),
    Spec("cited_lesions_right", 2, METRIC, ratio("lesions_right", "lesions_cited"), "cited lesions that touch the true mask of their class",
         nulls=_PLACE, oracle=ORACLE, cases="lesions_cited", unit="lesions"),
    Spec("true_lesions_cited", 2, METRIC, ratio("lesions_found", "lesions_true"), "true lesions that a cited one touches",
         nulls=_PLACE, oracle=ORACLE, cases="lesions_true", unit="lesions"),
)  # fmt: skip
