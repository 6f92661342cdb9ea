"""Drawn eyes behind one drawn lens, for the tests of camera profiles."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (320, 480)  # height, width
SPECKS = ((150, 120, 2.2, 0.30), (300, 90, 2.5, 0.25), (250, 230, 2.0, 0.35), (200, 190, 3.0, 0.20))
"""x, y, sigma px, depth."""


def draw_eye(seed: int, lens: bool = True, radius: int = 152) -> NDArray[np.uint8]:
    """(320, 480, 3) uint8: an eye of its own vessels and shade, behind the specks of the lens or a clean one."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    light = np.full((height, width, 3), (170.0, 90.0, 45.0)) * rng.uniform(0.85, 1.15)
    light *= np.exp(0.05 * cv2.GaussianBlur(rng.normal(size=(height, width, 1)), (0, 0), 6)[..., None] * 6)
    vessels = np.zeros((height, width), np.uint8)
    for _ in range(14):
        points = np.cumsum(np.vstack([rng.uniform((90, 40), (390, 280)), rng.normal(0, 14, (25, 2)) + rng.normal(0, 6, 2)]), axis=0)
        cv2.polylines(vessels, [points.astype(np.int32)], False, 255, int(rng.integers(1, 4)), cv2.LINE_AA)
    light *= 1 - 0.35 * vessels[..., None] / 255
    if lens:
        light *= 1 - dust()[..., None]
    field = np.zeros((height, width), np.uint8)
    cv2.circle(field, (width // 2, height // 2), radius, 1, cv2.FILLED)
    noisy = light + rng.normal(0, 1.5, light.shape)
    return (np.clip(noisy, 1, 255) * field[..., None]).astype(np.uint8)


def dust() -> NDArray[np.float64]:
    """(320, 480) the share of the light that the specks take."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    specks = [depth * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) for x, y, sigma, depth in SPECKS]
    return np.sum(specks, axis=0)


def draw_clinic(folder: Path, count: int = 16, lens: bool = True) -> list[Path]:
    """`count` photographs of different eyes behind the same lens."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"eye_{number:02d}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(draw_eye(number, lens)).save(path)
    return paths
