"""What an audit reports: figures with intervals, read between the nulls and the oracle, from plain numbers per photograph.

A metric turns one photograph into `Numbers`, a flat dict of floats, once for the product and once for each null and the oracle, which are
other `source`s of the same metric: `Result("IDRiD_03", "claims", "product", {"right": 7, "told": 9})`. `results.py` keeps them in a
CSV file. A `Spec` says how a figure is made of them, and `measure` does it with a bootstrap over photographs, patients together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retinai.bootstrap import Interval, Rows, bootstrap, wilson

Numbers = Mapping[str, float]
Columns = Mapping[str, NDArray[np.float64]]
"""Name -> (N,) one number a photograph, NaN where a photograph has none."""
Statistic = Callable[[Columns], float]
Reference = str | float | Statistic
PRODUCT = "product"
"""The source that is audited. `null:...` are the nulls, `oracle` the best possible."""
ORACLE = "oracle"
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Result:
    """What one metric found on one photograph for one source. unit: drawn as one in the bootstrap, the patient; the photograph if ''."""

    photograph: str
    metric: str
    source: str
    numbers: Numbers
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the report.

    row: of the table in docs/audit.md, 1-12; value, low, high: NaN where undefined; nulls: name -> the figure of a source that knows
    nothing; oracle: the figure of the best possible, None where there is none; n, unit: how many cases it rests on ('claims', 'lesions',
    'photographs'); photographs: how many of them; what: one plain line.
    """

    name: str
    row: int
    value: float
    low: float
    high: float
    n: int
    unit: str
    photographs: int
    better: Literal["higher", "lower"] = "higher"
    nulls: Mapping[str, float] = field(default_factory=dict)
    oracle: float | None = None
    what: str = ""

    @property
    def null(self) -> float | None:
        """The null that is hardest to beat; None without any that is defined."""
        defined = [value for value in self.nulls.values() if not np.isnan(value)]
        return None if not defined else max(defined) if self.better == "higher" else min(defined)

    @property
    def closed(self) -> float | None:
        """The share of the gap between the hardest null and the oracle that is closed: 0 as the null, 1 as the oracle, below 0 worse than
        the null. None where one of the three is undefined, or where the oracle is no better than the null."""
        null = self.null
        if null is None or self.oracle is None or np.isnan(self.value) or np.isnan(self.oracle):
            return None
        gap = self.oracle - null if self.better == "higher" else null - self.oracle
        done = self.value - null if self.better == "higher" else null - self.value
        return done / gap if gap > 0 else None


@dataclass(frozen=True, slots=True)
class Spec:
    """How a figure is made. metric: of the results it reads; statistic: of their columns; nulls: name in the report -> source, or a
    number that holds whatever the photographs, or a statistic of the audited columns; oracle: likewise; cases: the column whose sum is
    n, the photographs where None; share: whether it is a share of cases, so that an interval without width becomes Wilson's over units;
    resampled: False where a photograph drawn twice would itself move the statistic, which then has no interval."""

    name: str
    row: int
    metric: str
    statistic: Statistic
    what: str
    source: str = PRODUCT
    better: Literal["higher", "lower"] = "higher"
    nulls: Mapping[str, Reference] = field(default_factory=dict)
    oracle: Reference | None = None
    cases: str | None = None
    unit: str = "photographs"
    share: bool = True
    resampled: bool = True


def ratio(part: str, *whole: str) -> Statistic:
    """Sum of one column over the sum of others, over the photographs that have them all; NaN where that is 0."""

    def statistic(columns: Columns) -> float:
        wanted = [columns.get(name) for name in (part, *whole)]
        if any(column is None for column in wanted):
            return float("nan")
        table = np.stack([column for column in wanted if column is not None])
        sums = table[:, ~np.isnan(table).any(axis=0)].sum(axis=1)
        below = float(sums[1:].sum())
        return float(sums[0]) / below if below else float("nan")

    return statistic


def mean(name: str) -> Statistic:
    """The mean of one column over the photographs that have it; NaN without any."""

    def statistic(columns: Columns) -> float:
        column = columns.get(name, np.array([]))
        defined = column[~np.isnan(column)]
        return float(defined.mean()) if defined.size else float("nan")

    return statistic


def columns_of(results: Sequence[Result]) -> Columns:
    """One column for each name that any of the results has."""
    names = sorted({name for result in results for name in result.numbers})
    return {name: np.array([result.numbers.get(name, np.nan) for result in results], np.float64) for name in names}


def measure(spec: Spec, results: Sequence[Result], resamples: int = RESAMPLES) -> Figure:
    """The figure, its percentile bootstrap interval, and the same statistic of its nulls and its oracle. NaN without results."""
    chosen = [result for result in results if result.metric == spec.metric]
    own = [result for result in chosen if result.source == spec.source]
    found = _interval(spec, own, resamples)
    columns = columns_of(own)
    nulls = {name: _reference(spec, chosen, columns, null) for name, null in spec.nulls.items()}
    oracle = None if spec.oracle is None else _reference(spec, chosen, columns, spec.oracle)
    cases = len(own) if spec.cases is None else int(np.nansum(columns.get(spec.cases, np.array([0.0]))))
    return Figure(
        spec.name, spec.row, found.value, found.low, found.high, cases, spec.unit, len(own), spec.better, nulls, oracle, spec.what
    )


def _reference(spec: Spec, results: Sequence[Result], own: Columns, reference: Reference) -> float:
    if isinstance(reference, str):
        return spec.statistic(columns_of([result for result in results if result.source == reference]))
    return float(reference if isinstance(reference, (int, float)) else reference(own) if own else np.nan)


def _interval(spec: Spec, own: Sequence[Result], resamples: int) -> Interval:
    """The bootstrap over units; Wilson's over units where a share of 0 or 1 gives it no width; no ends for a single unit otherwise."""
    if not own:
        return Interval(float("nan"), float("nan"), float("nan"))
    columns = columns_of(own)
    if not spec.resampled:
        return Interval(spec.statistic(columns), float("nan"), float("nan"))
    units = [result.unit or result.photograph for result in own]

    def statistic(rows: Rows) -> Mapping[str, float]:
        return {"": spec.statistic({name: column[rows] for name, column in columns.items()})}

    found, count = bootstrap(statistic, units, resamples)[""], len(set(units))
    if found.low < found.high or np.isnan(found.value):
        return found
    if spec.share and found.value in (0.0, 1.0):
        return wilson(round(found.value * count), count)
    return found if count > 1 else Interval(found.value, float("nan"), float("nan"))
