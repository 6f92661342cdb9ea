"""Single marks as templates, and how strongly each is in a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.light import Light

_AROUND = 8  # px about a mark that tell the light without it


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A mark of a pattern. rows, columns: its window; shape: (h, w) <= 0, green; contrast: `shape` less its mean over the window;
    x, y: centre, px; area: px; deepest: of the log light."""

    rows: slice
    columns: slice
    shape: Light
    contrast: Light
    power: float
    x: float
    y: float
    area: int
    deepest: float


def templates(pattern: Light, labels: NDArray[np.int32]) -> list[Template]:
    """One for each mark of a (H, W, 3) pattern, in the order of its labels."""
    count, _, stats, centres = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8), connectivity=8)
    return [_template(pattern[..., 1], labels, number, stats[number], centres[number]) for number in range(1, count)]


def _template(green: Light, labels: NDArray[np.int32], number: int, stats: NDArray[np.int32], centre: NDArray[np.float64]) -> Template:
    left, top, width, height, area = (int(value) for value in stats)
    rows = slice(max(0, top - _AROUND), top + height + _AROUND)
    columns = slice(max(0, left - _AROUND), left + width + _AROUND)
    shape = np.where(labels[rows, columns] == number, green[rows, columns], 0).astype(np.float32)
    contrast = shape - shape.mean()
    power = max(1e-6, float((contrast * shape).sum()))
    return Template(rows, columns, shape, contrast, power, float(centre[0]), float(centre[1]), area, float(-shape.min()))


def amplitudes(green: NDArray[Any], found: Sequence[Template]) -> NDArray[np.float64]:
    """(M,) how many times each mark is in a photograph's (H, W) high-passed green light, by least squares over its window."""
    return np.array([float((green[t.rows, t.columns] * t.contrast).sum(dtype=np.float64)) / t.power for t in found])


def shifted(found: Sequence[Template], size: tuple[int, ...], seed: int) -> list[Template]:
    """The same marks moved to where they are not, 40 to 90 px away: what they measure there is the error of one measurement."""
    rng = np.random.default_rng(seed)
    return [_moved(t, rng.uniform(40, 90), rng.uniform(0, 2 * np.pi), size) for t in found]


def _moved(template: Template, distance: float, angle: float, size: tuple[int, ...]) -> Template:
    height, width = template.shape.shape
    top = int(np.clip(template.rows.start + distance * np.sin(angle), 0, size[0] - height))
    left = int(np.clip(template.columns.start + distance * np.cos(angle), 0, size[1] - width))
    return replace(template, rows=slice(top, top + height), columns=slice(left, left + width))
