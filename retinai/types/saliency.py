"""Where a model looked, joined to the lesions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much of a model's saliency lies on some lesions. mass_share: of all saliency in the field, 0..1; lift: that share over the
    lesions' share of the field's area; ceiling_share: that share over the largest that the map's resolution allows, 0..1, None where the
    resolution is unknown."""

    method: str
    layer: str
    mass_share: float
    lift: float
    ceiling_share: float | None


@dataclass(frozen=True, slots=True)
class LesionSaliency:
    """One lesion's share of the saliency, as in `Attribution`."""

    lesion: str
    mass_share: float
    lift: float
    ceiling_share: float | None


@dataclass(frozen=True, slots=True)
class SaliencyTable:
    """The saliency joined to the lesions. target, method, layer, cells: as in `SaliencyMap`; together: all lesions as one; lesions: one row
    each, in the order of the lesions."""

    target: str
    method: str
    layer: str
    cells: int | None
    together: Attribution
    lesions: tuple[LesionSaliency, ...]
