"""Intervals: known values, units drawn together, undefined figures."""

from __future__ import annotations

import numpy as np
import pytest

from retinai.bootstrap import Interval, bootstrap, wilson


def mean_of(values):
    return lambda rows: {"mean": float(values[rows].mean())}


def test_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(1).normal(3, 2, 400)
    found = bootstrap(mean_of(values), 400, resamples=2000)["mean"]
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_the_seed_decides_and_rows_all_alike_leave_no_doubt():
    values = np.random.default_rng(2).normal(size=30)
    assert bootstrap(mean_of(values), 30, 50, seed=4) == bootstrap(mean_of(values), 30, 50, seed=4)
    assert bootstrap(mean_of(values), 30, 50, seed=4) != bootstrap(mean_of(values), 30, 50, seed=5)
    assert bootstrap(mean_of(np.full(9, 0.25)), 9, 50)["mean"] == Interval(0.25, 0.25, 0.25)


def test_copies_of_a_patient_add_no_certainty():
    values = np.repeat(np.random.default_rng(3).normal(size=25), 8)
    by_row = bootstrap(mean_of(values), len(values), 500)["mean"]
    by_patient = bootstrap(mean_of(values), [row // 8 for row in range(200)], 500)["mean"]
    assert by_patient.value == by_row.value
    assert by_patient.high - by_patient.low > 2 * (by_row.high - by_row.low)


def test_a_unit_is_drawn_whole():
    seen = []
    bootstrap(lambda rows: seen.append(sorted(rows.tolist())) or {"n": float(len(rows))}, ["a", "b", "a"], 20)
    assert seen[0] == [0, 1, 2]
    assert all(rows.count(0) == rows.count(2) for rows in seen)
    assert len({tuple(rows) for rows in seen}) == 3  # both, twice a, twice b


def test_resamples_without_the_figure_do_not_count():
    positive = np.array([True, False, False, False])

    def share(rows):
        return {"given_positive": 1.0 if positive[rows].any() else float("nan"), "never": float("nan")}

    found = bootstrap(share, 4, 100)
    assert found["given_positive"] == Interval(1.0, 1.0, 1.0)
    assert np.isnan([found["never"].value, found["never"].low, found["never"].high]).all()


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="at least one row"):
        bootstrap(mean_of(np.zeros(0)), 0)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_by_hand(successes, trials, low, high):
    found = wilson(successes, trials)
    assert (found.value, found.low, found.high) == pytest.approx((successes / trials, low, high), abs=5e-5)


def test_wilson_refuses_and_is_undefined():
    assert np.isnan(wilson(0, 0).low)
    with pytest.raises(ValueError, match="3 successes of 2 trials"):
        wilson(3, 2)
