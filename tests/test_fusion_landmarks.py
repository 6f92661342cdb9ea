"""Landmarks on drawn eyes whose disc and fovea are known, and the scenes in which nothing must be found."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fusion.landmarks import find_landmarks
from retinai.lesions import SEGMENTED
from retinai.types import Eye, FundusImage, Landmarks, LesionMap

HEIGHT, WIDTH, RADIUS, DD = 480, 640, 230, 70
Point = tuple[float, float]


@dataclass
class Scene:
    """A drawn right eye: light that falls off, a disc, a dip at the fovea, two arcades. dip: 0..1, how dark."""

    dip: float = 0.3
    angle: float = 8.0
    distance: float = 2.6
    disc: Point = (430.0, 225.0)
    disc_axes: tuple[int, int] = (DD // 2, DD // 2)
    second_dip: bool = False
    lesions: list[tuple[str, Point, int, int]] = field(default_factory=list)  # code, centre, radius, grey level

    @property
    def fovea(self) -> Point:
        turn = np.radians(self.angle)
        return self.disc[0] - self.distance * DD * np.cos(turn), self.disc[1] + self.distance * DD * np.sin(turn)

    def green(self) -> NDArray[np.float64]:
        y, x = np.indices((HEIGHT, WIDTH))
        light = 120 - 60 * ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2) / RADIUS**2 + 0.05 * (x - WIDTH / 2)
        foveas = [self.fovea, (2 * self.disc[0] - self.fovea[0], self.fovea[1])] if self.second_dip else [self.fovea]
        for fx, fy in foveas:
            light *= 1 - self.dip * np.exp(-((x - fx) ** 2 + (y - fy) ** 2) / (2 * (0.4 * DD) ** 2))
        return light

    def draw(self, eye: Eye | None = None) -> tuple[LesionMap, FundusImage]:
        retina = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.circle(retina, (WIDTH // 2, HEIGHT // 2), RADIUS, 1, cv2.FILLED)
        plane = self.green() + np.random.default_rng(0).normal(0, 3, (HEIGHT, WIDTH))
        centre = round(self.disc[0]), round(self.disc[1])
        for sign in (-1, 1):
            cv2.ellipse(plane, (centre[0] - 150, centre[1]), (150, 120), 0, 0, sign * 120, 60, 5)
        probs = np.zeros((len(SEGMENTED), HEIGHT, WIDTH), np.float32)
        cv2.ellipse(plane, centre, self.disc_axes, 0, 0, 360, 200, cv2.FILLED)
        cv2.ellipse(probs[SEGMENTED.index("OD")], centre, self.disc_axes, 0, 0, 360, 1, cv2.FILLED)
        for code, (x, y), radius, grey in self.lesions:
            cv2.circle(plane, (round(x), round(y)), radius, grey, cv2.FILLED)
            cv2.circle(probs[SEGMENTED.index(code)], (round(x), round(y)), radius, 1, cv2.FILLED)
        pixels = np.stack([plane * 1.5, plane, plane * 0.4], axis=-1).clip(1, 255).astype(np.uint8) * retina[..., None]
        return LesionMap(probs, SEGMENTED), FundusImage("drawn", pixels, retina > 0, eye)


def mirrored(lesion_map: LesionMap, image: FundusImage) -> tuple[LesionMap, FundusImage]:
    flip = np.ascontiguousarray
    return (
        LesionMap(flip(lesion_map.probs[..., ::-1]), lesion_map.classes),
        FundusImage("mirrored", flip(image.pixels[:, ::-1]), flip(image.field[:, ::-1])),
    )


def off_dd(found: Landmarks, true: Point) -> float:
    assert found.fovea is not None
    return float(np.hypot(found.fovea[0] - true[0], found.fovea[1] - true[1])) / DD


@pytest.mark.parametrize("angle", [3.0, 8.0, 20.0])
@pytest.mark.parametrize("distance", [2.2, 2.6, 3.1])
def test_the_fovea_of_a_right_eye(angle: float, distance: float):
    scene = Scene(angle=angle, distance=distance)
    found = find_landmarks(*scene.draw())
    assert found.disc == pytest.approx(scene.disc, abs=1.5)
    assert found.disc_diameter_px == pytest.approx(DD, rel=0.03)
    assert off_dd(found, scene.fovea) < 0.15
    assert found.eye == "right"
    assert found.fovea_confidence >= 0.5 and found.disc_confidence > 0.9


def rotated(lesion_map: LesionMap, image: FundusImage, quarters: int) -> tuple[LesionMap, FundusImage]:
    turn = lambda plane: np.ascontiguousarray(np.rot90(plane, quarters))  # noqa: E731
    probs = np.stack([turn(channel) for channel in lesion_map.probs])
    return LesionMap(probs, lesion_map.classes), FundusImage("rotated", turn(image.pixels), turn(image.field))


@pytest.mark.parametrize("angle", [3.0, 8.0, 15.0])
def test_upside_down_there_is_a_fovea_but_no_eye(angle: float):
    scene = Scene(angle=angle)
    upright, found = find_landmarks(*scene.draw()), find_landmarks(*rotated(*scene.draw(), 2))
    assert (upright.inverted, upright.eye) == (False, "right")
    assert (found.inverted, found.eye) == (True, None)
    assert off_dd(found, (WIDTH - 1 - scene.fovea[0], HEIGHT - 1 - scene.fovea[1])) < 0.15  # so distances to it still hold
    assert found.fovea_confidence <= 0.5


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_photograph_on_its_side_has_neither_fovea_nor_eye(quarters: int):
    found = find_landmarks(*rotated(*Scene().draw(), quarters))
    assert found.disc is not None and (found.fovea, found.eye, found.inverted) == (None, None, False)


def test_a_mirrored_photograph_is_a_left_eye():
    scene = Scene()
    found = find_landmarks(*mirrored(*scene.draw()))
    assert found.eye == "left"
    assert off_dd(found, (WIDTH - 1 - scene.fovea[0], scene.fovea[1])) < 0.15


def test_the_deeper_the_dip_the_surer():
    scores = [find_landmarks(*Scene(dip=dip).draw()).fovea_confidence for dip in (0.0, 0.15, 0.2, 0.3)]
    assert scores == sorted(scores)
    assert scores[0] == 0 and scores[1] < scores[3]


def test_no_dip_no_fovea_and_no_eye():
    found = find_landmarks(*Scene(dip=0).draw())
    assert found.disc is not None
    assert (found.fovea, found.fovea_confidence, found.eye) == (None, 0.0, None)


def test_a_dip_on_either_side_is_no_fovea():
    assert find_landmarks(*Scene(disc=(320.0, 225.0)).draw()).fovea is not None
    assert find_landmarks(*Scene(disc=(320.0, 225.0), second_dip=True).draw()).fovea is None


def test_a_dark_spot_where_no_fovea_can_be_is_none():
    assert find_landmarks(*Scene(angle=60).draw()).fovea is None


def test_lesions_of_the_map_do_not_draw_the_fovea():
    scene = Scene()
    x, y = scene.fovea
    blood = [("HE", (x + 50, y - 30), 20, 20), ("HE", (x - 55, y + 20), 16, 15)]
    fat = [("EX", (x + 45 * np.cos(a), y + 45 * np.sin(a)), 6, 230) for a in np.arange(0, 6, 0.6)]
    scene.lesions = [*blood, *fat]
    assert off_dd(find_landmarks(*scene.draw()), scene.fovea) < 0.2


def test_faint_doubts_of_the_map_do_not_hide_the_fovea():
    scene = Scene()
    lesion_map, image = scene.draw()
    probs = lesion_map.probs.copy()
    cv2.circle(probs[SEGMENTED.index("HE")], (round(scene.fovea[0]), round(scene.fovea[1])), DD // 2, 0.4, cv2.FILLED)
    assert find_landmarks(LesionMap(probs, SEGMENTED), image) == find_landmarks(lesion_map, image)


def test_the_known_eye_is_the_only_side_searched():
    assert find_landmarks(*Scene().draw("right")).eye == "right"
    wrong = find_landmarks(*Scene().draw("left"))
    assert (wrong.fovea, wrong.eye) == (None, "left")


def test_half_a_disc_is_no_disc():
    assert find_landmarks(*Scene(disc_axes=(DD // 2, DD // 5)).draw()) == Landmarks()


@pytest.mark.parametrize("radius", [6, 90])
def test_a_disc_of_an_impossible_size_is_none(radius: int):
    assert find_landmarks(*Scene(disc_axes=(radius, radius)).draw()) == Landmarks()


def test_two_discs_are_none():
    lesion_map, image = Scene().draw()
    probs = lesion_map.probs.copy()
    cv2.circle(probs[SEGMENTED.index("OD")], (200, 200), DD // 2, 1, cv2.FILLED)
    assert find_landmarks(LesionMap(probs, SEGMENTED), image) == Landmarks()


def test_a_speck_beside_the_disc_does_no_harm():
    lesion_map, image = Scene().draw()
    probs = lesion_map.probs.copy()
    cv2.circle(probs[SEGMENTED.index("OD")], (200, 300), 5, 0.8, cv2.FILLED)
    assert find_landmarks(LesionMap(probs, SEGMENTED), image).disc == pytest.approx((430, 225), abs=1.5)


def test_without_a_disc_channel_nothing_is_found():
    lesion_map, image = Scene().draw()
    assert find_landmarks(LesionMap(lesion_map.probs[:4].copy(), SEGMENTED[:4]), image) == Landmarks()
    empty = LesionMap(np.zeros((5, HEIGHT, WIDTH), np.float32), SEGMENTED)
    assert find_landmarks(empty, image) == Landmarks()


def test_a_photograph_twice_the_size_gives_the_same_place():
    lesion_map, image = Scene().draw()
    large = lambda plane: cv2.resize(plane, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_NEAREST)  # noqa: E731
    probs = np.stack([large(channel) for channel in lesion_map.probs])
    twice = find_landmarks(LesionMap(probs, SEGMENTED), FundusImage("large", large(image.pixels), large(image.field.astype(np.uint8)) > 0))
    once = find_landmarks(lesion_map, image)
    assert once.fovea and twice.fovea
    assert (np.array(twice.fovea) + 0.5) / 2 - 0.5 == pytest.approx(np.array(once.fovea), abs=0.1 * DD)
