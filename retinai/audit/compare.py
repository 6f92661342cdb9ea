"""Two audits on the same photographs: which figures differ, by a paired bootstrap."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.audit.figures import RESAMPLES, Result, Spec, columns_of
from retinai.audit.grades import with_sets
from retinai.audit.metrics import specs_of
from retinai.audit.report import metrics_in
from retinai.audit.results import load
from retinai.audit.run import RESULTS
from retinai.bootstrap import Rows, bootstrap
from retinai.errors import DataError


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both audits on the photographs that both have. difference: of the second to the first, with its 95 % interval;
    better: whether the second is better, None where the interval holds 0; photographs: how many both have it of."""

    name: str
    row: int
    first: float
    second: float
    difference: float
    low: float
    high: float
    better: bool | None
    photographs: int


def compare(first: Path, second: Path, resamples: int = RESAMPLES) -> list[Difference]:
    """Every figure that both audits have. first, second: their output folders.

    Raises DataError where a folder holds no audit, where the two are of different photographs altogether, or of different data.
    """
    runs = [_read(folder) for folder in (first, second)]
    for key in ("dataset", "split"):
        if runs[0][0].get(key) != runs[1][0].get(key):
            raise DataError(f"{first} and {second} are audits of different data: {key} {runs[0][0].get(key)} and {runs[1][0].get(key)}")
    one, other = (run[1] for run in runs)
    found = [_difference(spec, one, other, resamples) for spec in specs_of(metrics_in(one))]
    measured = [difference for difference in found if difference is not None]
    if not measured:
        raise DataError(f"{first} and {second} have no photograph in common that both measured")
    return measured


def _read(folder: Path) -> tuple[Mapping[str, Any], list[Result]]:
    run, path = Path(folder) / "run.json", Path(folder) / RESULTS
    if not run.is_file() or not path.is_file():
        raise DataError(f"no audit in {folder}: expected run.json and {RESULTS}, which `retinai audit --output` writes")
    return json.loads(run.read_text(encoding="utf-8")), with_sets(load(path)[0])


def _difference(spec: Spec, first: Sequence[Result], second: Sequence[Result], resamples: int) -> Difference | None:
    """Both figures on the same photographs, drawn together; None where either is undefined."""
    one, other = (_own(spec, results) for results in (first, second))
    names = [name for name in one if name in other]
    if not names:
        return None
    columns = [columns_of([results[name] for name in names]) for results in (one, other)]
    units = [one[name].unit or name for name in names]

    def statistic(rows: Rows) -> Mapping[str, float]:
        a, b = (spec.statistic({name: column[rows] for name, column in table.items()}) for table in columns)
        return {"first": a, "second": b, "difference": b - a}

    found = bootstrap(statistic, units, resamples)
    gap = found["difference"]
    if gap.value != gap.value:
        return None
    better = None if gap.low <= 0 <= gap.high else (gap.value > 0) == (spec.better == "higher")
    ends = (gap.low, gap.high)
    return Difference(spec.name, spec.row, found["first"].value, found["second"].value, gap.value, *ends, better, len(names))


def _own(spec: Spec, results: Sequence[Result]) -> dict[str, Result]:
    return {result.photograph: result for result in results if result.metric == spec.metric and result.source == spec.source}
