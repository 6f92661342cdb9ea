"""Every metric of the audit by name: what it needs, how it measures one photograph, and the figures that are made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fusion.audit import claims, counts, curves, look, necessity, saliency, sanity, spatial, stability
from fusion.audit.claims import RENDERED, measure_claims
from fusion.audit.counts import counts_of, measure_counts, occupied
from fusion.audit.figures import PRODUCT, Numbers, Spec
from fusion.audit.nulls import references
from fusion.audit.spatial import cited_pixels, measure_spatial
from fusion.audit.texts import raw_text, rendered_text
from fusion.audit.truth import Truth
from fusion.regions import Regions
from retinai.audit import asks, grades
from retinai.audit.case import Case, cited_ids
from retinai.audit.grades import measure_grade
from retinai.audit.photographs import Item
from retinai.errors import UsageError

Found = Mapping[str, Numbers]
"""Source -> numbers of one photograph."""


@dataclass(frozen=True, slots=True)
class Metric:
    """rows: of the table in docs/audit.md; wants: what photographs need to be measured by it; find: one photograph -> its numbers;
    asks: whether it needs a language model."""

    name: str
    rows: tuple[int, ...]
    wants: Literal["masks", "grade"]
    find: Callable[[Case], Found]
    specs: tuple[Spec, ...]
    asks: bool = False

    def fits(self, item: Item) -> bool:
        """Whether it is measured on a photograph."""
        return item.masked if self.wants == "masks" else not item.masked


def _claims(case: Case) -> Found:
    truth, explanation = _truth(case), case.reading.explanation
    texts = dict(references(case.own, case.others)) | {RENDERED: rendered_text(explanation)}
    if case.pipeline.talker is not None:
        texts[PRODUCT] = raw_text(explanation.answer.text if explanation.answer else "")
    return {source: measure_claims(text, truth) for source, text in texts.items()}


def _spatial(case: Case) -> Found:
    regions = case.reading.regions or Regions((), case.image.field.shape, {})
    return measure_spatial(cited_pixels(regions, cited_ids(case.reading.explanation)), _truth(case), case.item.name)


def _counts(case: Case) -> Found:
    """Nothing where the masks show no fovea: there are no true quadrants to count in."""
    if not case.own.placed:
        return {}
    regions = case.reading.regions or Regions((), case.image.field.shape, {})
    explanation = case.reading.explanation
    said = counts_of(explanation.lesions), occupied(regions, explanation.landmarks)
    return measure_counts(said, (case.own.counts, case.own.fields), [(peer.counts, peer.fields) for peer in case.others if peer.placed])


def _grade(case: Case) -> Found:
    explanation = case.reading.explanation
    grade = explanation.answer.grade if explanation.answer else None
    return {PRODUCT: measure_grade(case.item.grade or 0, grade, explanation.interval, asked=case.pipeline.talker is not None)}


def _truth(case: Case) -> Truth:
    if case.truth is None:
        raise ValueError(f"{case.item.name} has no masks")
    return case.truth


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("claims", (1, 3), "masks", _claims, claims.SPECS),
        Metric("spatial", (2,), "masks", _spatial, spatial.SPECS),
        Metric("counts", (4,), "masks", _counts, counts.SPECS),
        Metric("grade", (5, 12), "grade", _grade, grades.SPECS),
        Metric("look", (6,), "masks", asks.look, look.SPECS, asks=True),
        Metric("necessity", (7,), "masks", asks.necessity, necessity.SPECS, asks=True),
        Metric("saliency", (8,), "masks", asks.saliency, saliency.SPECS, asks=True),
        Metric("curves", (9,), "masks", asks.curves, curves.SPECS, asks=True),
        Metric("sanity", (10,), "masks", asks.sanity, sanity.SPECS, asks=True),
        Metric("stability", (11,), "masks", asks.stability, stability.SPECS, asks=True),
    )
}


def chosen(names: str, talks: bool) -> list[Metric]:
    """'all' or names with commas -> metrics. Raises UsageError for a name that is none, or one that needs a language model without one."""
    if names == "all":
        return [metric for metric in METRICS.values() if talks or not metric.asks]
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in METRICS]:
        raise UsageError(f"no metric {unknown[0]!r}; there are all, {', '.join(METRICS)}")
    if mute := [name for name in wanted if METRICS[name].asks and not talks]:
        raise UsageError(f"the metric {mute[0]} asks a language model, and there is none: choose one with --vlm")
    return [METRICS[name] for name in dict.fromkeys(wanted)]


def specs_of(metrics: Sequence[Metric]) -> list[Spec]:
    """The figures of some metrics in the order of the table."""
    return sorted((spec for metric in metrics for spec in metric.specs), key=lambda spec: spec.row)
