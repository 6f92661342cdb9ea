from __future__ import annotations

import numpy as np
import pytest

from retinai.calibrate import Found, _support, choose_peak, describe


def parts(confidence: list[float], true: list[bool], highest: list[float] | None = None) -> Found:
    return Found(np.array(confidence), np.array(true, bool), np.array(highest or [max(confidence, default=0)]))


def test_the_peak_rises_until_lesions_are_more_often_true_than_not() -> None:
    masked = parts([0.4, 0.5, 0.6, 0.7, 0.8], [False, False, False, True, True])
    assert choose_peak(masked, parts([], [], [0.0]), 0.3) == 0.51


def test_the_peak_rises_until_healthy_photographs_are_clear() -> None:
    masked = parts([0.9, 0.95], [True, True])
    healthy = parts([], [], [0.0] * 18 + [0.5, 0.8])
    assert choose_peak(masked, healthy, 0.3) == 0.51  # one of twenty is allowed
    assert choose_peak(masked, parts([], [], [0.0] * 8 + [0.5, 0.8]), 0.3) == 0.81


def test_where_nothing_helps_almost_nothing_is_told() -> None:
    assert choose_peak(parts([0.9], [False]), parts([], [], [0.0]), 0.3) == 0.99999


def test_the_card_counts() -> None:
    told = describe(parts([0.4, 0.7, 0.9], [False, False, True]), parts([], [], [0.0, 0.8, 0.2, 0.1]), 0.6)
    assert (told["told_lesions"], told["true_lesions"], told["healthy_with_a_lesion"], told["healthy_photographs"]) == (2, 1, 1, 4)
    assert told["precision_ci"][0] < 0.5 < told["precision_ci"][1]


def test_a_support_point_that_cannot_be_set_is_none() -> None:
    scores = [1 - n / 1000 for n in range(1, 100)]
    assert _support(parts(scores, [True] * 99), 0.5) == pytest.approx(scores[-1])
    assert _support(parts(scores, [True] * 99), 0.95) == 0.95  # never below what is reported
    assert _support(parts(scores[:40], [True] * 40), 0.5) is None  # too few
    assert _support(parts(scores, [False] * 99), 0.5) is None
    assert _support(parts([1.0] * 80, [True] * 80), 0.5) is None  # only a saturated map would reach it
