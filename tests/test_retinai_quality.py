"""The quality gate on drawn eyes, spoilt in every way, and on pictures that are no eyes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from retinai.image import fundus_image
from retinai.quality import CUT_OFF, LIMITS, MANY_FIELDS, NOT_FUNDUS, OVER_EXPOSED, TOO_BLURRED, TOO_DARK, assess, measure, retina_log_odds
from retinai.types import Quality

Picture = NDArray[np.uint8]
SIZE = 640
CENTRE = SIZE // 2
RADIUS = 300


def _round(pixels: Picture) -> Picture:
    """The middle of a picture in a round frame on black."""
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = cv2.resize(pixels[top : top + side, left : left + side, :3], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    frame = cv2.circle(np.zeros((SIZE, SIZE), np.uint8), (CENTRE, CENTRE), RADIUS, 1, cv2.FILLED)
    return np.asarray(cv2.copyTo(square, frame), np.uint8)


def draw_eye(seed: int = 0) -> Picture:
    """A shaded retina with a disc, a macula and vessels that branch from the disc, on black."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((SIZE, SIZE))
    shade = 1 - 0.35 * ((rows - CENTRE) ** 2 + (columns - CENTRE) ** 2) / RADIUS**2
    pixels = np.array([190, 95, 40]) * shade[..., None]
    macula = np.exp(-((rows - CENTRE) ** 2 + (columns - CENTRE + 40) ** 2) / 4000.0)[..., None]
    canvas = np.clip(pixels * (1 - 0.35 * macula) + rng.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
    cv2.circle(canvas, (CENTRE + 130, CENTRE), 38, (245, 205, 130), cv2.FILLED)
    for angle in np.linspace(0, 2 * np.pi, 9)[:-1]:
        _draw_vessel(canvas, rng, np.array([CENTRE + 130.0, CENTRE]), angle + 0.4, 7)
    return _round(np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.2), np.uint8))


def _draw_vessel(canvas: Picture, rng: np.random.Generator, at: NDArray[np.float64], angle: float, width: int) -> None:
    for step in range(28):
        angle += rng.normal(0, 0.12)
        ahead = at + 16 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(canvas, at.astype(int).tolist(), ahead.astype(int).tolist(), (120, 35, 20), width)
        at = ahead
        if step % 9 == 8 and width > 3:
            _draw_vessel(canvas, rng, at, angle + rng.choice([-0.7, 0.7]), width - 2)


@pytest.fixture(scope="module")
def eye() -> Picture:
    return draw_eye()


def judge(pixels: Picture) -> Quality:
    return assess(fundus_image(pixels, "picture"))


def test_a_clear_eye_is_gradable(eye: Picture) -> None:
    quality = judge(eye)
    assert quality.gradable and quality.reasons == ()
    assert quality.scores["visible"] == pytest.approx(1, abs=0.02)
    assert quality.scores["brightness"] == pytest.approx(152, abs=10)
    assert quality.scores["vessels"] > 3


@pytest.mark.parametrize("width", [300, 1500])
def test_the_size_of_the_photograph_hardly_matters(eye: Picture, width: int) -> None:
    other = np.asarray(cv2.resize(eye, (width, width), interpolation=cv2.INTER_AREA if width < SIZE else cv2.INTER_CUBIC), np.uint8)
    a, b = judge(eye).scores, judge(other).scores
    assert b["vessels"] == pytest.approx(a["vessels"], rel=0.25)
    assert b["brightness"] == pytest.approx(a["brightness"], abs=2)


@pytest.mark.parametrize("cut", [np.s_[90:-90, :], np.s_[60:-60, 20:-20]])
def test_what_cameras_cut_from_the_circle_is_no_fault(eye: Picture, cut: tuple[slice, slice]) -> None:
    assert judge(np.ascontiguousarray(eye[cut])).gradable


