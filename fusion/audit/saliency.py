"""Does the saliency lie on the lesions, by how much more than a map that knows nothing, and how much could it at its resolution?

Maps are (H, W), finite and non-negative; only the retina counts. Relevance mass and rank accuracy: Arras et al., Information Fusion
2022;81:14. Pointing game: Zhang et al., Int J Comput Vis 2018;126:1084. An empty mask gives NaN everywhere: it can neither be hit nor
missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.audit.figures import ORACLE, PRODUCT, Numbers, Spec, mean
from fusion.grid import Grid
from retinai.errors import SaliencyError
from retinai.fit import field_box

Plane = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
METRIC = "saliency"
TOLERANCE = 0.03
"""How far off the highest saliency may lie in the pointing game, as a share of the field's longer side: 15 px of 500, as published."""


def check_map(values: Plane, field: Mask) -> None:
    """Refuse a map that shows nothing. Raises SaliencyError with what is wrong: not finite, negative, blank, or the same everywhere."""
    inside = values[field]
    if inside.size == 0 or not np.isfinite(inside).all():
        raise SaliencyError("the saliency map is not finite, or there is no retina under it")
    if inside.min() < 0:
        raise SaliencyError("the saliency map has negative values")
    if inside.max() <= 0:
        raise SaliencyError("the saliency map is blank: a dead layer, or nothing speaks for what was asked")
    if np.ptp(inside) <= 1e-6 * inside.max():
        raise SaliencyError("the saliency map is the same everywhere: a dead layer")


def mass_share(values: Plane, mask: Mask, field: Mask) -> float:
    """The share of the saliency in the field that lies on the mask, 0..1."""
    total, true = float(values[field].sum(dtype=np.float64)), mask & field
    return float(values[true].sum(dtype=np.float64)) / total if total > 0 and true.any() else float("nan")


def area_share(mask: Mask, field: Mask) -> float:
    """The share of the field that the mask covers, 0..1."""
    return float((mask & field).sum() / max(1, field.sum()))


def rank_accuracy(values: Plane, mask: Mask, field: Mask) -> float:
    """Of the K most salient pixels the share on the mask, K being the mask's size, 0..1. Ties count as if drawn by lot."""
    inside, true = values[field], mask[field]
    k = int(true.sum())
    if k == 0:
        return float("nan")
    least = np.partition(inside, inside.size - k)[inside.size - k]
    above, level = inside > least, inside == least
    drawn = (k - above.sum()) * (level & true).sum() / level.sum()
    return float(((above & true).sum() + drawn) / k)


def pointing(values: Plane, near: Mask, field: Mask) -> float:
    """Whether the highest saliency lies in `near`, the share of its pixels where several are highest, 0..1."""
    return float(near[field & (values == values[field].max())].mean()) if near.any() else float("nan")


def within(mask: Mask, distance_px: float) -> Mask:
    """All pixels no farther than that from the mask; none where the mask is empty."""
    if not mask.any():
        return np.zeros_like(mask)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= distance_px


def uniform(field: Mask) -> Plane:
    """The map that says nothing."""
    return field.astype(np.float32)


def centre(field: Mask) -> Plane:
    """A hill in the middle of the field, a quarter of its longer side wide (one standard deviation)."""
    left, top, width, height = field_box(field)
    y, x = np.ogrid[: field.shape[0], : field.shape[1]]
    square = (x - left - (width - 1) / 2) ** 2 + (y - top - (height - 1) / 2) ** 2
    return np.where(field, np.exp(-square / (2 * (max(width, height) / 4) ** 2)), 0).astype(np.float32)


