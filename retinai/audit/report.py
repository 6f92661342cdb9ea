"""The numbers of all photographs -> figures, verdicts and the report's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fusion.audit.figures import RESAMPLES, Figure, Result, measure
from fusion.audit.verdicts import verdicts
from retinai.audit import grades
from retinai.audit.document import read_cases, to_document, write_report
from retinai.audit.grades import with_sets
from retinai.audit.metrics import METRICS, Metric, specs_of
from retinai.audit.photographs import Item
from retinai.audit.run import FAILED


def figures_of(results: Sequence[Result], metrics: Sequence[Metric], resamples: int = RESAMPLES) -> list[Figure]:
    """Every figure of some metrics, in the order of the table."""
    complete = with_sets(results)
    return [measure(spec, complete, resamples) for spec in specs_of(metrics)]


def report(
    results: Sequence[Result],
    metrics: Sequence[Metric],
    items: Sequence[Item],
    about: Mapping[str, Any],
    output: Path,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Write audit.json, audit.md and audit.html into `output`, and return the first. about: what was audited on what."""
    figures = figures_of(results, metrics, resamples)
    answered = [result for result in results if result.metric != grades.METRIC or "level" in result.numbers]
    cases = read_cases(output, [item.name for item in items])
    said = [asdict(verdict) for verdict in verdicts(figures)]
    document = to_document(figures, answered, cases, said, explainer(about), _on(results, items, about), _provenance(about))
    write_report(output, document)
    return document


def explainer(about: Mapping[str, Any]) -> str:
    """Who is audited, for people."""
    name = (about.get("vlm") or {}).get("name")
    return f"lesion map and {name}" if name else "lesion map without a language model"


def failed(results: Sequence[Result]) -> list[str]:
    """The photographs that could not be read."""
    return [result.photograph for result in results if result.metric == FAILED]


def _on(results: Sequence[Result], items: Sequence[Item], about: Mapping[str, Any]) -> str:
    masked = sum(item.masked for item in items)
    words = f"{about['dataset']}, {about['split']}: {masked} photographs with masks, {len(items) - masked} with a grade"
    broken = failed(results)
    return f"{words}; {len(broken)} could not be read: {', '.join(broken)}" if broken else words


def _provenance(about: Mapping[str, Any]) -> dict[str, str]:
    """One line for each thing that two runs must share to be one."""
    flat: dict[str, str] = {}
    for name, value in about.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}, {key}": str(inner) for key, inner in value.items()}
        else:
            flat[name] = str(value)
    return flat


def metrics_in(results: Sequence[Result]) -> list[Metric]:
    """The metrics that some results are of."""
    names = {result.metric for result in results}
    return [metric for metric in METRICS.values() if metric.name in names]
