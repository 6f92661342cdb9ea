"""Print and pen in the field are found, on a drawn eye and on a photograph; what a retina has is not taken for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from retinai.decoding import decode
from retinai.image import fundus_image, read_pixels
from retinai.marks import foreign_marks

Picture = NDArray[np.uint8]
EXAMPLE = next((Path(__file__).parents[1] / "examples").glob("*.jpg"))
FONT = cv2.FONT_HERSHEY_SIMPLEX


@pytest.fixture(scope="module")
def photograph() -> Picture:
    pixels = read_pixels(EXAMPLE)
    return np.asarray(cv2.resize(pixels, (1200, round(1200 * pixels.shape[0] / pixels.shape[1])), interpolation=cv2.INTER_AREA), np.uint8)


def text(canvas: Picture, ink: tuple[int, int, int]) -> None:
    cv2.putText(canvas, "2024-05-17 OD", (380, 620), FONT, 1.0, ink, 2, cv2.LINE_AA)


def circle(canvas: Picture, ink: tuple[int, int, int]) -> None:
    cv2.circle(canvas, (520, 300), 50, ink, 3, cv2.LINE_AA)


def arrow(canvas: Picture, ink: tuple[int, int, int]) -> None:
    cv2.arrowedLine(canvas, (420, 600), (520, 420), ink, 3, cv2.LINE_AA)


INKS = {
    "white": (255, 255, 255),
    "green": (60, 255, 60),
    "yellow": (255, 255, 0),
    "blue": (0, 0, 255),
    "cyan": (0, 255, 255),
    "black": (0, 0, 0),
}


@pytest.mark.parametrize("ink", INKS.values(), ids=INKS)
@pytest.mark.parametrize("draw", [text, circle, arrow])
def test_ink_is_found(photograph: Picture, draw: Callable[[Picture, tuple[int, int, int]], None], ink: tuple[int, int, int]) -> None:
    canvas = photograph.copy()
    draw(canvas, ink)
    drawn = np.abs(canvas.astype(int) - photograph).sum(axis=2) > 90
    code = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    marks = foreign_marks(fundus_image(decode(code.tobytes(), "inked"), "inked"))
    assert marks is not None and marks[drawn].mean() > 0.9
    assert marks.mean() < 0.05


def test_a_photograph_has_none(photograph: Picture) -> None:
    assert foreign_marks(fundus_image(photograph, "plain")) is None


def soft(canvas: Picture, centre: tuple[int, int], radius: int, ink: tuple[int, int, int], sigma: float) -> Picture:
    spot = cv2.circle(np.zeros(canvas.shape[:2], np.float32), centre, radius, 1, cv2.FILLED)
    share = cv2.GaussianBlur(spot, (0, 0), sigma)[..., None]
    return (canvas * (1 - share) + np.array(ink) * share).astype(np.uint8)


@pytest.mark.parametrize(
    ("radius", "ink", "sigma"),
    [(60, (255, 250, 240), 12.0), (25, (250, 235, 140), 3.0), (15, (70, 15, 10), 3.0), (40, (230, 225, 215), 15.0)],
    ids=["reflection", "exudate", "haemorrhage", "soft exudate"],
)
def test_what_a_retina_or_a_lens_shows_is_no_ink(photograph: Picture, radius: int, ink: tuple[int, int, int], sigma: float) -> None:
    assert foreign_marks(fundus_image(soft(photograph, (500, 350), radius, ink, sigma), "retina")) is None


def test_a_notch_at_the_rim_is_no_ink(photograph: Picture) -> None:
    canvas = photograph.copy()
    cv2.fillPoly(canvas, [np.array([[540, 0], [590, 120], [640, 0]])], (0, 0, 0))
    assert foreign_marks(fundus_image(canvas, "notch")) is None
