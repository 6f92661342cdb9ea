"""Figures of a grader against values computed by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from retinai.grading.calibration import Bin, expected_calibration_error, reliability
from retinai.grading.metrics import (
    NONE,
    accuracy,
    area_under_curve,
    confusion,
    figures,
    from_counts,
    kappa,
    macro,
    mean_absolute_error,
    off_by_one,
    precision_recall_f1,
    referable,
)

TRUTH = np.array([0, 0, 0, 1, 2, 2, 3, 4])
LEVEL = np.array([0, 0, 1, 1, 2, 3, 3, NONE])
COUNTS = confusion(TRUTH, LEVEL)


def test_confusion_has_a_column_for_no_grade():
    expected = [[2, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1]]
    assert COUNTS.tolist() == expected


def test_figures_by_hand():
    assert accuracy(COUNTS) == 5 / 8
    assert off_by_one(COUNTS) == 7 / 8
    assert mean_absolute_error(COUNTS) == pytest.approx(2 / 7)
    assert kappa(COUNTS) == pytest.approx(1 - 2 / (134 / 7))
    assert referable(COUNTS) == (3 / 4, 1.0)


def test_classes_by_hand():
    precision, recall, f1 = precision_recall_f1(COUNTS)
    assert precision[:4] == pytest.approx([1, 1 / 2, 1, 1 / 2]) and np.isnan(precision[4])
    assert recall == pytest.approx([2 / 3, 1, 1 / 2, 1, 0])
    assert f1 == pytest.approx([4 / 5, 2 / 3, 2 / 3, 2 / 3, 0])
    assert macro(f1, COUNTS) == pytest.approx(0.56)
    assert macro(precision, COUNTS) == pytest.approx(3 / 5)


def test_a_grade_that_neither_occurs_nor_is_given_is_no_zero():
    counts = confusion(np.array([0, 2, 2]), np.array([0, 2, 0]))
    assert macro(precision_recall_f1(counts)[2], counts) == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_scikit_learn_agrees():
    rng = np.random.default_rng(0)
    truth, level = rng.integers(0, 5, 60), rng.integers(0, 4, 60)  # grade 4 is never given
    found = from_counts(confusion(truth, level))
    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, level, average="macro", zero_division=0)  # type: ignore[arg-type]
    assert found == pytest.approx(
        {
            "accuracy": sk.accuracy_score(truth, level),
            "kappa": sk.cohen_kappa_score(truth, level, weights="quadratic"),
            "macro_f1": f1,
            "macro_precision": precision,
            "macro_recall": recall,
            "mae": sk.mean_absolute_error(truth, level),
            "off_by_one": np.mean(abs(truth - level) <= 1),
        }
    )


def test_auc_by_hand_and_by_scikit_learn():
    assert area_under_curve(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.4, 0.1])) == pytest.approx(3.5 / 4)
    assert np.isnan(area_under_curve(np.array([True, True]), np.array([0.2, 0.3])))
    rng = np.random.default_rng(1)
    sick, score = rng.random(50) > 0.6, rng.integers(0, 9, 50) / 9
    assert area_under_curve(sick, score) == pytest.approx(sk.roc_auc_score(sick, score))


def test_always_the_same_grade_is_worth_nothing():
    found = from_counts(confusion(TRUTH, np.zeros(8, int)))
    assert found["kappa"] == 0 and found["accuracy"] == 3 / 8


def test_kappa_is_undefined_for_a_single_grade():
    assert np.isnan(kappa(confusion(np.array([2, 2]), np.array([2, 2]))))


def test_refusing_to_grade_never_helps():
    """A grader that keeps silent where it would have been wrong gains nothing in what counts all photographs."""
    silent = np.where(TRUTH == LEVEL, LEVEL, NONE)
    loud, hushed = from_counts(COUNTS), from_counts(confusion(TRUTH, silent))
    assert hushed["accuracy"] == loud["accuracy"]
    assert hushed["off_by_one"] < loud["off_by_one"]
    assert referable(confusion(TRUTH, silent))[1] < referable(COUNTS)[1]


def test_calibration_error_by_hand():
    confidence, correct = np.array([0.9, 0.9, 0.9, 0.9, 0.55, 0.55]), np.array([1, 1, 1, 0, 1, 0], bool)
    assert expected_calibration_error(confidence, correct, bins=10) == pytest.approx((4 * 0.15 + 2 * 0.05) / 6)
    low, high = reliability(confidence, correct, bins=10)
    assert (low.count, low.confidence, low.accuracy) == (2, pytest.approx(0.55), 0.5)
    assert (high.low, high.high, high.count, high.accuracy) == (0.8, 0.9, 4, 0.75)


def test_calibration_at_the_ends_of_the_scale():
    assert reliability(np.array([0.0, 1.0]), np.array([False, True]), bins=2) == [Bin(0.0, 0.5, 1, 0.0, 0.0), Bin(0.5, 1.0, 1, 1.0, 1.0)]
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_figures_take_confidence_in_the_grade_that_was_given():
    probs = np.array([[0.6, 0.1, 0.1, 0.1, 0.1], [0.0, 0.3, 0.5, 0.2, 0.0], [np.nan] * 5])
    found = figures(np.array([0, 1, 3]), np.array([0, 2, NONE]), probs)
    assert found["ece"] == pytest.approx((0.4 + 0.5) / 2)
    assert np.isnan(found["referable_auc"])  # the only referable photograph was not graded
    assert (found["referable_sensitivity"], found["referable_specificity"]) == (0.0, 0.5)


def test_figures_without_any_grade():
    found = figures(np.array([1, 3]), np.array([NONE, NONE]), np.full((2, 5), np.nan))
    assert (found["accuracy"], found["referable_sensitivity"]) == (0.0, 0.0)
    assert np.isnan(found["ece"]) and np.isnan(found["kappa"]) and np.isnan(found["mae"])
