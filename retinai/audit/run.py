"""The audit itself: photograph after photograph, read once, measured by every metric, each result on the disk before the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fusion.audit.figures import PRODUCT, Result
from fusion.audit.nulls import Peer, peer_of
from retinai.audit.case import Case, read_truth
from retinai.audit.keep import keep_case, keep_pictures
from retinai.audit.metrics import Metric
from retinai.audit.photographs import Item
from retinai.audit.results import append, load
from retinai.errors import ImageError
from retinai.grading.results import claim_folder
from retinai.image import read_photograph
from retinai.pipeline import Pipeline
from retinai.progress import Progress
from retinai.types import FundusImage

RESULTS = "results.csv"
FAILED = "failed"
"""The metric of a photograph that could not be read."""


def audit(
    pipeline: Pipeline, items: Sequence[Item], metrics: Sequence[Metric], output: Path, about: Mapping[str, Any], quiet: bool = False
) -> list[Result]:
    """Every number of `items` by `metrics`, from `output`/results.csv where it stands there, measured and added where not.

    pipeline: the explainer that is audited; about: what is audited on what, which one folder holds one of (UsageError for another).
    A photograph that cannot be read is a result of its own, and is tried again by the next run.
    """
    claim_folder(output, {**about, **identity(pipeline)})
    path = output / RESULTS
    results, done = load(path)
    todo = [item for item in items if any((item.name, metric.name) not in done for metric in metrics if metric.fits(item))]
    peers = _peers([item for item in items if item.masked], quiet) if any(item.masked for item in todo) else []
    with Progress("auditing photographs", len(todo), quiet) as progress:
        for number, item in enumerate(todo, start=1):
            missing = [metric for metric in metrics if metric.fits(item) and (item.name, metric.name) not in done]
            results += _measure(pipeline, item, items, missing, peers, output)
            progress.to(number, item.name)
    return _wanted(results, items, metrics)


def identity(pipeline: Pipeline) -> dict[str, Any]:
    """What makes two runs one: the program's version, the lesion weights and how they are used, the language model."""
    detector = pipeline.detector
    return {
        "version": version("retinai"),
        "weights": detector.card["sha256"],
        "thresholds": {name: dict(getattr(detector, name)) for name in ("thresholds", "peaks", "sure")},
        "sides": list(detector.sides),
        "views": detector.views,
        "vlm": dict(pipeline.talker.identity) if pipeline.talker else None,
        "ground": pipeline.ground,
    }


def _peers(items: Sequence[Item], quiet: bool) -> list[Peer]:
    """What is true of every photograph with masks, which the nulls of each one are made of."""
    peers = []
    with Progress("reading true masks", len(items), quiet) as progress:
        for number, item in enumerate(items, start=1):
            with suppress(ImageError):  # told where it is audited
                peers.append(peer_of(item.name, read_truth(item.record, read_photograph(item.record.image))))
            progress.to(number)
    return peers


def _measure(
    pipeline: Pipeline, item: Item, items: Sequence[Item], metrics: Sequence[Metric], peers: Sequence[Peer], output: Path
) -> list[Result]:
    """One photograph by the metrics that are missing; what the report shows of it is kept beside the results."""
    try:
        image = read_photograph(item.record.image)
    except ImageError:
        return [Result(item.name, FAILED, PRODUCT, {"failed": 1.0}, item.unit)]
    truth = read_truth(item.record, image) if item.masked else None
    other, keep = partial(_another, item, items), partial(keep_pictures, output, item.name)
    case = Case(item, image, pipeline.read(image), pipeline, truth, peers, other, keep)
    keep_case(output, case)
    return [result for metric in metrics for result in append(output / RESULTS, item.name, item.unit, metric.name, metric.find(case))]


def _another(item: Item, items: Sequence[Item]) -> FundusImage:
    """The next photograph of the same kind that can be read, round the end; the photograph itself where there is no other."""
    same = [other for other in items if other.masked == item.masked]
    place = same.index(item)
    for other in [*same[place + 1 :], *same[:place]]:
        with suppress(ImageError):
            return read_photograph(other.record.image)
    return read_photograph(item.record.image)


def _wanted(results: Sequence[Result], items: Sequence[Item], metrics: Sequence[Metric]) -> list[Result]:
    """Those of these photographs and metrics, in their order: the same whether they were measured at once or after a kill."""
    place = {item.name: number for number, item in enumerate(items)}
    names = {metric.name: number for number, metric in enumerate(metrics)} | {FAILED: -1}
    chosen = [result for result in results if result.photograph in place and result.metric in names]
    return sorted(chosen, key=lambda result: (place[result.photograph], names[result.metric]))
