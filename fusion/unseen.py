"""What one photograph cannot tell: classes too small to be seen, a macula that is left out, and the rest, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.landmarks import ANGLE_DEG, DISTANCE_DD
from retinai.fit import field_box
from retinai.lesions import CLASSES, LESIONS, UNSEEN
from retinai.types import CameraMarks, Landmarks, Point

SHOWN_FROM_PX: Mapping[str, int] = {"MA": 500, "HE": 250, "EX": 500, "SE": 250}
"""Least width of the field in pixels at which the absence of a class says anything: the map still outlines three quarters of what it
outlines at 1,500 pixels (docs/quality.md). What it marks below stands."""
FIELD_DD = 6.7
"""The field's longer side of a photograph of 45 to 50 degrees in disc diameters: the median of IDRiD's and rahim2025's."""
MACULA_DD = 1.0
"""The radius around the fovea that has to be in the picture: within it lie the exudates that decide on risk 2."""
MACULA_SHARE = 0.9
"""The least share of that circle that has to be in the picture."""

NOT_FOUND = "the macula's centre was not found in this picture"
OUTSIDE = "the macula's centre is not in this picture"
PARTLY = "part of the macula is not in this picture"
PRINT = "Retina under print or pen marks: there are such marks in the field, and no lesion is reported on them or touching them."
TOO_COARSE = "hard exudates cannot be seen at this size"


@dataclass(frozen=True, slots=True)
class Resolution:
    """How fine a photograph is. width_px: the pixels across a field of 45 to 50 degrees; coarse: classes of which it cannot show most."""

    width_px: int
    coarse: frozenset[str]

    @classmethod
    def of(cls, field: NDArray[np.bool_], landmarks: Landmarks) -> Resolution:
        """By the disc's diameter where it was found, so that a piece of a large photograph is not taken for a small one; else by the
        field's longer side."""
        disc = landmarks.disc_diameter_px
        width = round(FIELD_DD * disc) if disc else max(field_box(field)[2:])
        return cls(width, frozenset(code for code in LESIONS if width < SHOWN_FROM_PX[code]))


FINE = Resolution(max(SHOWN_FROM_PX.values()), frozenset())
"""A photograph that shows every class."""


def macula_unjudged(field: NDArray[np.bool_], landmarks: Landmarks, coarse: frozenset[str] = frozenset()) -> str:
    """Why the absence of hard exudates says nothing of the macula, a plain clause; empty where it does say something."""
    if "EX" in coarse:
        return TOO_COARSE
    if landmarks.fovea is None:
        return OUTSIDE if _leaves_out(field, landmarks) else NOT_FOUND
    if landmarks.disc_diameter_px is None:
        return ""
    return PARTLY if _share_inside(field, landmarks.fovea, MACULA_DD * landmarks.disc_diameter_px) < MACULA_SHARE else ""


def _leaves_out(field: NDArray[np.bool_], landmarks: Landmarks) -> bool:
    """Whether the fovea's usual place lies outside the field on either side of the disc."""
    if landmarks.disc is None or landmarks.disc_diameter_px is None:
        return False
    reach = DISTANCE_DD * landmarks.disc_diameter_px
    across, down = reach * np.cos(np.radians(ANGLE_DEG)), reach * np.sin(np.radians(ANGLE_DEG))
    places = ((landmarks.disc[0] + side * across, landmarks.disc[1] + down) for side in (-1, 1))
    return not any(_share_inside(field, place, 0) for place in places)


def _share_inside(field: NDArray[np.bool_], centre: Point, radius: float) -> float:
    """The share of a circle's pixels that lie in the field, whatever of it lies outside the picture counted too."""
    reach = int(np.ceil(radius))
    circle = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    y, x = np.nonzero(circle)
    y, x = y + round(centre[1]) - reach, x + round(centre[0]) - reach
    there = (y >= 0) & (y < field.shape[0]) & (x >= 0) & (x < field.shape[1])
    return float(field[y[there], x[there]].sum() / y.size)


def unseen(landmarks: Landmarks, resolution: Resolution = FINE, marked: bool = False, camera: CameraMarks | None = None) -> tuple[str, ...]:
    """What one photograph and this lesion map cannot tell, in plain words. marked: whether there is print or a pen mark in the field;
    camera: the marks of the camera that were taken out."""
    signs = ", ".join(CLASSES[code].plural for code in UNSEEN[:-1]) + f" and {CLASSES[UNSEEN[-1]].plural}"
    return (
        *([PRINT] if marked else []),
        *_dust(camera),
        *_coarse(resolution),
        *_place(landmarks),
        f"{signs[0].upper()}{signs[1:]}: not looked for.",
        "Blood in front of the retina may have been counted among the haemorrhages.",
        "Thickening of the macula: not visible in one photograph; the DME risk rests on hard exudates alone.",
        "Retina outside this photograph, and lesions too small or too faint to be told from noise: there may be more than is marked.",
    )


def _dust(camera: CameraMarks | None) -> Iterator[str]:
    if camera and camera.divided:
        yield f"{camera.divided} dark marks of the camera (dust) were taken out of the photograph before it was read: they are no lesions."


def _coarse(resolution: Resolution) -> Iterator[str]:
    """'Microaneurysms cannot be seen at this size, but for the largest: the whole field is about 180 pixels wide, and it takes 500.'"""
    for code in LESIONS:
        if code in resolution.coarse:
            size = f"the whole field is about {resolution.width_px} pixels wide, and it takes {SHOWN_FROM_PX[code]}"
            yield f"{CLASSES[code].plural.capitalize()} cannot be seen at this size, but for the largest: {size}."


def _place(landmarks: Landmarks) -> Iterator[str]:
    if landmarks.inverted:
        yield (
            "Which eye this is and where its lesions lie: the fovea lies above the optic disc's centre, so this photograph may be upside "
            "down, and haemorrhages were not counted by quadrant."
        )
    elif landmarks.fovea is None:
        lost = "optic disc" if landmarks.disc is None else "fovea"
        yield f"Where the lesions lie: the {lost} was not found, so haemorrhages were not counted by quadrant."
