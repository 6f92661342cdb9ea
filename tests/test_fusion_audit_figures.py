"""A figure between its nulls and its oracle, from numbers that are known."""

from __future__ import annotations

from math import isnan

import pytest

from fusion.audit.figures import ORACLE, PRODUCT, Figure, Result, Spec, mean, measure, ratio


def results(values: list[float], source: str = PRODUCT, name: str = "hit") -> list[Result]:
    return [Result(f"p{number}", "m", source, {name: value, "all": 1.0}) for number, value in enumerate(values)]


def figure(value: float, nulls: dict[str, float], oracle: float | None, better: str = "higher") -> Figure:
    return Figure("f", 1, value, value, value, 1, "claims", 1, better, nulls, oracle)  # type: ignore[arg-type]


def test_the_gap_closed_is_read_from_the_hardest_null() -> None:
    assert figure(0.7, {"easy": 0.1, "hard": 0.5}, 0.9).closed == pytest.approx(0.5)
    assert figure(0.3, {"easy": 0.1, "hard": 0.5}, 0.9).closed == pytest.approx(-0.5)
    assert figure(0.2, {"easy": 0.9, "hard": 0.4}, 0.0, "lower").closed == pytest.approx(0.5)


@pytest.mark.parametrize(("nulls", "oracle"), [({}, 1.0), ({"a": 0.5}, None), ({"a": float("nan")}, 1.0), ({"a": 1.0}, 1.0)])
def test_no_gap_is_closed_where_there_is_none(nulls: dict[str, float], oracle: float | None) -> None:
    assert figure(0.7, nulls, oracle).closed is None


def test_sources_are_measured_by_one_statistic() -> None:
    spec = Spec("f", 1, "m", mean("hit"), "", nulls={"cheat": "null:cheat", "half": 0.5}, oracle=ORACLE)
    found = measure(spec, [*results([1, 0, 1, 1]), *results([0, 0, 0, 1], "null:cheat"), *results([1, 1, 1, 1], ORACLE)], 200)
    assert (found.value, found.nulls, found.oracle) == (0.75, {"cheat": 0.25, "half": 0.5}, 1.0)
    assert found.low < 0.75 < found.high and found.n == 4


def test_a_null_may_be_a_statistic_of_the_audited_numbers() -> None:
    spec = Spec("f", 1, "m", mean("hit"), "", nulls={"one less": lambda columns: float(columns["hit"].mean()) - 1})
    assert measure(spec, results([1, 0]), 10).nulls == {"one less": -0.5}


def test_a_ratio_pools_its_cases() -> None:
    rows = [Result("a", "m", PRODUCT, {"right": 1, "told": 1}), Result("b", "m", PRODUCT, {"right": 0, "told": 3})]
    found = measure(Spec("f", 1, "m", ratio("right", "told"), "", cases="told", unit="claims"), rows, 100)
    assert (found.value, found.n, found.unit, found.photographs) == (0.25, 4, "claims", 2)
    assert isnan(measure(Spec("f", 1, "m", ratio("right", "nothing"), ""), rows, 10).value)


def test_no_hit_in_ten_photographs_is_no_proof_of_zero() -> None:
    found = measure(Spec("f", 1, "m", mean("hit"), ""), results([0.0] * 10), 100)
    assert (found.value, round(found.low, 9)) == (0.0, 0.0) and found.high == pytest.approx(0.2775, abs=1e-3)


def test_one_photograph_has_no_interval() -> None:
    found = measure(Spec("f", 1, "m", mean("hit"), "", share=False), results([0.4]), 50)
    assert found.value == 0.4 and isnan(found.low) and isnan(found.high)


def test_photographs_of_a_patient_are_drawn_together() -> None:
    values = [1.0, 1.0, 0.0, 0.0] * 4
    alone = [Result(f"p{n}", "m", PRODUCT, {"hit": v}) for n, v in enumerate(values)]
    paired = [Result(f"p{n}", "m", PRODUCT, {"hit": v}, f"patient{n // 2}") for n, v in enumerate(values)]
    spec = Spec("f", 1, "m", mean("hit"), "")
    narrow, wide = measure(spec, alone, 400), measure(spec, paired, 400)
    assert wide.high - wide.low > narrow.high - narrow.low


def test_nothing_measured_is_nan_with_no_cases() -> None:
    found = measure(Spec("f", 1, "m", mean("hit"), "", nulls={"x": 0.1}, oracle=1.0), [], 10)
    assert isnan(found.value) and found.n == 0 and found.closed is None
