"""The field of view on drawn photographs, and the round trip between native pixels and the square."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from retinai.fit import Fit, field_box, find_field

RETINA = (190, 100, 40)


def _photograph(
    height: int, width: int, centre: tuple[int, int], radius: int, border: int = 0, retina: tuple[int, int, int] = RETINA
) -> NDArray[np.uint8]:
    pixels = np.full((height, width, 3), border, np.uint8)
    cv2.circle(pixels, centre, radius, retina, cv2.FILLED)
    return pixels


def _disc(height: int, width: int, centre: tuple[int, int], radius: int) -> NDArray[np.bool_]:
    return _photograph(height, width, centre, radius)[..., 0] > 0


def _overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("border", [0, 4, 60, 255])
@pytest.mark.parametrize(("height", "width", "radius"), [(400, 600, 180), (601, 403, 190), (1000, 1500, 620)])
def test_a_round_field_is_found_on_any_plain_border(height: int, width: int, radius: int, border: int) -> None:
    centre = (width // 2 + 5, height // 2)
    found = find_field(_photograph(height, width, centre, radius, border))
    assert _overlap(found, _disc(height, width, centre, radius)) > 0.97


def test_a_dark_photograph_has_a_field() -> None:
    found = find_field(_photograph(400, 600, (300, 200), 180, 0, (14, 8, 2)))
    assert _overlap(found, _disc(400, 600, (300, 200), 180)) > 0.97


def test_a_dark_patch_at_the_rim_belongs_to_the_field() -> None:
    pixels = _photograph(400, 600, (300, 200), 180)
    cv2.circle(pixels, (150, 200), 40, (9, 4, 0), cv2.FILLED)
    assert _overlap(find_field(pixels), _disc(400, 600, (300, 200), 180)) > 0.95


def test_glow_around_the_rim_is_outside() -> None:
    pixels = _photograph(400, 600, (300, 200), 195, 0, (15, 14, 12))
    cv2.circle(pixels, (300, 200), 180, RETINA, cv2.FILLED)
    assert field_box(find_field(pixels))[2] == pytest.approx(361, abs=6)


@pytest.mark.parametrize("at", [(5, 20), (20, 115)])
def test_a_date_stamp_is_no_field_even_where_it_touches_the_rim(at: tuple[int, int]) -> None:
    pixels = _photograph(400, 600, (300, 200), 180)
    cv2.putText(pixels, "12.08.2008 10:41", at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (80, 255, 80), 1)
    assert field_box(find_field(pixels)) == pytest.approx((120, 20, 361, 361), abs=3)


def test_a_photograph_that_fills_the_frame_is_all_field() -> None:
    shade = np.linspace(0.5, 1.0, 300)[:, None, None]
    assert find_field((np.array(RETINA) * shade * np.ones((300, 400, 1))).astype(np.uint8)).all()


@pytest.mark.parametrize("level", [0, 3])
def test_black_has_no_field(level: int) -> None:
    assert not find_field(np.full((200, 300, 3), level, np.uint8)).any()


def test_the_box_of_no_field_is_the_whole_photograph() -> None:
    assert field_box(np.zeros((20, 30), bool)) == (0, 0, 30, 20)


SHAPES = [(285, 429, 128), (97, 60, 64), (333, 217, 111), (50, 70, 200), (64, 64, 64)]


def _fit(height: int, width: int, side: int) -> Fit:
    field = np.zeros((height, width), bool)
    field[height // 10 : -height // 12, width // 7 : -width // 9] = True
    return Fit.of(field, side)


@pytest.mark.parametrize(("height", "width", "side"), SHAPES)
def test_points_come_back_exactly(height: int, width: int, side: int) -> None:
    fit = _fit(height, width, side)
    points = np.random.default_rng(0).uniform((0, 0), (width, height), (200, 2))
    np.testing.assert_allclose(fit.to_native(fit.to_square(points)), points, atol=1e-9)


@pytest.mark.parametrize(("height", "width", "side"), SHAPES)
def test_the_corners_of_the_crop_meet_the_corners_of_the_inner_box(height: int, width: int, side: int) -> None:
    fit = _fit(height, width, side)
    left, top, w, h = fit.crop
    x, y, inner_w, inner_h = fit.inner
    edges = fit.to_square(np.array([[left - 0.5, top - 0.5], [left + w - 0.5, top + h - 0.5]]))
    np.testing.assert_allclose(edges, [[x - 0.5, y - 0.5], [x + inner_w - 0.5, y + inner_h - 0.5]], atol=1e-9)


def _centroid(values: NDArray[np.float32]) -> NDArray[np.float64]:
    rows, columns = np.indices(values.shape)
    return np.array([(columns * values).sum(), (rows * values).sum()], np.float64) / values.sum()


@pytest.mark.parametrize(("height", "width", "side"), SHAPES)
@pytest.mark.parametrize("place", [(0.3, 0.4), (0.62, 0.55), (0.5, 0.71)])
def test_a_blob_comes_back_to_its_place(height: int, width: int, side: int, place: tuple[float, float]) -> None:
    fit = _fit(height, width, side)
    centre = np.array([place[0] * width, place[1] * height])
    rows, columns = np.indices((height, width))
    spread = max(2.5, 1.5 / fit.scale[0])
    blob = np.exp(-((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2) / (2 * spread**2)).astype(np.float32)
    blob[blob < 1e-3] = 0
    square = fit.apply(blob)
    half_a_square_pixel = 0.5 / min(fit.scale)
    assert np.abs(_centroid(square) - fit.to_square(centre[None])[0]).max() < 0.1
    assert np.abs(_centroid(fit.invert(square)) - centre).max() < min(0.5, half_a_square_pixel)


def test_both_axes_keep_their_proportion() -> None:
    fit = _fit(2848, 4288, 1440)
    assert fit.scale[0] == pytest.approx(fit.scale[1], rel=1e-3)
    assert max(fit.inner[2:]) == 1440


def test_outside_the_crop_is_zero_both_ways() -> None:
    fit = _fit(90, 140, 64)
    square = fit.apply(np.full((90, 140, 3), 200, np.uint8))
    assert square.shape == (64, 64, 3) and square[0].max() == 0 and square[32, 32].min() == 200
    native = fit.invert(np.ones((64, 64), np.float32))
    left, top, width, height = fit.crop
    assert native.shape == (90, 140) and native.sum() == width * height and native[top, left] == 1
