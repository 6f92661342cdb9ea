"""Does the grade fade when the salient pixels go, and come back when they return? Deletion, insertion and ROAD.

Deletion and insertion: Petsiuk et al., BMVC 2018, with the strongly blurred photograph in place of what is taken away. ROAD (remove and
debias): Rong et al., ICML 2022: what is taken away is filled in as the mean of its neighbours plus noise, so that the hole's outline tells
nothing. pytorch-grad-cam has ROAD for torch modules; this one serves any reader, solves the same equations at `ROAD_SIDE`, and paints
the solution into the photograph. A score takes an (H, W, 3) uint8 photograph and returns the chance of the grade that is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from fusion.audit.figures import ORACLE, PRODUCT, Numbers, Spec, mean
from retinai.fit import field_box

Photograph = NDArray[np.uint8]
Plane = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Score = Callable[[Photograph], float]
METRIC = "curves"
SHARES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the retina taken away, dense at the start: lesions cover about two hundredths of it."""
ROAD_SHARES = (0.02, 0.1, 0.3, 0.5)
ROAD_SIDE = 160
"""px of the longer side at which the equations are solved."""
NOISE = 2.0
"""Standard deviation of the noise on what was filled in, in levels of 255: about that of a photograph."""
_NEIGHBOURS = (
    (0, 1, 1 / 6),
    (1, 0, 1 / 6),
    (0, -1, 1 / 6),
    (-1, 0, 1 / 6),
    (1, 1, 1 / 12),
    (1, -1, 1 / 12),
    (-1, 1, 1 / 12),
    (-1, -1, 1 / 12),
)


def ranked(values: Plane, field: Mask, seed: int = 0) -> NDArray[np.int64]:
    """Flat indices of the field's pixels from the most salient to the least; equals by lot."""
    flat = np.flatnonzero(field)
    drawn = np.random.default_rng(seed).permutation(flat)
    return drawn[np.argsort(-values.ravel()[drawn], kind="stable")]


def taken(order: NDArray[np.int64], share: float, shape: tuple[int, ...]) -> Mask:
    """The first so many of the ranked pixels as a mask."""
    mask = np.zeros(int(np.prod(shape)), np.bool_)
    mask[order[: round(share * order.size)]] = True
    return mask.reshape(shape)


