"""Regions: numbering, size floors, hysteresis, places, outlines; every figure by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fusion.regions import QUADRANTS, find_regions, floor_px, quadrant_of
from retinai.lesions import LESIONS, SEGMENTED
from retinai.types import FundusImage, Landmarks, LesionMap

SHAPE = (120, 160)
HALF = dict.fromkeys(SEGMENTED, 0.5)
NOWHERE = Landmarks()
LEFT_EYE = Landmarks((20.0, 60.0), 20.0, 1.0, (80.0, 60.0), 1.0, "left")


def blank() -> dict[str, NDArray[np.float32]]:
    return {code: np.zeros(SHAPE, np.float32) for code in SEGMENTED}


def photograph() -> FundusImage:
    return FundusImage("drawn", np.full((*SHAPE, 3), 90, np.uint8), np.ones(SHAPE, np.bool_))


def regions_of(planes: dict[str, NDArray[np.float32]], landmarks: Landmarks = NOWHERE, peaks: dict[str, float] | None = None):
    lesion_map = LesionMap(np.stack([planes[code] for code in SEGMENTED]), SEGMENTED)
    return find_regions(lesion_map, photograph(), HALF, landmarks, peaks)


def test_a_lesion_has_its_box_area_centre_and_highest_probability():
    planes = blank()
    planes["HE"][10:14, 20:26] = 0.6
    planes["HE"][12, 23] = 0.9
    (lesion,) = regions_of(planes).lesions
    assert (lesion.id, lesion.code, lesion.box, lesion.area_px) == ("HE-1", "HE", (20, 10, 6, 4), 24)
    assert lesion.confidence == pytest.approx(0.9)
    assert lesion.place.centre == (22.5, 11.5)
    assert (lesion.place.quadrant, lesion.place.distance_dd) == (None, None)


def test_numbers_go_by_confidence_then_area_then_position():
    planes = blank()
    squares = [(50, 50, 3, 0.7), (10, 90, 3, 0.7), (10, 10, 3, 0.7), (80, 10, 5, 0.7), (90, 90, 3, 0.95)]
    for top, left, side, value in squares:
        planes["EX"][top : top + side, left : left + side] = value
    assert [lesion.box[:2] for lesion in regions_of(planes).lesions] == [(90, 90), (10, 80), (10, 10), (90, 10), (50, 50)]


def test_lesions_come_class_by_class():
    planes = blank()
    for code in reversed(LESIONS):
        planes[code][40:60, 40:60] = 1
    assert [lesion.id for lesion in regions_of(planes).lesions] == ["MA-1", "HE-1", "EX-1", "SE-1"]


def test_corners_touch():
    planes = blank()
    planes["HE"][10:13, 10:13] = planes["HE"][13:16, 13:16] = 1
    assert len(regions_of(planes).lesions) == 1


def test_nothing_above_the_threshold_is_no_lesion():
    planes = blank()
    planes["MA"][:] = 0.499
    assert regions_of(planes).lesions == ()


def test_the_threshold_outlines_and_the_peak_decides():
    planes = blank()
    planes["HE"][10:14, 10:14] = planes["HE"][50:54, 50:54] = 0.6
    planes["HE"][51, 51] = 0.8
    assert [lesion.area_px for lesion in regions_of(planes, peaks={"HE": 0.7}).lesions] == [16]


@pytest.mark.parametrize(("code", "floor"), [("MA", 26), ("HE", 58), ("EX", 14), ("SE", 640)])
def test_floors_of_an_idrid_photograph(code: str, floor: int):
    assert floor_px(code, 3425) == floor


def test_a_part_below_its_floor_is_left_out():
    planes = blank()
    floor = floor_px("SE", 160)
    planes["SE"][5, 5 : 5 + floor] = planes["SE"][50, 5 : 4 + floor] = 1
    assert [lesion.area_px for lesion in regions_of(planes).lesions] == [floor]
    assert floor_px("EX", 10) == 1


def test_bright_lesions_in_the_disc_are_left_out_and_haemorrhages_stay():
    planes = blank()
    for code in ("HE", "EX", "SE"):
        planes[code][58:63, 18:23] = 1
    assert [lesion.id for lesion in regions_of(planes, LEFT_EYE).lesions] == ["HE-1"]
    assert len(regions_of(planes).lesions) == 3


def test_distance_is_from_the_nearest_pixel():
    planes = blank()
    planes["EX"][60, 90:101] = 1  # fovea at x 80, one DD is 20 px
    (lesion,) = regions_of(planes, LEFT_EYE).lesions
    assert lesion.place.distance_dd == pytest.approx(0.5)


def test_a_lesion_over_the_fovea_is_at_no_distance():
    planes = blank()
    planes["HE"][50:70, 70:90] = 1
    assert regions_of(planes, LEFT_EYE).lesions[0].place.distance_dd == 0


@pytest.mark.parametrize(
    ("point", "right", "left"),
    [
        ((10, 10), "superotemporal", "superonasal"),
        ((90, 10), "superonasal", "superotemporal"),
        ((10, 90), "inferotemporal", "inferonasal"),
        ((90, 90), "inferonasal", "inferotemporal"),
        ((50, 50), "inferonasal", "inferotemporal"),
    ],
)
def test_quadrants_mirror_between_the_eyes(point: tuple[float, float], right: str, left: str):
    assert quadrant_of(point, (50, 50), "right") == right
    assert quadrant_of(point, (50, 50), "left") == left
    assert quadrant_of(point, None, "right") is None
    assert quadrant_of(point, (50, 50), None) is None


def test_masks_and_outlines_give_the_lesion_back():
    planes = blank()
    planes["HE"][10:20, 10:20] = planes["HE"][40:60, 100:130] = 1
    planes["HE"][45:50, 110:120] = 0  # a hole
    regions = regions_of(planes)
    assert np.array_equal(regions.mask("HE"), planes["HE"] > 0)
    assert not regions.mask("MA").any()
    large = next(lesion for lesion in regions.lesions if lesion.box == (100, 40, 30, 20))
    assert regions.inside(large).sum() == large.area_px == 550
    outlines = regions.contours(large)
    assert len(outlines) == 2
    outer = max(outlines, key=len)
    assert (outer.min(axis=0).tolist(), outer.max(axis=0).tolist()) == ([100, 40], [129, 59])


def test_parts_too_weak_to_be_told_are_kept_apart():
    planes = blank()
    planes["HE"][10:20, 10:20], planes["HE"][40:60, 100:130] = 0.9, 0.6
    everything, told = regions_of(planes), regions_of(planes, peaks={"HE": 0.8})
    assert [lesion.id for lesion in told.lesions] == ["HE-1"] and list(told.pixels) == ["HE-1"]
    assert told.lesions + told.unreported == everything.lesions and everything.unreported == ()


def test_a_class_that_was_not_looked_for_is_refused():
    lesion_map = LesionMap(np.zeros((2, *SHAPE), np.float32), ("MA", "HE"))
    with pytest.raises(ValueError, match="no channel or no threshold for EX, SE"):
        find_regions(lesion_map, photograph(), HALF, NOWHERE)
    whole, without = LesionMap(np.zeros((5, *SHAPE), np.float32), SEGMENTED), {code: 0.5 for code in SEGMENTED if code != "HE"}
    with pytest.raises(ValueError, match="for HE"):
        find_regions(whole, photograph(), without, NOWHERE)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([NOWHERE, LEFT_EYE]))
def test_every_pixel_told_is_above_the_threshold_and_told_once(seed: int, landmarks: Landmarks):
    rng = np.random.default_rng(seed)
    planes = {code: np.kron(rng.random((12, 16)) ** 3, np.ones((10, 10))).astype(np.float32) for code in SEGMENTED}
    regions = regions_of(planes, landmarks)
    assert len({lesion.id for lesion in regions.lesions}) == len(regions.lesions)
    assert set(regions.pixels) == {lesion.id for lesion in regions.lesions}
    for code in LESIONS:
        of_class = [lesion for lesion in regions.lesions if lesion.code == code]
        assert [lesion.id for lesion in of_class] == [f"{code}-{n}" for n in range(1, len(of_class) + 1)]
        assert [lesion.confidence for lesion in of_class] == sorted((lesion.confidence for lesion in of_class), reverse=True)
        assert regions.mask(code).sum() == sum(lesion.area_px for lesion in of_class)
        assert (planes[code][regions.mask(code)] >= 0.5).all()
        assert all((lesion.place.quadrant in QUADRANTS) == (landmarks is LEFT_EYE) for lesion in of_class)
