"""Learn a camera's marks from photographs of many eyes: what every eye has in common is not an eye.

The median over photographs of the high-passed light keeps what lies at the same pixels and averages the retinas away (Sierra, Marrugo and
Millan, Optica Pura y Aplicada 50(4), 2017, find dust in fundus photographs so). Photographs of a time at which the lens was clean dilute
the median, so it is taken twice: over all, and over those that show the first pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.light import WIDTH, Light, high_pass, odd, working_size
from retinai.camera.outline import outline_of, same_camera
from retinai.camera.profile import CameraProfile, Mark, label_marks, quantised
from retinai.camera.templates import Template, amplitudes, shifted, templates
from retinai.errors import DataError
from retinai.image import read_photograph

LEAST = 8
"""Photographs that a profile needs; some fifty make a good one."""
MOST = 150
"""More photographs add time and memory (15 MB each), and nothing that shows."""
_FAINTEST = 0.014  # of the log light: fainter dips are the noise of the median
_DEEPEST = 1.4  # times the least depth: a mark reaches this somewhere
_ERRORS = 4.0  # standard errors of the median that a mark must exceed: few photographs show deep marks only
_LEAST_AREA = 12  # px at a width of 1920 px, as are the next three
_AROUND = 81  # px; the light around a mark
_NEAR = 15  # px over which the error of the median is averaged
_SHADOW = 51  # px; what the rim darkens, twice
_DUSTY = 0.5  # amplitude from which on a photograph shows the first pattern


def learn(paths: Sequence[Path], progress: Callable[[int], None], camera: str = "") -> CameraProfile:
    """The profile of the camera that took `paths`, of which `MOST` are read, evenly chosen.

    Raises DataError where fewer than `LEAST` photographs have one size and field, and ImageError where one cannot be read.
    """
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(MOST, len(paths))).astype(int))] if paths else []
    lights, fields = _read(chosen, progress)
    inside = _clear_of_rim(np.mean([field for _, field in fields], axis=0) > 0.9)
    pattern = _pattern(lights, inside)
    found = templates(pattern, label_marks(pattern))
    if found:
        every = np.array([np.median(amplitudes(light[..., 1], found)) for light in lights])
        dusty = [light for light, amplitude in zip(lights, every, strict=True) if amplitude > _DUSTY * np.percentile(every, 90)]
        if len(dusty) >= LEAST:
            pattern = _pattern(dusty, inside)
            found = templates(pattern, label_marks(pattern))
    marks = _describe(found, lights, pattern.shape[1], pattern.shape[0])
    rows = min(len(outline) for outline, _ in fields)
    outline = np.mean([outline[:rows] for outline, _ in fields], axis=0) > 0.5
    return CameraProfile(pattern, label_marks(pattern), outline, marks, len(lights), date.today().isoformat(), camera)


def _read(
    paths: Sequence[Path], progress: Callable[[int], None]
) -> tuple[list[NDArray[np.float16]], list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]]:
    """The light and (outline, inside) of the photographs that share size and field with most of the others."""
    rows = []
    for done, path in enumerate(paths, start=1):
        image = read_photograph(path)
        light, inside = high_pass(image, working_size(*image.field.shape))
        rows.append((light.astype(np.float16), outline_of(image), inside))
        progress(done)
    reference = max((row[1] for row in rows), key=lambda mine: sum(same_camera(mine, row[1]) for row in rows), default=None)
    rows = [row for row in rows if reference is not None and same_camera(reference, row[1])]
    rows = [row for row in rows if row[0].shape == rows[0][0].shape]
    if len(rows) < LEAST:
        raise DataError(f"{len(rows)} photographs share size and field; a camera profile needs at least {LEAST}, better fifty")
    return [row[0] for row in rows], [row[1:] for row in rows]


def _pattern(lights: Sequence[NDArray[np.float16]], inside: NDArray[np.bool_]) -> Light:
    """(H, W, 3) <= 0: the median over photographs, kept where the green light dips deeper than retinas leave it by chance."""
    median, error = _median(lights)
    median *= inside[..., None]
    around, near = odd(_AROUND, inside.shape[1]), odd(_NEAR, inside.shape[1])
    green = _smooth(median[..., 1], 1.2)
    green -= cv2.blur(green, (around, around))
    least = np.maximum(_FAINTEST, _ERRORS * np.asarray(cv2.blur(error, (near, near)), np.float32))
    marks = _large_enough(np.asarray(green / least, np.float32))
    soft = _smooth(median, 0.8)
    soft -= cv2.blur(soft, (around, around))
    return quantised(np.asarray(np.minimum(soft, 0) * marks[..., None], np.float32))


def _smooth(values: Light, sigma: float) -> Light:
    """A Gaussian mean; sigma: px at a width of 1920 px."""
    sigma *= values.shape[1] / WIDTH
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32) if sigma > 0.3 else values.copy()


def _large_enough(dip: Light) -> NDArray[np.bool_]:
    """Where marks are, two pixels wider than they show. dip: (H, W), -1 where the light is as dark as a mark must be."""
    count, found, stats, _ = cv2.connectedComponentsWithStats((dip < -1).astype(np.uint8))
    labels, deepest = np.asarray(found, np.int32), np.zeros(count, np.float32)
    np.minimum.at(deepest, labels.ravel(), dip.ravel())
    kept = (stats[:, cv2.CC_STAT_AREA] >= _LEAST_AREA * (dip.shape[1] / WIDTH) ** 2) & (deepest < -_DEEPEST)
    kept[0] = False
    return cv2.dilate(kept[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _clear_of_rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what the rim's own shadow, and notches that differ from photograph to photograph, reach."""
    side = odd(_SHADOW, inside.shape[1])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.erode(inside.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,)) > 0


