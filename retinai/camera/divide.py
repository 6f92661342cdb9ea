"""Take a camera's marks out of a photograph: the light is divided by what each mark took.

How strong each mark is differs from photograph to photograph, since dust comes and goes. Each amplitude is a compromise between what is
measured at the mark and what the other marks say, by how well either is known (a normal prior and a normal error), and is held to what
the camera showed before: a lesion under a mark is darker than the mark, and what is darker stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.light import OFFSET, high_pass
from retinai.camera.outline import outline_of, same_camera
from retinai.camera.profile import CameraProfile
from retinai.camera.templates import amplitudes
from retinai.image import read_photograph
from retinai.types import CameraMarks, FundusImage

SHOWN = 0.25
"""The amplitude from which on a photograph shows a profile's marks; below it the lens was clean and nothing is divided."""


@dataclass(frozen=True, slots=True, eq=False)
class Divided:
    """A photograph and the marks that were taken out of it. image: without them; profile: None where none fits;
    amplitude: of the whole pattern, 1 as in the photographs it was learnt from; strengths: (M,) of each mark, 0 to about 2."""

    image: FundusImage
    profile: CameraProfile | None = None
    amplitude: float = 0.0
    strengths: NDArray[np.float64] | None = None

    @property
    def marked(self) -> bool:
        """Whether marks were divided out."""
        return self.strengths is not None and bool(self.strengths.any())

    def depth_map(self) -> NDArray[np.float32]:
        """(H, W) float32 at native size: the share of light that marks took, of the colour that lost most; 0 where there is none."""
        size = self.image.field.shape[::-1]
        if self.profile is None or self.strengths is None:
            return np.zeros(self.image.field.shape, np.float32)
        return np.asarray(cv2.resize(1 - np.exp(_scaled(self.profile, self.strengths).min(axis=2)), size), np.float32)

    def record(self) -> CameraMarks | None:
        """For the record of an explanation: which profile, how strongly."""
        if self.profile is None or self.strengths is None:
            return None
        divided = int((self.strengths > SHOWN).sum())
        return CameraMarks(self.profile.sha256, round(self.amplitude, 3), len(self.profile.marks), divided)


def divide(image: FundusImage, profiles: Sequence[CameraProfile]) -> Divided:
    """The photograph without the marks of the first profile that fits its size and field; as it is where none fits, or none shows."""
    profile = fitting(image, profiles)
    if profile is None:
        return Divided(image)
    amplitude, strengths = measure(image, profile)
    if amplitude < SHOWN:
        return Divided(image, profile, amplitude, np.zeros(len(profile.marks)))
    pixels = _divided(image, profile, strengths)
    return Divided(replace(image, pixels=pixels), profile, amplitude, strengths)


def fitting(image: FundusImage, profiles: Sequence[CameraProfile]) -> CameraProfile | None:
    """The first profile of the camera with this photograph's shape and field, None where there is none."""
    outline = outline_of(image)
    return next((profile for profile in profiles if profile.marks and same_camera(outline, profile.outline)), None)


def read_divided(path: Path, profiles: Sequence[CameraProfile]) -> FundusImage:
    """A photograph from disk without the marks of its camera. Raises ImageError where it cannot be read."""
    return divide(read_photograph(path), profiles).image


def measure(image: FundusImage, profile: CameraProfile) -> tuple[float, NDArray[np.float64]]:
    """(amplitude of the pattern, (M,) strength of each mark) in one photograph. See the module's text for how they are weighed."""
    green, _ = high_pass(image, profile.pattern.shape[:2], (1,))
    measured = amplitudes(green[..., 0], profile.templates)
    noise, spread, most = (np.array([getattr(mark, name) for mark in profile.marks]) for name in ("noise", "spread", "most"))
    amplitude = _weighted_median(measured, 1 / (noise**2 + spread**2))
    trust = spread**2 / (spread**2 + noise**2)
    return amplitude, np.clip(amplitude + trust * (measured - amplitude), 0, most)


def _divided(image: FundusImage, profile: CameraProfile, strengths: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The photograph's pixels, (I + 4) / what the marks let through - 4, where there are marks; all others as they were."""
    taken, pixels = _scaled(profile, strengths), image.pixels.copy()
    for rows, columns in _tiles(image.field.shape):
        tile = pixels[rows, columns]
        light = _window(taken, image.field.shape, rows.start, columns.start, tile.shape)
        if light.any():
            lit = (tile.astype(np.float32) + OFFSET) * np.exp(-light) - OFFSET
            tile[:] = np.where(image.field[rows, columns, None], np.clip(np.round(lit), 0, 255), tile)
    return pixels


def _tiles(shape: tuple[int, ...], side: int = 256) -> Iterator[tuple[slice, slice]]:
    """The picture in pieces, since most of it has no mark, and arrays of the whole would be large."""
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield slice(top, top + side), slice(left, left + side)


def _window(taken: NDArray[np.float32], shape: tuple[int, ...], top: int, left: int, window: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w, 3) of the pattern under a window of the native picture, pixel centres at whole numbers as in `retinai.fit`."""
    y, x = taken.shape[0] / shape[0], taken.shape[1] / shape[1]
    place = np.array([[x, 0, (left + 0.5) * x - 0.5], [0, y, (top + 0.5) * y - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(taken, place, (window[1], window[0]), flags=flags), np.float32)


def _scaled(profile: CameraProfile, strengths: NDArray[np.float64]) -> NDArray[np.float32]:
    """(H, W, 3) the pattern of one photograph."""
    factors = np.concatenate([[0], strengths]).astype(np.float32)
    return profile.pattern * factors[profile.labels][..., None]


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
