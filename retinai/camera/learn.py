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

from retinai.camera.light import Light, high_pass, working_size
from retinai.camera.profile import CameraProfile, Mark, label_marks, quantised
from retinai.camera.templates import Template, amplitudes, shifted, templates
from retinai.errors import DataError
from retinai.image import read_photograph
from retinai.types import FundusImage

LEAST = 8
"""Photographs that a profile needs; some fifty make a good one."""
MOST = 150
"""More photographs add time and memory (15 MB each), and nothing that shows."""
_FAINTEST = 0.014  # of the log light: fainter dips are the noise of the median
_DEEPEST_FROM = 0.02  # a mark reaches this somewhere
_LEAST_AREA = 12  # px at 1920 px of width
_SAME_OUTLINE = 0.95  # overlap of the fields of one camera
_OUTLINE_SIDE = 384  # px
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
        every = np.array([np.median(amplitudes(light, found)) for light in lights])
        dusty = [light for light, amplitude in zip(lights, every, strict=True) if amplitude > _DUSTY * np.percentile(every, 90)]
        if len(dusty) >= LEAST:
            pattern = _pattern(dusty, inside)
            found = templates(pattern, label_marks(pattern))
    marks = _describe(found, lights, pattern.shape[1], pattern.shape[0])
    outline = np.mean([outline for outline, _ in fields], axis=0) > 0.5
    return CameraProfile(pattern, label_marks(pattern), outline, marks, len(lights), date.today().isoformat(), camera)


def outline_of(image: FundusImage) -> NDArray[np.bool_]:
    """The field on a small scale: (h, w) bool, 384 px wide."""
    height = max(1, round(_OUTLINE_SIDE * image.field.shape[0] / image.field.shape[1]))
    return cv2.resize(image.field.view(np.uint8), (_OUTLINE_SIDE, height), interpolation=cv2.INTER_AREA) > 0


def same_camera(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    """Whether two outlines are those of one camera: the same shape of picture, and fields that lie on each other."""
    if first.shape != second.shape:
        return False
    either = np.count_nonzero(first | second)
    return either > 0 and np.count_nonzero(first & second) / either >= _SAME_OUTLINE


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
    """(H, W, 3) <= 0: the median over photographs, kept where the green light dips as a mark does."""
    median = _median(lights) * inside[..., None]
    green = cv2.GaussianBlur(median[..., 1], (0, 0), 1.2)
    green -= cv2.blur(green, (81, 81))
    noise = 1.4826 * float(np.median(np.abs(green[inside])))
    marks = _large_enough(green, max(_FAINTEST, 2.5 * noise))
    soft = cv2.GaussianBlur(median, (0, 0), 0.8)
    soft -= cv2.blur(soft, (81, 81))
    return quantised(np.asarray(np.minimum(soft, 0) * marks[..., None], np.float32))


def _large_enough(green: Light, faintest: float) -> NDArray[np.bool_]:
    """Where marks are, two pixels wider than they show."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((green < -faintest).astype(np.uint8))
    deepest = np.zeros(count, np.float32)
    np.minimum.at(deepest, labels.ravel(), green.ravel())
    kept = (stats[:, cv2.CC_STAT_AREA] >= _LEAST_AREA) & (deepest < -max(_DEEPEST_FROM, 1.4 * faintest))
    kept[0] = False
    return cv2.dilate(kept[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _clear_of_rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what the rim's own shadow, and notches that differ from photograph to photograph, reach."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (51, 51))
    return cv2.erode(inside.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,)) > 0


def _median(lights: Sequence[NDArray[np.float16]]) -> Light:
    """Row block by row block, so that no second stack is held."""
    result = np.zeros(lights[0].shape, np.float32)
    for top in range(0, len(result), 64):
        result[top : top + 64] = np.median([light[top : top + 64] for light in lights], axis=0)
    return result


def _describe(found: Sequence[Template], lights: Sequence[NDArray[np.float16]], width: int, height: int) -> tuple[Mark, ...]:
    """Each mark with how well its amplitude is known in one photograph, and how far it goes its own way."""
    if not found:
        return ()
    measured = np.array([amplitudes(light, found) for light in lights])
    elsewhere = np.array([amplitudes(light, shifted(found, light.shape, number)) for number, light in enumerate(lights)])
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
