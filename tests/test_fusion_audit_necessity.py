"""Necessity: readers whose dependence on drawn lesions is known by construction."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fusion.audit.figures import Result, measure
from fusion.audit.necessity import SPECS, Case, Reader, log_odds, match_controls, measure_necessity, paint_over, vesselness

SIDE = 240
SPOTS = ((70, 120), (170, 120), (120, 60))


def _case() -> Case:
    """A grained retina with three dark lesions, of which two are cited."""
    rng = np.random.default_rng(0)
    retina = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(retina, (120, 120), 116, 1, cv2.FILLED)
    pixels = np.where(retina[..., None] > 0, rng.normal((170, 90, 50), 3, (SIDE, SIDE, 3)), 0).astype(np.uint8)
    masks = []
    for spot in SPOTS:
        mask = np.zeros_like(retina)
        cv2.circle(mask, spot, 7, 1, cv2.FILLED)
        pixels[mask > 0] = (60, 15, 10)
        masks.append(mask > 0)
    lesions = masks[0] | masks[1] | masks[2]
    return Case(pixels, retina > 0, masks[0] | masks[1], lesions, np.zeros_like(lesions), (120.0, 120.0), 2, True)


def _probs(chance: float) -> np.ndarray:
    return np.array([1 - chance, 0, chance, 0, 0])


def _counts_dark(least: float) -> Reader:
    """Grade 2 where enough of the retina is dark."""

    def read(pixels: np.ndarray) -> np.ndarray:
        dark = ((pixels[..., 1] < 40) & (pixels[..., 0] > 20)).sum() / 149
        return _probs(1 / (1 + np.exp(-4 * (dark - least))))

    return read


def test_log_odds() -> None:
    assert log_odds(np.array([0.2, 0, 0.8, 0, 0]), 2) == pytest.approx(np.log(4))
    assert log_odds(np.array([0.0, 0, 1.0, 0, 0]), 2) == pytest.approx(np.log(1e6), rel=1e-3)


def test_painting_over_removes_the_lesion_and_touches_nothing_else() -> None:
    case = _case()
    painted = paint_over(case.pixels, case.cited, case.retina)
    far = cv2.dilate(case.cited.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert (painted[far] == case.pixels[far]).all()
    assert abs(painted[case.cited].astype(float).mean(axis=0) - (170, 90, 50)).max() < 8
    assert (paint_over(case.pixels, np.zeros_like(case.cited), case.retina) == case.pixels).all()


def test_at_the_rim_the_black_border_gives_no_colour() -> None:
    case = _case()
    at_the_rim = np.zeros_like(case.cited)
    at_the_rim[4:14, 115:125] = True
    at_the_rim &= case.retina
    painted = paint_over(case.pixels, at_the_rim, case.retina)
    assert painted[at_the_rim].min(axis=0)[0] > 120
    assert (painted[~case.retina] == 0).all()


def test_controls_have_the_lesions_area_and_eccentricity_and_lie_on_healthy_retina() -> None:
    case = _case()
    controls = match_controls(case.cited, case.lesions, case.retina, vesselness(case.pixels, case.retina), case.middle)
    assert controls.mask.sum() == case.cited.sum() and controls.matched == 1
    assert not (controls.mask & case.lesions).any() and not (controls.mask & ~case.retina).any()
    distances = [np.hypot(x - 120, y - 120) for x, y in cv2.connectedComponentsWithStats(controls.mask.astype(np.uint8))[3][1:]]
    assert all(44 <= distance <= 56 for distance in distances) and len(distances) == 2  # the lesions lie 50 px out
    assert controls.eccentricity < 0.03


def test_a_control_goes_where_vessels_are_when_its_lesion_lies_on_one() -> None:
    case = _case()
    retina = case.retina
    vessels = np.zeros((SIDE, SIDE), np.float32)
    vessels[:120] = 1
    upper = np.zeros_like(retina)
    upper[58:64, 118:124] = True
    controls = match_controls(upper, upper, retina, vessels, case.middle)
    assert controls.mask[:120].sum() == controls.mask.sum() > 0
    assert controls.vesselness < 0.05


def test_a_dark_line_looks_like_a_vessel() -> None:
    case = _case()
    pixels = case.pixels.copy()
    cv2.line(pixels, (40, 200), (200, 200), (90, 40, 20), 3)
    ridges = vesselness(pixels, case.retina)
    assert ridges[200, 80:160].mean() > 10 * ridges[180, 80:160].mean()


def test_a_reader_of_the_cited_lesions_passes() -> None:
    numbers = measure_necessity(_case(), _counts_dark(1.5)).numbers
    product = numbers["product"]
    assert product["drop"] == pytest.approx(8, abs=0.5)  # two of three lesions, 4 each
    assert numbers["null:control"] == {"drop": 0, "flip": 0, "cases": 1}
    assert (product["flip"], product["pass"], product["keep"]) == (1, 1, 1)
    assert numbers["oracle"]["drop"] >= product["drop"]
    assert product["effect"] == product["drop"]


def test_an_outline_that_is_too_small_leaves_no_other_lesion_over() -> None:
    case = _case()
    inner = cv2.erode(case.cited.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert measure_necessity(replace(case, cited=inner), _counts_dark(1.5)).numbers["product"]["keep"] == 1


def test_a_reader_that_ignores_the_photograph_does_not() -> None:
    numbers = measure_necessity(_case(), lambda pixels: _probs(0.9)).numbers
    assert (numbers["product"]["drop"], numbers["product"]["flip"], numbers["product"]["pass"]) == (0, 0, 0)
    passed = measure(SPECS[2], [Result("a", "necessity", "product", numbers["product"])], resamples=10)
    assert (passed.value, passed.closed, passed.row) == (0, 0, 7)


def test_a_reader_that_any_edit_upsets_does_not() -> None:
    case = _case()
    numbers = measure_necessity(case, lambda pixels: _probs(0.9 if (pixels == case.pixels).all() else 0.1)).numbers
    assert (numbers["product"]["flip"], numbers["null:control"]["flip"]) == (1, 1)
    assert (numbers["product"]["pass"], numbers["product"]["effect"]) == (0, 0)


def test_a_reader_of_other_lesions_than_it_cites_does_not() -> None:
    case = _case()

    def third_only(pixels: np.ndarray) -> np.ndarray:
        return _probs(0.9 if pixels[60, 120, 1] < 40 else 0.1)

    product = measure_necessity(case, third_only).numbers["product"]
    assert (product["drop"], product["pass"], product["keep"]) == (0, 0, 0)


def test_a_wrong_grade_never_passes_and_an_unknown_one_is_not_judged() -> None:
    assert measure_necessity(replace(_case(), right=False), _counts_dark(1.5)).numbers["product"]["pass"] == 0
    assert "pass" not in measure_necessity(replace(_case(), right=None), _counts_dark(1.5)).numbers["product"]


def test_without_a_citation_or_without_room_for_controls_nothing_is_said() -> None:
    case = _case()
    for cited in (np.zeros_like(case.cited), case.retina.copy()):
        numbers = measure_necessity(replace(case, cited=cited), _counts_dark(1.5)).numbers
        assert np.isnan(numbers["product"]["drop"]) and np.isnan(numbers["product"]["pass"])
    assert numbers["product"]["matched"] == 0
