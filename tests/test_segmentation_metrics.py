from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from segmentation.froc import THRESHOLDS, sensitivity_at, sweep
from segmentation.metrics import average_precision, best_threshold, eleven_point_area, histogram, overlap

PROBS = np.array([0.9, 0.8, 0.7, 0.2, 0.1], np.float32)
TRUTH = np.array([True, False, True, False, False])


def test_average_precision_of_five_pixels_by_hand() -> None:
    assert average_precision(histogram(PROBS, TRUTH)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_average_precision_equals_the_sorted_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(20_000) < 0.02
    probs = np.clip(rng.beta(0.5, 8, truth.size) + truth * rng.random(truth.size) * 0.5, 0, 1).astype(np.float32)
    assert average_precision(histogram(probs, truth)) == pytest.approx(average_precision_score(truth, probs), abs=2e-4)


def test_monotone_transform_moves_a11_but_not_the_exact_figure() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(5000) < 0.1
    probs = np.clip(0.3 * truth + 0.5 * rng.random(truth.size), 0, 1).astype(np.float32)
    plain, squared = histogram(probs, truth), histogram(probs**2, truth)
    assert average_precision(squared) == pytest.approx(average_precision(plain), abs=1e-3)
    assert abs(eleven_point_area(squared) - eleven_point_area(plain)) > 0.01


def test_eleven_points_by_hand() -> None:
    # recall and precision fall from (1, 2/5) at 0 through (1, 2/3) at 0.7, (1/2, 1/2) at 0.8, (1/2, 1) at 0.9 to (0, 1) at 1
    counts = histogram(np.array([0.95, 0.85, 0.75, 0.15, 0.05], np.float32), TRUTH)
    assert eleven_point_area(counts) == pytest.approx(0.5 * (2 / 3 + 1 / 2) / 2 + 0.5 * 1)


def test_pooling_is_addition() -> None:
    both = histogram(np.concatenate([PROBS, PROBS / 2]), np.concatenate([TRUTH, TRUTH]))
    assert (both == histogram(PROBS, TRUTH) + histogram(PROBS / 2, TRUTH)).all()


def test_dice_and_iou_by_hand() -> None:
    dice, iou = overlap(histogram(PROBS, TRUTH), 0.75)
    assert (dice, iou) == (pytest.approx(2 * 1 / (2 + 2)), pytest.approx(1 / 3))


def test_best_threshold_takes_all_true_pixels_at_one_false_one() -> None:
    assert best_threshold(histogram(PROBS, TRUTH)) == pytest.approx(0.7, abs=1e-3)


def test_without_a_true_pixel_there_is_no_figure() -> None:
    assert np.isnan(average_precision(histogram(PROBS, np.zeros(5, bool))))


def _scene(found: int, alarms: int) -> tuple[np.ndarray, np.ndarray]:
    """Four true lesions, the first `found` of which are predicted at 0.8, and `alarms` false ones at 0.6."""
    truth, probs = np.zeros((64, 256), bool), np.zeros((64, 256), np.float32)
    for i in range(4):
        truth[8:16, 20 * i : 20 * i + 8] = True
        probs[8:16, 20 * i : 20 * i + 8] = 0.8 if i < found else 0
    for i in range(alarms):
        probs[40:48, 20 * i : 20 * i + 8] = 0.6
    return probs, truth


def test_sweep_counts_lesions_and_alarms() -> None:
    counted = sweep(*_scene(found=3, alarms=5))
    low, high = int(np.searchsorted(THRESHOLDS, 0.3)), int(np.searchsorted(THRESHOLDS, 0.75))
    assert counted.lesions == 4
    assert (counted.found[low], counted.false[low]) == (3, 5)
    assert (counted.found[high], counted.false[high]) == (3, 0)


def test_sensitivity_at_an_alarm_rate_uses_the_threshold_that_keeps_it() -> None:
    weak = sweep(*_scene(found=2, alarms=0))
    noisy = sweep(*_scene(found=4, alarms=12))
    assert sensitivity_at([noisy], 1) == 1.0
    assert sensitivity_at([weak], 8) == 0.5
    probs, truth = _scene(found=4, alarms=12)
    assert sensitivity_at([sweep(np.where(probs == np.float32(0.8), np.float32(0.4), probs), truth)], 8) == 0.0