def blurred(pixels: Photograph, field: Mask) -> Photograph:
    """The retina without its lesions and vessels: a mean over a tenth of the field, black kept out of it."""
    side = max(field_box(field)[2:])
    scale = min(1.0, 128 / side)
    size = max(1, round(field.shape[1] * scale)), max(1, round(field.shape[0] * scale))
    weight = cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(np.where(field[..., None], pixels, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    sigma = max(1.0, side * scale / 10)
    smooth = cv2.GaussianBlur(colour, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)[..., None]
    wide = cv2.resize(smooth, field.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(field[..., None], np.clip(np.round(wide), 0, 255), pixels).astype(np.uint8)


def area_under(shares: Sequence[float], scores: Sequence[float]) -> float:
    """The trapezoids' area under the curve, by its width: a mean score."""
    return float(np.trapezoid(scores, shares) / (shares[-1] - shares[0]))


def deletion(pixels: Photograph, field: Mask, values: Plane, score: Score, shares: Sequence[float] = SHARES) -> float:
    """The mean score while the most salient pixels are blurred first; low where the map is faithful."""
    return _exchange(pixels, blurred(pixels, field), ranked(values, field), score, shares)


def insertion(pixels: Photograph, field: Mask, values: Plane, score: Score, shares: Sequence[float] = SHARES) -> float:
    """The mean score while the most salient pixels return first to the blurred photograph; high where the map is faithful."""
    return _exchange(blurred(pixels, field), pixels, ranked(values, field), score, shares)


def _exchange(start: Photograph, end: Photograph, order: NDArray[np.int64], score: Score, shares: Sequence[float]) -> float:
    """Score the way from one photograph to the other, pixels in that order."""
    scores = [score(np.where(taken(order, share, start.shape[:2])[..., None], end, start)) for share in shares]
    return area_under(shares, scores)


def impute(pixels: Photograph, gone: Mask, field: Mask, seed: int = 0) -> Photograph:
    """Fill in what is gone: each small pixel the mean of its neighbours (weights of the paper), plus noise. At least one must be left."""
    height, width = field.shape
    scale = min(1.0, ROAD_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    kept = cv2.resize((field & ~gone).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    whole = cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(np.where((field & ~gone)[..., None], pixels, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = kept > 0.5 * np.maximum(whole, 1e-6)
    colour = np.asarray(sums / np.maximum(kept, 1e-6)[..., None], np.float32)
    colour[(whole > 0) & ~known] = _solve(colour, known, whole > 0)
    wide = cv2.resize(colour, (width, height), interpolation=cv2.INTER_LINEAR)
    wide += np.random.default_rng(seed).normal(0, NOISE, wide.shape)
    return np.where((gone & field)[..., None], np.clip(np.round(wide), 0, 255), pixels).astype(np.uint8)


def _solve(colour: NDArray[np.float32], known: Mask, inside: Mask) -> NDArray[np.float64]:
    """(N, 3): the colours that make each unknown pixel the weighted mean of its neighbours inside."""
    unknown = inside & ~known
    index = np.full(inside.shape, -1)
    index[unknown] = np.arange(unknown.sum())
    y, x = np.nonzero(unknown)
    rows, columns, entries = [np.arange(y.size)], [np.arange(y.size)], [np.zeros(y.size)]
    right, total = np.zeros((y.size, 3)), np.zeros(y.size)
    for down, across, weight in _NEIGHBOURS:
        ny, nx = np.clip(y + down, 0, inside.shape[0] - 1), np.clip(x + across, 0, inside.shape[1] - 1)
        there = inside[ny, nx] & (ny == y + down) & (nx == x + across)
        total += weight * there
        free, given = there & unknown[ny, nx], there & known[ny, nx]
        rows.append(np.flatnonzero(free))
        columns.append(index[ny, nx][free])
        entries.append(np.full(int(free.sum()), -weight))
        right[given] += weight * colour[ny[given], nx[given]]
    entries[0] = np.where(total > 0, total, 1.0)
    system = coo_matrix((np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(y.size, y.size))
    return np.asarray(spsolve(system.tocsc(), right)).reshape(-1, 3)


def road(pixels: Photograph, field: Mask, values: Plane, score: Score, shares: Sequence[float] = ROAD_SHARES) -> float:
    """Half the difference of the mean scores when the least and when the most salient pixels go first; positive where it is faithful."""
    order = ranked(values, field)
    gaps = []
    for share in shares:
        most, least = (taken(some, share, field.shape) for some in (order, order[::-1]))
        gaps.append((score(impute(pixels, least, field)) - score(impute(pixels, most, field))) / 2)
    return float(np.mean(gaps))


def random_map(field: Mask, cells: int = 24, seed: int = 0) -> Plane:
    """A map of chance at a model's resolution."""
    noise = np.random.default_rng(seed).random((cells, cells)).astype(np.float32)
    return np.where(field, cv2.resize(noise, field.shape[::-1], interpolation=cv2.INTER_LINEAR), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One photograph and its map. mask: the true lesions, None where they are not known; cells: along a side of the map."""

    pixels: Photograph
    field: Mask
    values: Plane
    mask: Mask | None = None
    cells: int = 24


def measure_curves(seen: Seen, score: Score) -> dict[str, Numbers]:
    """Source -> deletion, insertion, road. A reader is asked 24 times for each source; a copy of about 1,000 px does."""
    maps = {PRODUCT: seen.values, "null:random": random_map(seen.field, seen.cells)}
    if seen.mask is not None and seen.mask.any():
        maps[ORACLE] = seen.mask.astype(np.float32)
    return {source: _numbers(seen, values, score) for source, values in maps.items()}


def _numbers(seen: Seen, values: Plane, score: Score) -> Numbers:
    measures = {"deletion": deletion, "insertion": insertion, "road": road}
    return {name: measure(seen.pixels, seen.field, values, score) for name, measure in measures.items()}


_NULLS = {"random map": "null:random"}
SPECS = (
    Spec("deletion", 9, METRIC, mean("deletion"), "mean chance of the grade while the most salient pixels are blurred first",
         better="lower", nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("insertion", 9, METRIC, mean("insertion"), "mean chance of the grade while the most salient pixels return first",
         nulls=_NULLS, oracle=ORACLE, share=False),
    Spec("road", 9, METRIC, mean("road"), "chance of the grade without the least salient pixels less that without the most, halved",
         nulls=_NULLS, oracle=ORACLE, share=False),
)  # fmt: skip