@pytest.mark.parametrize("cut", [np.s_[:, : SIZE // 2 - 10], np.s_[SIZE // 2 :, :], np.s_[: SIZE // 2, : SIZE // 2]])
def test_half_a_field_is_cut_off(eye: Picture, cut: tuple[slice, slice]) -> None:
    assert judge(np.ascontiguousarray(eye[cut])).reasons == (CUT_OFF,)


def test_a_dark_eye_is_too_dark(eye: Picture) -> None:
    assert judge((eye * 0.25).astype(np.uint8)).reasons == (TOO_DARK,)


def test_a_glaring_eye_is_over_exposed(eye: Picture) -> None:
    assert judge(np.clip(eye * 3.0, 0, 255).astype(np.uint8)).reasons == (OVER_EXPOSED,)


def test_a_blurred_eye_is_too_blurred_and_vessels_fade_with_blur(eye: Picture) -> None:
    traced = [judge(np.asarray(cv2.GaussianBlur(eye, (0, 0), sigma), np.uint8)) for sigma in (1, 10, 20)]
    vessels = [quality.scores["vessels"] for quality in traced]
    assert vessels == sorted(vessels, reverse=True)
    assert traced[0].gradable and traced[-1].reasons == (TOO_BLURRED,)


def test_lesions_do_not_make_an_eye_another_thing(eye: Picture) -> None:
    """Large haemorrhages, many exudates, and the bright bodies of asteroid hyalosis."""
    rng = np.random.default_rng(1)
    sick = eye.copy()
    for ink, count, radius in (((95, 15, 12), 14, 16), ((250, 225, 120), 60, 4), ((255, 245, 215), 150, 2)):
        for x, y in rng.normal(CENTRE, 90, (count, 2)).astype(int):
            cv2.circle(sick, (int(x), int(y)), radius, ink, cv2.FILLED)
    assert judge(np.asarray(cv2.GaussianBlur(sick, (0, 0), 1), np.uint8)).gradable


def _ball() -> Picture:
    rows, columns = np.indices((SIZE, SIZE))
    height = np.sqrt(np.clip(1 - ((rows - CENTRE) ** 2 + (columns - CENTRE) ** 2) / RADIUS**2, 0, 1))
    pixels = (np.array([190, 60, 40]) * np.where(height > 0, 0.3 + 0.7 * height, 0)[..., None]).astype(np.uint8)
    return np.asarray(cv2.circle(pixels, (240, 240), 25, (255, 250, 245), cv2.FILLED), np.uint8)


def _page() -> Picture:
    page = np.full((800, 600, 3), 250, np.uint8)
    for row in range(40, 780, 24):
        cv2.putText(page, "the quick brown fox jumps over the lazy dog", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 2)
    return page


def _noise() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


OTHERS = {
    "black": np.zeros((480, 640, 3), np.uint8),
    "white": np.full((480, 640, 3), 255, np.uint8),
    "red": np.full((480, 640, 3), (180, 40, 30), np.uint8),
    "orange disc": _round(np.full((480, 640, 3), (210, 110, 40), np.uint8)),
    "red ball": _ball(),
    "noise": _noise(),
    "round noise": _round(_noise()),
    "page": _page(),
    "astronaut": skimage.data.astronaut(),
    "round astronaut": _round(skimage.data.astronaut()),
    "cat": skimage.data.chelsea(),
    "coffee": skimage.data.coffee(),
    "round coffee": _round(skimage.data.coffee()),
    "rocket": skimage.data.rocket(),
    "tissue": skimage.data.immunohistochemistry(),
    "coins": np.dstack([skimage.data.coins()] * 3),
    "round coins": _round(np.dstack([skimage.data.coins()] * 3)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_eye_is_refused(name: str) -> None:
    assert not judge(np.ascontiguousarray(OTHERS[name])).gradable


@pytest.mark.parametrize("name", ["black", "white", "noise", "page", "astronaut", "round astronaut", "cat", "coffee", "coins", "rocket"])
def test_and_most_of_it_is_called_no_eye(name: str) -> None:
    assert judge(np.ascontiguousarray(OTHERS[name])).reasons == (NOT_FUNDUS,)


def test_a_real_fundus_photograph_is_accepted() -> None:
    assert judge(skimage.data.retina()).gradable


def _page_of(*eyes: Picture, ground: int = 0, stacked: bool = False) -> Picture:
    """Eyes side by side or one below the other, with a margin of `ground` around each."""
    framed = [cv2.copyMakeBorder(eye, 30, 30, 30, 30, cv2.BORDER_CONSTANT, value=(ground,) * 3) for eye in eyes]
    return np.asarray(np.vstack(framed) if stacked else np.hstack(framed), np.uint8)


@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("stacked", [False, True])
def test_two_eyes_on_one_page_are_refused(eye: Picture, ground: int, stacked: bool) -> None:
    other = (draw_eye(1)[:, ::-1] * 0.5).astype(np.uint8)
    assert judge(_page_of(eye, other, ground=ground, stacked=stacked)).reasons == (MANY_FIELDS,)


def test_three_eyes_and_eyes_that_touch_are_counted(eye: Picture) -> None:
    tight = np.ascontiguousarray(eye[60:-60, CENTRE - RADIUS : CENTRE + RADIUS])  # top and bottom cut off, sides to the rim
    assert fundus_image(_page_of(eye, eye, eye), "three").fields == 3
    assert judge(np.hstack([tight, tight])).reasons == (MANY_FIELDS,)
    assert judge(np.vstack([eye[:, 20:-20], np.asarray(cv2.resize(eye, (600, 600)), np.uint8)])).reasons == (MANY_FIELDS,)


def _notch(eye: Picture) -> Picture:
    return np.asarray(cv2.fillPoly(eye.copy(), [np.array([[200, 0], [320, 320], [440, 0]])], (0, 0, 0)), np.uint8)


def _band(eye: Picture) -> Picture:
    banded = eye.copy()
    banded[:, 300:340] = 0
    return banded


def _label(eye: Picture) -> Picture:
    wide = cv2.copyMakeBorder(eye, 0, 0, 0, 200, cv2.BORDER_CONSTANT)
    cv2.putText(wide, "OD 123", (650, 600), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 4)
    return np.asarray(cv2.rectangle(wide, (660, 20), (760, 120), (220, 60, 40), cv2.FILLED), np.uint8)


def _reflection(eye: Picture) -> Picture:
    return np.asarray(cv2.ellipse(eye.copy(), (300, 330), (60, 190), 20, 0, 360, (255, 250, 240), cv2.FILLED), np.uint8)


@pytest.mark.parametrize("odd", [_notch, _band, _label, _reflection])
def test_one_odd_eye_is_not_two(eye: Picture, odd: Callable[[Picture], Picture]) -> None:
    assert MANY_FIELDS not in judge(odd(eye)).reasons


def test_no_field_has_only_three_scores() -> None:
    assert measure(fundus_image(OTHERS["black"], "black")) == {"fields": 1.0, "field": 0.0, "visible": 1.0}


def test_the_log_odds_are_those_of_the_table() -> None:
    scores = {"edges": 1.0, "lines": 1.0, "colour_spread": 0.5}
    at_one = retina_log_odds(scores)
    assert retina_log_odds({**scores, "colour_spread": 1.0}) == at_one  # the floor
    assert retina_log_odds({**scores, "edges": np.e}) < at_one < retina_log_odds({**scores, "lines": np.e})


def test_every_limit_belongs_to_a_score(eye: Picture) -> None:
    assert set(LIMITS) - {"retina_unframed", "crowd"} <= set(judge(eye).scores)
