"""Row 4: how many lesions in each quadrant, which of the nine ETDRS fields they lie in, and whether there are more than 20.

What is said is counted on the lesions of the explanation, with the explanation's own landmarks; what is true on the drawn lesions. The
null is the class prior: the median count, or what holds in at least half, of the other photographs with masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fusion.audit.figures import ORACLE, PRODUCT, Numbers, Spec, Statistic, ratio
from fusion.regions import QUADRANTS, Regions
from fusion.rules import MANY_HAEMORRHAGES, quadrant_counts
from retinai.lesions import LESIONS
from retinai.types import Landmarks, Lesion

METRIC = "counts"
PRIOR = "null:prior"
RINGS_DD = (1 / 3, 1.0, 2.0)
"""Radii of the ETDRS grid: 0.5, 1.5 and 3 mm, a disc diameter taken as 1.5 mm (ETDRS report 10)."""
FIELDS = ("centre", *(f"{ring} {side}" for ring in ("inner", "outer") for side in ("temporal", "superior", "nasal", "inferior")))
CELLS = tuple((code, quadrant) for code in LESIONS for quadrant in QUADRANTS)

Counts = NDArray[np.float64]


def counts_of(lesions: Sequence[Lesion]) -> Counts:
    """(16,) lesions of each class in each quadrant, in the order of CELLS; those without a quadrant are in none."""
    found = {code: quadrant_counts(lesion for lesion in lesions if lesion.code == code) for code in LESIONS}
    return np.array([found[code][quadrant] for code, quadrant in CELLS], np.float64)


def etdrs_fields(pixels: NDArray[np.int64], width: int, landmarks: Landmarks) -> set[str]:
    """The ETDRS fields that some flat pixel indices touch; none without a fovea, disc and eye. Sectors meet at 45 degrees."""
    if landmarks.fovea is None or landmarks.disc_diameter_px is None or landmarks.eye is None:
        return set()
    y, x = np.divmod(pixels, width)
    right, down = x - landmarks.fovea[0], y - landmarks.fovea[1]
    nasal = right if landmarks.eye == "right" else -right  # the disc, and the nose, lie on the right in a right eye
    ring = np.digitize(np.hypot(right, down) / landmarks.disc_diameter_px, RINGS_DD, right=True)
    upright = np.abs(down) > np.abs(right)
    side = np.select([upright & (down < 0), upright, nasal >= 0], [1, 3, 2], 0)  # superior, inferior, nasal, temporal
    field = np.where(ring == 0, 0, 1 + 4 * (ring - 1) + side)
    return {FIELDS[index] for index in np.unique(field[ring < 3])}


def occupied(regions: Regions, landmarks: Landmarks) -> NDArray[np.bool_]:
    """(36,) whether a lesion of each class touches each of the nine fields."""
    there = []
    for code in LESIONS:
        pixels = [regions.pixels[lesion.id] for lesion in regions.lesions if lesion.code == code]
        touched = etdrs_fields(np.concatenate(pixels), regions.shape[1], landmarks) if pixels else set()
        there += [field in touched for field in FIELDS]
    return np.array(there, np.bool_)


def measure_counts(
    said: tuple[Counts, NDArray[np.bool_]], true: tuple[Counts, NDArray[np.bool_]], others: Iterable[tuple[Counts, NDArray[np.bool_]]]
) -> dict[str, Numbers]:
    """Source -> numbers of one photograph. Each pair: (16,) counts by CELLS and (36,) occupied fields; others: true ones elsewhere."""
    rest = list(others)
    sources = {PRODUCT: said, ORACLE: true}
    if rest:
        prior = np.median([counts for counts, _ in rest], axis=0), np.mean([fields for _, fields in rest], axis=0) >= 0.5
        sources[PRIOR] = prior
    return {source: _numbers(counts, fields, *true) for source, (counts, fields) in sources.items()}


def _numbers(counts: Counts, fields: NDArray[np.bool_], true_counts: Counts, true_fields: NDArray[np.bool_]) -> Numbers:
    haemorrhages = np.array([code == "HE" for code, _ in CELLS])
    many, true_many = counts[haemorrhages] > MANY_HAEMORRHAGES, true_counts[haemorrhages] > MANY_HAEMORRHAGES
    return {
        "off": float(np.abs(counts - true_counts).sum()),
        "counted": float(true_counts.sum()),
        "fields_both": int((fields & true_fields).sum()),
        "fields_either": int(fields.sum() + true_fields.sum()),
        "many_agree": int((many == true_many).sum()),
        "many_true": int(true_many.sum()),
        "quadrants": len(QUADRANTS),
    } | {f"count_{code}_{quadrant}": float(counts[place]) for place, (code, quadrant) in enumerate(CELLS)}


def _doubled(part: str, whole: str) -> Statistic:
    share = ratio(part, whole)
    return lambda columns: 2 * share(columns)


_NULLS: Mapping[str, str] = {"class prior": PRIOR}
SPECS = (
    Spec("count_error", 4, METRIC, ratio("off", "counted"), "lesions miscounted by class and quadrant, per true lesion",
         better="lower", nulls=_NULLS, oracle=ORACLE, cases="counted", unit="lesions", share=False),
    Spec("etdrs9_f1", 4, METRIC, _doubled("fields_both", "fields_either"), "ETDRS fields with lesions, by class: F1",
         nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("more_than_20", 4, METRIC, ratio("many_agree", "quadrants"), "quadrants where said and true haemorrhages agree on more than 20",
         nulls=_NULLS, oracle=ORACLE, cases="quadrants", unit="quadrants"),
)  # fmt: skip
