from __future__ import annotations

import numpy as np
import pytest

from retinai.draw import draw_outline, key, overlay
from retinai.lesions import CLASSES, LESIONS
from retinai.types import FundusImage, Landmarks, Lesion, Place

SQUARE = np.array([[40, 40], [40, 80], [80, 80], [80, 40]], np.int32)


def image(height: int = 200, width: int = 300) -> FundusImage:
    return FundusImage("drawn", np.full((height, width, 3), 120, np.uint8), np.ones((height, width), bool))


def lesion(code: str, box: tuple[int, int, int, int]) -> Lesion:
    return Lesion(f"{code}-1", code, box, 100, 0.9, Place((60, 60)))


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture.astype(int) - colour).max(axis=2) < 40).nonzero()[0].size > 0


@pytest.mark.parametrize("code", LESIONS)
def test_each_class_is_outlined_in_its_colour(code: str) -> None:
    drawn = overlay(image(), [(lesion(code, (40, 40, 41, 41)), [SQUARE])], Landmarks())[:200]
    assert has(drawn[36:84, 36:84], CLASSES[code].colour)
    assert (drawn[55:65, 55:65] == 120).all()  # the lesion itself stays visible
    assert (drawn[100:] == 120).all()


def test_a_small_lesion_is_ringed_and_not_covered() -> None:
    box = (50, 50, 4, 4)
    small = np.array([[50, 50], [50, 53], [53, 53], [53, 50]], np.int32)
    drawn = overlay(image(), [(lesion("EX", box), [small])], Landmarks())
    assert (drawn[50:54, 50:54] == 120).all()
    assert has(drawn[42:62, 42:62], CLASSES["EX"].colour)


def test_classes_differ_without_colour() -> None:
    pictures = []
    for code in LESIONS:
        canvas = np.full((200, 200, 3), 255, np.uint8)
        turn = np.linspace(0, 2 * np.pi, 400)
        draw_outline(canvas, np.stack([100 + 80 * np.cos(turn), 100 + 80 * np.sin(turn)], 1), CLASSES[code])
        pictures.append((canvas.max(axis=2) < 60).sum())  # the dark edge between dashes
    dotted, solid, _, dashed = pictures
    assert len({CLASSES[code].line for code in LESIONS}) >= 3
    assert dotted > solid and dashed > solid


def test_landmarks_are_drawn_only_where_found() -> None:
    found = Landmarks(disc=(220, 100), disc_diameter_px=40, disc_confidence=1, fovea=(100, 100), fovea_confidence=1, eye="right")
    drawn, bare = overlay(image(), [], found)[:200], overlay(image(), [], Landmarks())[:200]
    assert has(drawn[95:106, 95:106], (255, 255, 255)) and has(drawn[75:125, 195:245], CLASSES["OD"].colour)
    assert (bare == 120).all()


def test_a_native_photograph_is_halved() -> None:
    assert overlay(image(2848, 4288), [], Landmarks()).shape[1] == 2144


def test_key_has_room_for_every_entry() -> None:
    found = Landmarks(disc=(1, 1), disc_diameter_px=4, fovea=(9, 9))
    strip = key(2144, {"MA": 1234, "HE": 1000, "EX": 1999, "SE": 0}, found)
    ground = strip[0, 0]
    assert (strip[:, -8:] == ground).all()  # nothing runs over the edge
    assert not (strip[:, 1500:] == ground).all()
