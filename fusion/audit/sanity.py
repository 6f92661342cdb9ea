"""Does the saliency come from the model at all? It must change with its weights, and not be an edge detector or a dead layer.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018: maps are compared by Spearman's rank correlation, here on a copy of
`COPY_SIDE` px inside the field. Maps are (H, W), None where a model gave a blank one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from fusion.audit.figures import PRODUCT, Numbers, Spec, mean
from fusion.audit.saliency import check_map, edges, seen
from fusion.grid import Grid
from retinai.errors import SaliencyError

Plane = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
METRIC = "sanity"
COPY_SIDE = 96
EDGE_DETECTOR = 0.7
"""A correlation from which on a map counts as that of an edge detector, of random weights or of other labels."""


def is_dead(values: Plane | None, field: Mask) -> bool:
    """Whether a map shows nothing: none, blank, not finite, or the same everywhere."""
    try:
        check_map(np.zeros(field.shape) if values is None else values, field)
    except SaliencyError:
        return True
    return False


def similarity(one: Plane | None, other: Plane | None, field: Mask) -> float:
    """Spearman's rank correlation of two maps in the field, -1..1; 0 where one of them is dead: nothing is left of the other."""
    if one is None or other is None or is_dead(one, field) or is_dead(other, field):
        return 0.0
    scale = min(1.0, COPY_SIDE / max(field.shape))
    size = max(2, round(field.shape[1] * scale)), max(2, round(field.shape[0] * scale))
    inside = cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99
    ranks = [rankdata(cv2.resize(np.asarray(p, np.float32), size, interpolation=cv2.INTER_AREA)[inside]) for p in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def measure_sanity(
    values: Plane | None,
    pixels: NDArray[np.uint8],
    field: Mask,
    grid: Grid | None = None,
    randomised: Sequence[Plane | None] = (),
    permuted: Sequence[Plane | None] = (),
) -> dict[str, Numbers]:
    """Numbers of one photograph: dead, edges, and where maps are given weights and labels, the mean correlation with them.

    randomised: maps of the same model with weights drawn at random; permuted: of one trained on permuted labels, or of the answers that
    were not given; grid: the resolution at which the edge map is seen. A dead map is that and nothing else.
    """
    if is_dead(values, field):
        return {PRODUCT: {"dead": 1.0}}
    steep = edges(pixels, field)
    coarse = steep if grid is None else seen(steep, field, grid)
    numbers = {"dead": 0.0, "edges": similarity(values, coarse, field)}
    for name, maps in (("weights", randomised), ("labels", permuted)):
        if maps:
            numbers[name] = float(np.mean([similarity(values, other, field) for other in maps]))
    return {PRODUCT: numbers}


_EDGES = {"edge map": 1.0}
SPECS = (
    Spec("sanity_dead", 10, METRIC, mean("dead"), "photographs whose saliency is blank or the same everywhere",
         better="lower", nulls={"dead layer": 1.0}, oracle=0.0),
    Spec("sanity_weights", 10, METRIC, mean("weights"), "rank correlation with the maps of randomised weights",
         better="lower", nulls=_EDGES, oracle=0.0, share=False),
    Spec("sanity_labels", 10, METRIC, mean("labels"), "rank correlation with the maps of permuted labels, or of the grades not given",
         better="lower", nulls=_EDGES, oracle=0.0, share=False),
    Spec("sanity_edges", 10, METRIC, mean("edges"), "rank correlation with an edge detector's map",
         better="lower", nulls=_EDGES, share=False),
)  # fmt: skip
