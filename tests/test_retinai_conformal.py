"""Sets of grades: known scores, known thresholds, and the rate that the theorem promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retinai.conformal import Conformal, coverage, fit_conformal, scores
from retinai.types import Grade, GradeSet
from tests.drawn_lesions import any_lesions


def test_scores_grow_from_the_likeliest_by_the_likelier_neighbour() -> None:
    assert scores([0.1, 0.5, 0.25, 0.1, 0.05]).tolist() == pytest.approx([0.75, 0, 0.5, 0.85, 0.95])
    assert scores([0, 0, 0, 0, 1.0]).tolist() == [1, 1, 1, 1, 0]


def test_a_set_holds_the_grades_up_to_the_threshold() -> None:
    probs = [0.1, 0.5, 0.25, 0.1, 0.05]
    assert [Conformal(t, 0.9, 50).grades(probs).levels for t in (0, 0.5, 0.75, 1)] == [(1,), (1, 2), (0, 1, 2), (0, 1, 2, 3, 4)]


def test_the_threshold_is_the_score_of_the_right_rank() -> None:
    probs = np.tile([0.05, 0.1, 0.25, 0.5, 0.1], (9, 1))
    levels = np.array([3, 3, 3, 3, 3, 3, 3, 2, 1])  # ninth smallest of nine, at 90 %
    nine = fit_conformal(probs, levels)
    assert nine is not None and (nine.threshold, nine.cases) == (pytest.approx(0.75), 9)
    assert fit_conformal(probs[:8], levels[:8]) is None
    twenty = fit_conformal(np.tile(probs[0], (20, 1)), np.array([3] * 18 + [2, 1]))
    assert twenty is not None and twenty.threshold == pytest.approx(0.5)  # the nineteenth of twenty


def test_the_rate_holds_on_new_answers_of_an_overconfident_grader() -> None:
    rng = np.random.default_rng(0)
    true = rng.dirichlet([0.4] * 5, 4000)
    levels = np.array([rng.choice(5, p=row) for row in true])
    said = true**3 / (true**3).sum(1, keepdims=True)
    fitted = fit_conformal(said[:2000], levels[:2000])
    assert fitted is not None
    held = [level in fitted.grades(row).levels for level, row in zip(levels[2000:], said[2000:], strict=True)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.025)
    by_mode = np.mean(said[2000:].argmax(1) == levels[2000:])
    assert by_mode < 0.75


def test_coverage_is_counted_on_answers_left_out() -> None:
    probs = np.tile([0.05, 0.1, 0.25, 0.5, 0.1], (12, 1))
    found = coverage(probs, np.array([3] * 11 + [0]))
    assert found == {
        "covered": [11, 12],
        "by_grade": {"0": [0, 1], "1": [0, 0], "2": [0, 0], "3": [11, 11], "4": [0, 0]},
        "mean_size": pytest.approx(4.667, abs=1e-3),
    }
    assert coverage(probs[:8], np.array([3] * 8)) is None


def test_only_a_set_over_the_referral_line_straddles() -> None:
    assert [GradeSet(levels, 0.9, 50).straddles for levels in ((0, 1), (1, 2), (2, 3), (0, 1, 2, 3, 4))] == [False, True, False, True]
    with pytest.raises(ValueError, match="without gaps"):
        GradeSet((0, 2), 0.9, 50)
    with pytest.raises(ValueError, match="not in its own set"):
        Grade(3, (0, 0, 0, 1.0, 0), "test", GradeSet((1, 2), 0.9, 50))


@any_lesions
@given(st.lists(st.floats(0.001, 1), min_size=5, max_size=5), st.floats(0, 1))
def test_a_set_always_holds_the_likeliest_grade_and_grows_with_the_threshold(weights: list[float], threshold: float) -> None:
    probs = [weight / sum(weights) for weight in weights]
    levels = Conformal(threshold, 0.9, 50).grades(probs).levels
    assert int(np.argmax(probs)) in levels
    assert set(levels) <= set(Conformal(min(1, threshold + 0.1), 0.9, 50).grades(probs).levels)
