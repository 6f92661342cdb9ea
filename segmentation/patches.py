"""Crops for training, centred on lesions by choice, drawn so that step n is the same after a restart.

The one module that knows albumentations (2.0.8 is its last MIT release).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from retinai.lesions import SEGMENTED
from segmentation.cache import ALARMS
from segmentation.marks import with_marks

_MOST_PLACES = 4000  # per class and photograph; more places add nothing


class Patches(Dataset):
    """Crop number i of an endless sequence: ((crop, crop, 3) uint8 image, (crop, crop, C) float32 target in 0..1).

    files: cached squares (see `cache`); side: the working side for zoom 1; zoom: range of scales;
    focus: class code or 'anywhere' -> how often; length: how many crops the sequence has.
    marks: how often a crop gets marks of a camera, those of `pattern` among them (see `segmentation.marks`).
    Every draw depends on (seed, i) alone.
    """

    def __init__(
        self,
        files: Sequence[Path],
        *,
        crop: int,
        side: int,
        zoom: tuple[float, float],
        focus: Mapping[str, float],
        length: int,
        seed: int,
        marks: float = 0.0,
        pattern: NDArray[np.float32] | None = None,
    ) -> None:
        self.squares = [np.load(file, mmap_mode="r") for file in files]
        self.crop, self.side, self.zoom, self.length, self.seed = crop, side, zoom, length, seed
        self.marks, self.pattern = marks, pattern
        self.places = [_places(square) | _alarms(file) for square, file in zip(self.squares, files, strict=True)]
        self.boxes = [_occupied_box(square) for square in self.squares]
        names = [name for name in focus if name == "anywhere" or any(name in p for p in self.places)]
        weights = np.array([focus[name] for name in names], float)
        self.focus, self.weights = names, weights / weights.sum()
        self.augment = augmentation()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rng = np.random.default_rng((self.seed, index))
        number, centre = self._draw_place(rng)
        square = self.squares[number]
        zoom = np.exp(rng.uniform(*np.log(self.zoom)))
        window = max(8, round(self.crop / (self.side * zoom) * square.shape[0]))
        corner = _inside(centre - window * rng.uniform(0.15, 0.85, 2), window, self.boxes[number])
        piece = _resize(_cut(square, corner, window), self.crop)
        if rng.random() < self.marks:
            piece[..., :3] = with_marks(piece[..., :3], self.pattern, rng)
        self.augment.set_random_seed(int(rng.integers(2**31)))
        out = self.augment(image=np.ascontiguousarray(piece[..., :3]), mask=np.ascontiguousarray(piece[..., 3:]))
        return out["image"], out["mask"].astype(np.float32) / 255

    def _draw_place(self, rng: np.random.Generator) -> tuple[int, NDArray[np.float64]]:
        """A photograph and a (y, x) in it."""
        name = self.focus[rng.choice(len(self.focus), p=self.weights)]
        having = [n for n, places in enumerate(self.places) if name == "anywhere" or name in places]
        number = having[rng.integers(len(having))]
        if name == "anywhere":
            return number, rng.uniform(0.1, 0.9, 2) * self.squares[number].shape[0]
        places = self.places[number][name]
        return number, places[rng.integers(len(places))]


def augmentation() -> A.Compose:
    """The eight symmetries of the square, and what cameras and files do to colour and sharpness."""
    return A.Compose(
        [
            A.D4(p=1.0),
            A.ColorJitter(brightness=(0.75, 1.25), contrast=(0.75, 1.25), saturation=(0.75, 1.25), hue=(-0.03, 0.03), p=0.8),
            A.RandomGamma(gamma_limit=(65, 150), p=0.4),
            A.MultiplicativeNoise(multiplier=(0.85, 1.15), per_channel=True, p=0.4),
            A.OneOf([A.GaussianBlur(blur_limit=(3, 5)), A.Sharpen(alpha=(0.1, 0.3)), A.GaussNoise(std_range=(0.01, 0.03))], p=0.25),
            A.ImageCompression(quality_range=(50, 95), p=0.2),
        ]
    )


def _places(square: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Class code -> (N, 2) centres (y, x) of its lesions in one cached square, every lesion once whatever its size."""
    found = {}
    for channel, code in enumerate(SEGMENTED, start=3):
        mask = (np.asarray(square[..., channel]) > 127).astype(np.uint8)
        count, _, _, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
        if count > 1:
            found[code] = centres[1 : _MOST_PLACES + 1, ::-1]
    return found


def _alarms(file: Path) -> dict[str, NDArray[np.float64]]:
    """'alarm' -> (N, 2) places (y, x) where a teacher saw lesions that the photograph's grade rules out, where there are any."""
    path = file.with_suffix(ALARMS)
    if not path.is_file():
        return {}
    with path.open("rb") as stored:
        return {"alarm": np.load(stored)}


def _occupied_box(square: NDArray[np.uint8]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The first and one past the last (y, x) that hold retina."""
    green = np.asarray(square[::8, ::8, 1]) > 0
    rows, columns = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    return np.array([rows[0], columns[0]]) * 8, np.array([rows[-1], columns[-1]]) * 8 + 8


def _inside(corner: NDArray[np.float64], window: int, box: tuple[NDArray[np.int_], NDArray[np.int_]]) -> NDArray[np.int_]:
    """Move a window's (y, x) corner so that at most a twelfth of it hangs over the occupied box."""
    low, high = box[0] - window // 12, box[1] + window // 12 - window
    return np.round(np.clip(corner, low, np.maximum(low, high))).astype(int)


def _cut(square: NDArray[np.uint8], corner: NDArray[np.int_], window: int) -> NDArray[np.uint8]:
    """(window, window, C) from a (y, x) corner that may lie outside, where it is black and empty."""
    piece = np.zeros((window, window, square.shape[2]), np.uint8)
    low, high = np.maximum(corner, 0), np.minimum(corner + window, square.shape[:2])
    if (low < high).all():
        (y0, x0), (y1, x1) = low - corner, high - corner
        piece[y0:y1, x0:x1] = square[low[0] : high[0], low[1] : high[1]]
    return piece


def _resize(piece: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """To (side, side, C); OpenCV takes at most four channels at a time."""
    how = cv2.INTER_AREA if piece.shape[0] > side else cv2.INTER_LINEAR
    parts = [piece[..., i : i + 4] for i in range(0, piece.shape[2], 4)]
    small = [cv2.resize(np.ascontiguousarray(p), (side, side), interpolation=how).reshape(side, side, -1) for p in parts]
    return np.concatenate(small, axis=2, dtype=np.uint8)
