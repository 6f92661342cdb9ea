from __future__ import annotations

import numpy as np

from segmentation.calibrate import Parts, _parts, choose_peak, describe


def parts(peaks: list[float], true: list[bool], best: list[float] | None = None) -> Parts:
    return Parts(np.array(peaks, np.float32), np.array(true, bool), np.array(best or [max(peaks, default=0)], np.float32))


def test_a_part_is_true_when_it_touches_the_mask_and_has_its_highest_probability() -> None:
    probs, truth = np.zeros((20, 20), np.float32), np.zeros((20, 20), bool)
    probs[2:5, 2:5], probs[3, 3], probs[12:15, 12:15] = 0.6, 0.9, 0.7
    truth[4:8, 4:8] = True
    peaks, true = _parts(probs, truth, 0.5)
    assert {round(float(peak), 1): bool(hit) for peak, hit in zip(peaks, true, strict=True)} == {0.9: True, 0.7: False}


def test_the_peak_rises_until_parts_are_more_often_true_than_not() -> None:
    masked = parts([0.4, 0.5, 0.6, 0.7, 0.8], [False, False, False, True, True])
    assert choose_peak(masked, parts([], [], [0.0]), 0.3) == 0.51


def test_the_peak_rises_until_healthy_photographs_are_clear() -> None:
    masked = parts([0.9, 0.95], [True, True])
    healthy = parts([], [], [0.0] * 18 + [0.5, 0.8])
    assert choose_peak(masked, healthy, 0.3) == 0.51  # one of twenty is allowed
    assert choose_peak(masked, parts([], [], [0.0] * 8 + [0.5, 0.8]), 0.3) == 0.81


def test_where_nothing_helps_almost_nothing_is_told() -> None:
    assert choose_peak(parts([0.9], [False]), parts([], [], [0.0]), 0.3) == 0.99


def test_the_card_counts() -> None:
    told = describe(parts([0.4, 0.7, 0.9], [False, False, True]), parts([], [], [0.0, 0.8, 0.2, 0.1]), 0.6)
    assert (told["told_parts"], told["true_parts"], told["healthy_with_a_part"], told["healthy_photographs"]) == (2, 1, 1, 4)
    assert told["precision_ci"][0] < 0.5 < told["precision_ci"][1]
