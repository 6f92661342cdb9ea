"""Deletion, insertion and ROAD: a reader of one drawn lesion, and maps that know it or do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion.audit.curves import Seen, area_under, blurred, deletion, impute, insertion, measure_curves, random_map, ranked, road, taken

SIDE = 120


def _disc(centre: tuple[int, int], radius: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, centre, radius, 1, cv2.FILLED)
    return mask > 0


FIELD, LESION = _disc((60, 60), 56), _disc((80, 50), 5)


def _photograph() -> np.ndarray:
    pixels = np.where(FIELD[..., None], np.random.default_rng(0).normal((170, 90, 50), 2, (SIDE, SIDE, 3)), 0).astype(np.uint8)
    pixels[LESION] = (60, 15, 10)
    return pixels


def _darkness(pixels: np.ndarray) -> float:
    """The chance of a grade that is the share of the lesion that is still there, 0..1."""
    return float((pixels[LESION][:, 1] < 40).mean())


def test_ranks_follow_the_map_and_stay_in_the_field() -> None:
    values = np.where(LESION, 1.0, 0.0)
    order = ranked(values, FIELD)
    assert order.size == FIELD.sum() and len(set(order.tolist())) == order.size
    assert (taken(order, LESION.sum() / FIELD.sum(), FIELD.shape) == LESION).all()
    assert not taken(order, 0, FIELD.shape).any() and (taken(order, 1, FIELD.shape) == FIELD).all()


def test_area_under_a_curve() -> None:
    assert area_under((0, 0.5, 1), (1, 0, 0)) == 0.25
    assert area_under((0, 0.1, 0.5), (0.3, 0.3, 0.3)) == pytest.approx(0.3)


def test_blurring_takes_the_lesion_away_and_leaves_the_border_black() -> None:
    soft = blurred(_photograph(), FIELD)
    assert _darkness(soft) == 0
    assert soft[~FIELD].max() == 0
    assert abs(soft[FIELD].astype(float).mean(axis=0) - _photograph()[FIELD].mean(axis=0)).max() < 3


def test_the_true_lesion_as_a_map_deletes_at_once_and_inserts_at_once() -> None:
    faithful, opposite = np.where(LESION, 1.0, 0.0), np.where(LESION, 0.0, 1.0)
    assert deletion(_photograph(), FIELD, faithful, _darkness) < 0.02
    assert insertion(_photograph(), FIELD, faithful, _darkness) > 0.98
    # The lesion is all in the last percent of the order, within the last step of the curve.
    assert deletion(_photograph(), FIELD, opposite, _darkness) == pytest.approx(0.85)
    assert insertion(_photograph(), FIELD, opposite, _darkness) == pytest.approx(0.15)


def test_imputing_solves_what_is_missing_from_its_surroundings() -> None:
    ramp = np.tile(np.linspace(40, 200, SIDE), (SIDE, 1))
    pixels = np.repeat(ramp[..., None], 3, axis=2).astype(np.uint8)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    holed = pixels.copy()
    holed[LESION] = 0
    filled = impute(holed, LESION, everywhere)
    assert abs(filled[LESION].astype(float) - pixels[LESION]).mean() < 3  # a ramp is harmonic: only the noise is left
    assert (filled[~LESION] == holed[~LESION]).all()


def test_road_is_positive_for_the_lesion_negative_for_its_opposite() -> None:
    faithful, opposite = np.where(LESION, 1.0, 0.0), np.where(LESION, 0.0, 1.0)
    # Without the most salient pixels the chance is 0, without the least 1: half their difference.
    assert road(_photograph(), FIELD, faithful, _darkness) == pytest.approx(0.5)
    assert road(_photograph(), FIELD, opposite, _darkness) == pytest.approx(-0.5)


def test_a_reader_that_ignores_the_photograph_gives_every_map_the_same_curves() -> None:
    found = measure_curves(Seen(_photograph(), FIELD, np.where(LESION, 1.0, 0.0), LESION), lambda pixels: 0.7)
    assert found["product"] == found["null:random"] == found["oracle"]
    assert found["product"]["deletion"] == pytest.approx(0.7) and found["product"]["road"] == 0


def test_the_oracle_beats_chance() -> None:
    found = measure_curves(Seen(_photograph(), FIELD, random_map(FIELD, seed=5), LESION), _darkness)
    assert found["oracle"]["deletion"] < found["null:random"]["deletion"]
    assert found["oracle"]["insertion"] > found["null:random"]["insertion"]
    assert found["oracle"]["road"] == pytest.approx(0.5)
    assert abs(found["null:random"]["road"]) < 0.1
    assert "oracle" not in measure_curves(Seen(_photograph(), FIELD, random_map(FIELD)), _darkness)
