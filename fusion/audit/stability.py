"""Does the model say the same when asked again, and the mirror image of it when shown the mirror image?

Two answers are compared by what they claim: the share of all their claims that both make (Jaccard). Two maps by rank correlation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.audit.figures import PRODUCT, Numbers, Spec, mean
from fusion.audit.sanity import similarity
from retinai.types import Claim, Region

Plane = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Said = frozenset[tuple[object, ...]]
METRIC = "stability"
_SIDES = {"left": "right", "right": "left"}


def said(claims: Iterable[Claim], mirrored: bool = False) -> Said:
    """What the claims say, without their words and places in the text. mirrored: as said of the mirror image.

    Quadrants and fields around the fovea or the disc are told from the nose, so a mirror image has the same ones.
    """
    return frozenset(
        (c.kind, c.polarity, c.lesion, c.count, _mirror(c.region) if mirrored else c.region, c.levels, c.months) for c in claims
    )


def _mirror(region: Region | None) -> Region | None:
    if region is None or region.frame != "image":
        return region
    values = tuple(" ".join(_SIDES.get(word, word) for word in value.split()) for value in region.values)
    return Region(region.frame, values, region.origin)


def jaccard(one: Said, other: Said) -> float:
    """Claims of both over claims of either, 0..1; NaN where neither claims anything."""
    return len(one & other) / len(one | other) if one | other else float("nan")


def mean_jaccard(samples: Sequence[Said], others: Sequence[Said] | None = None) -> float:
    """Over all pairs of samples, or of a sample and one of the others; NaN without a pair that claims anything."""
    pairs = combinations(samples, 2) if others is None else product(samples, others)
    found = [value for value in (jaccard(*pair) for pair in pairs) if not np.isnan(value)]
    return float(np.mean(found)) if found else float("nan")


def measure_samples(samples: Sequence[Sequence[Claim]], another: Sequence[Sequence[Claim]]) -> dict[str, Numbers]:
    """Source -> jaccard of one photograph. samples: the claims of each answer; another: those of another photograph, the null."""
    own, strange = [said(claims) for claims in samples], [said(claims) for claims in another]
    return {PRODUCT: {"jaccard": mean_jaccard(own)}, "null:shuffled": {"jaccard": mean_jaccard(own, strange)}}


def measure_flip(plain: Sequence[Claim], flipped: Sequence[Claim], another: Sequence[Claim]) -> dict[str, Numbers]:
    """Source -> flip_jaccard of one photograph. flipped: the claims about its mirror image; another: about another photograph."""
    own = said(plain)
    return {
        PRODUCT: {"flip_jaccard": jaccard(own, said(flipped, mirrored=True))},
        "null:shuffled": {"flip_jaccard": jaccard(own, said(another))},
    }


def flip_equivariance(values: Plane | None, of_flipped: Plane | None, field: Mask) -> float:
    """Rank correlation of a map with the one of the mirror image, mirrored back, -1..1."""
    return similarity(values, None if of_flipped is None else of_flipped[:, ::-1], field)


def measure_map_flip(values: Plane | None, of_flipped: Plane | None, another: Plane | None, field: Mask) -> dict[str, Numbers]:
    """Source -> flip_map of one photograph. another: another photograph's map on this field (`fusion.audit.saliency.moved`)."""
    found: dict[str, Numbers] = {PRODUCT: {"flip_map": flip_equivariance(values, of_flipped, field)}}
    return found if another is None else {**found, "null:shuffled": {"flip_map": similarity(values, another, field)}}


_NULLS = {"shuffled pairs": "null:shuffled"}
SPECS = (
    Spec("stability_samples", 11, METRIC, mean("jaccard"), "claims that two sampled answers share",
         nulls=_NULLS, oracle=1.0, share=False),
    Spec("stability_flip", 11, METRIC, mean("flip_jaccard"), "claims that the mirror image's answer shares",
         nulls=_NULLS, oracle=1.0, share=False),
    Spec("stability_map", 11, METRIC, mean("flip_map"), "rank correlation of the saliency with the mirror image's, mirrored back",
         nulls=_NULLS, oracle=1.0, share=False),
)  # fmt: skip
