"""Saliency joined to evidence: how much of where a model looked lies on the lesions that a sentence cites.

Three numbers for any set of lesions. The mass share says how much, the lift how much more than by area, and the ceiling share how much of
what a map this coarse could show at all. Where a model looked is no finding: a share proves nothing of the eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusion.grid import Grid
from retinai.fit import Fit
from retinai.types import Attribution, Claim, Lesion, LesionSaliency, SaliencyMap, SaliencyTable


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A saliency map made ready to be read at lesions. values: (H * W,), zero outside the field; area: of the field, px; total: its mass;
    cells: how much of each hill lies in the field; pixels: lesion id -> its flat pixel indices."""

    saliency: SaliencyMap
    values: NDArray[Any]
    area: int
    total: float
    grid: Grid | None
    cells: NDArray[np.float64] | None
    pixels: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, saliency: SaliencyMap, field: NDArray[np.bool_], pixels: Mapping[str, NDArray[np.int64]]) -> Weighed | None:
        """None for a map without any mass on the retina. field: (H, W); pixels: of the lesions, as `fusion.regions.Regions` has them."""
        values = np.where(field, saliency.values, 0).ravel()
        total = float(values.sum(dtype=np.float64))
        if total <= 0:
            return None
        grid = Grid.of(Fit.of(field, saliency.side), saliency.cells) if saliency.side and saliency.cells else None
        cells = grid.gather(field) if grid else None
        inside = {id: where[field.ravel()[where]] for id, where in pixels.items()}
        return cls(saliency, values, int(field.sum()), total, grid, cells, inside)

    def on(self, ids: Iterable[str]) -> Attribution | None:
        """All these lesions together, each pixel once; None where there are none in the field."""
        found = [self.pixels[id] for id in ids if id in self.pixels]
        where = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
        if where.size == 0:
            return None
        share = float(self.values[where].sum(dtype=np.float64)) / self.total
        lift = share / (where.size / self.area)
        return Attribution(self.saliency.method, self.saliency.layer, share, lift, self._of_ceiling(share, where))

    def _of_ceiling(self, share: float, where: NDArray[np.int64]) -> float | None:
        """The share over the largest possible one; no more than 1, which rounding could pass."""
        if self.grid is None or self.cells is None:
            return None
        most = self.grid.ceiling(self.grid.gather_pixels(where), self.cells)
        return min(1.0, share / most) if most > 0 else None


def tabulate(weighed: Weighed, lesions: Sequence[Lesion]) -> SaliencyTable | None:
    """One row for every lesion, and all of them together; None where there are none."""
    together = weighed.on(lesion.id for lesion in lesions)
    if together is None:
        return None
    found = [(lesion.id, weighed.on([lesion.id])) for lesion in lesions]
    rows = tuple(LesionSaliency(id, each.mass_share, each.lift, each.ceiling_share) for id, each in found if each)
    saliency = weighed.saliency
    return SaliencyTable(saliency.target, saliency.method, saliency.layer, saliency.cells, together, rows)


def attributed(claims: Iterable[Claim], weighed: Weighed) -> tuple[Claim, ...]:
    """The claims, each that cites lesions with the saliency on them."""
    return tuple(replace(claim, attribution=weighed.on(claim.evidence)) for claim in claims)