def edges(pixels: NDArray[np.uint8], field: Mask) -> Plane:
    """How steep the green channel is: what an edge detector sees, which knows no model. The field's own rim is left out."""
    side = max(field_box(field)[2:])
    smooth = cv2.GaussianBlur(pixels[..., 1].astype(np.float32), (0, 0), max(1.0, side / 600))
    steep = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    rim = 2 * (4 + side // 60) + 1  # beyond the reach of both filters
    framed = cv2.copyMakeBorder(field.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(framed, np.ones((rim, rim), np.uint8))[1:-1, 1:-1]
    return np.asarray(np.where(inner > 0, steep, 0), np.float32)


def moved(values: Plane, field: Mask, onto: Mask) -> Plane:
    """Another photograph's map, stretched from its field onto this one."""
    left, top, width, height = field_box(field)
    x, y, w, h = field_box(onto)
    canvas = np.zeros(onto.shape, np.float32)
    piece = np.ascontiguousarray(values[top : top + height, left : left + width], np.float32)
    canvas[y : y + h, x : x + w] = cv2.resize(piece, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.where(onto, canvas, 0)


def spread(cells: Plane, grid: Grid) -> Plane:
    """(cells, cells) -> (H, W)."""
    return grid.rows @ np.asarray(cells, np.float32) @ grid.columns.T


def seen(values: Plane, field: Mask, grid: Grid) -> Plane:
    """What is left of a map at the grid's resolution: each cell its mean in the field, then spread."""
    rows, columns = grid.rows.T, grid.columns
    mean_in = (rows @ np.where(field, values, 0).astype(np.float32) @ columns) / np.maximum(grid.gather(field), 1e-6)
    return np.where(field, spread(mean_in, grid), 0)


def ceiling(mask: Mask, field: Mask, grid: Grid | None) -> float:
    """The largest mass share that any map of the grid can have, 0..1. 1 without a grid."""
    if not (mask & field).any():
        return float("nan")
    return 1.0 if grid is None else grid.ceiling(grid.gather(mask & field), grid.gather(field))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a map is held against. pixels: (H, W, 3) uint8; mask: the true lesions; grid: the map's resolution, None where it has every
    pixel; other: another photograph's map with its field."""

    pixels: NDArray[np.uint8]
    field: Mask
    mask: Mask
    grid: Grid | None = None
    other: tuple[Plane, Mask] | None = None


def measure_saliency(values: Plane, scene: Scene) -> dict[str, Numbers]:
    """Source -> numbers of one photograph: lift, rank, pointing, and `share`, the mass share. Nulls have the map's resolution.

    The oracle's lift and share are the ceiling, which no map of the grid can pass; its rank and pointing are those of the true mask as the
    grid shows it. Raises SaliencyError for a map that shows nothing.
    """
    check_map(values, scene.field)
    near = within(scene.mask & scene.field, TOLERANCE * max(field_box(scene.field)[2:]))
    maps = {PRODUCT: values, **nulls(scene), ORACLE: _seen(scene.mask.astype(np.float32), scene)}
    found = {source: _numbers(plane, scene, near) for source, plane in maps.items()}
    best, area = ceiling(scene.mask, scene.field, scene.grid), area_share(scene.mask, scene.field)
    found[ORACLE] |= {"share": best, "lift": best / area if area else float("nan")}
    return dict(found)


def nulls(scene: Scene) -> dict[str, Plane]:
    """The maps that know nothing of the model, or nothing of the photograph."""
    maps = {"null:uniform": uniform(scene.field), "null:centre": centre(scene.field)}
    maps["null:edges"] = _seen(edges(scene.pixels, scene.field), scene)
    if scene.other is not None:
        maps["null:another"] = moved(*scene.other, scene.field)
    return maps


def _seen(plane: Plane, scene: Scene) -> Plane:
    return plane if scene.grid is None else seen(plane, scene.field, scene.grid)


def _numbers(values: Plane, scene: Scene, near: Mask) -> dict[str, float]:
    share, area = mass_share(values, scene.mask, scene.field), area_share(scene.mask, scene.field)
    return {
        "share": share,
        "lift": share / area if area else float("nan"),
        "rank": rank_accuracy(values, scene.mask, scene.field),
        "pointing": pointing(values, near, scene.field),
    }


_NULLS = {"uniform": "null:uniform", "centre": "null:centre", "edge map": "null:edges", "another photograph's map": "null:another"}
SPECS = (
    Spec("saliency_lift", 8, METRIC, mean("lift"), "share of the saliency on lesions over their share of the retina",
         nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("saliency_rank", 8, METRIC, mean("rank"), "most salient pixels that lie on lesions, as many as lesions have pixels",
         nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("saliency_pointing", 8, METRIC, mean("pointing"), "photographs whose highest saliency lies on a lesion or near one",
         nulls=_NULLS, oracle=ORACLE),
)  # fmt: skip