def _median(lights: Sequence[NDArray[np.float16]]) -> tuple[Light, Light]:
    """(H, W, 3) the median over photographs, and (H, W) its standard error in green (1.25 sigma / sqrt n, sigma from the quartiles)."""
    result = np.zeros(lights[0].shape, np.float32)
    error = np.zeros(lights[0].shape[:2], np.float32)
    for top in range(0, len(result), 64):  # row block by row block, so that no second stack is held
        quarter, middle, three = np.percentile([light[top : top + 64] for light in lights], (25, 50, 75), axis=0)
        result[top : top + 64] = middle
        error[top : top + 64] = 1.2533 * (three - quarter)[..., 1] / 1.349 / np.sqrt(len(lights))
    return result, error


def _describe(found: Sequence[Template], lights: Sequence[NDArray[np.float16]], width: int, height: int) -> tuple[Mark, ...]:
    """Each mark with how well its amplitude is known in one photograph, and how far it goes its own way."""
    if not found:
        return ()
    measured = np.array([amplitudes(light[..., 1], found) for light in lights])
    elsewhere = np.array([amplitudes(light[..., 1], shifted(found, light.shape, number)) for number, light in enumerate(lights)])
    own = measured - np.median(measured, axis=1, keepdims=True)
    noise = _deviation(elsewhere)
    spread = np.sqrt(np.maximum(_deviation(own) ** 2 - noise**2, 0.1**2))
    most = np.clip(np.percentile(measured, 80, axis=0), 1, 2)
    return tuple(
        Mark(
            x=round(float(t.x / width), 5),
            y=round(float(t.y / height), 5),
            size=round(float(2 * np.sqrt(t.area / np.pi) / width), 5),
            depth=round(float(1 - np.exp(-t.deepest)), 4),
            noise=round(float(n), 4),
            spread=round(float(s), 4),
            most=round(float(m), 4),
        )
        for t, n, s, m in zip(found, noise, spread, most, strict=True)
    )


def _deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A standard deviation that a few lesions and vessels under a mark do not move, by column."""
    return 1.4826 * np.median(np.abs(values - np.median(values, axis=0)), axis=0)
