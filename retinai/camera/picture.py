"""What a profile looks like to people: its marks, and whether the lens wants cleaning."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.profile import CameraProfile

_CONTRAST = 600  # grey levels for a log light of 1: a mark of 3 % is well seen
_CLEAR = 0.03  # depth from which on a mark can be taken for a lesion
_MANY, _DEEP = 10, 0.10  # so many clear ones, or one so deep: clean the lens


def clear_marks(profile: CameraProfile) -> int:
    """How many marks are dark enough to be taken for a lesion."""
    return sum(mark.depth >= _CLEAR for mark in profile.marks)


def summary(profile: CameraProfile) -> str:
    """One line for people."""
    if not profile.marks:
        return f"no marks in {profile.photographs} photographs"
    deepest = max(mark.depth for mark in profile.marks)
    said = (
        f"{len(profile.marks)} marks in {profile.photographs} photographs, {clear_marks(profile)} of them clear, the deepest {deepest:.0%}"
    )
    return f"{said}. Clean the lens." if clear_marks(profile) >= _MANY or deepest >= _DEEP else said


def picture(profile: CameraProfile) -> NDArray[np.uint8]:
    """(H, W, 3) RGB uint8: the marks as they darken an even field, each clear one ringed."""
    height, width = profile.labels.shape
    outline = cv2.resize(profile.outline.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR) > 0
    grey = np.where(outline, 160 + profile.pattern[..., 1] * _CONTRAST, 24)
    canvas = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    for mark in profile.marks:
        if mark.depth >= _CLEAR:
            centre, radius = (round(mark.x * width), round(mark.y * height)), round(mark.size * width / 2) + 10
            cv2.circle(canvas, centre, radius, (255, 170, 0), 2, cv2.LINE_AA)
    return canvas
