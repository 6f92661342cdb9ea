"""Photographs as squares on disk, and the order in which training draws them.

Everything drawn depends on the seed and the place in the run alone, so that a run that goes on draws what a whole one
would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from retinai.files import sha256_of, whole
from retinai.fit import Fit
from retinai.image import read_photograph
from retinai.readers.record import Record
from retinai.types import FundusImage


def square_of(image: FundusImage, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) uint8: the field of view, padded with black. Training and inference both see photographs through this."""
    return Fit.of(image.field, side).apply(image.pixels)


class Squares:
    """`squares.fill(records)`, then `squares[record]` -> (side, side, 3) uint8. Files are named by the photographs' content."""

    def __init__(self, folder: Path, side: int) -> None:
        self.folder, self.side = folder, side
        self.paths: dict[Path, Path] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def fill(self, records: Sequence[Record], progress: Callable[[int], None]) -> None:
        """Make what is not there yet."""
        for done, record in enumerate(records, start=1):
            path = self.folder / f"{sha256_of(record.image)}-{self.side}.npy"
            if not path.exists():
                square = square_of(read_photograph(record.image), self.side)
                with whole(path, "wb") as file:
                    np.save(file, square)
            self.paths[record.image] = path
            progress(done)

    def __getitem__(self, record: Record) -> NDArray[np.uint8]:
        return np.load(self.paths[record.image])


class Drawn(Dataset):
    """Training samples in a fixed order: (side, side, 3) uint8, turned and jittered, and the class.

    order: positions in `records`, one for each sample of the whole run.
    """

    def __init__(
        self, records: Sequence[Record], levels: Sequence[int], squares: Squares, order: NDArray[np.int64],
        turn: float, jitter: float, seed: int,
    ) -> None:  # fmt: skip
        self.records, self.levels, self.squares, self.order = records, levels, squares, order
        self.turn, self.jitter, self.seed = turn, jitter, seed

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        place = int(self.order[number])
        rng = np.random.default_rng((self.seed, number))
        return torch.from_numpy(vary(self.squares[self.records[place]], self.turn, self.jitter, rng)), self.levels[place]


class Plain(Dataset):
    """Samples as they are, for measuring."""

    def __init__(self, records: Sequence[Record], levels: Sequence[int], squares: Squares) -> None:
        self.records, self.levels, self.squares = records, levels, squares

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.squares[self.records[number]]), self.levels[number]


def vary(square: NDArray[np.uint8], turn: float, jitter: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror, turn by up to `turn` degrees, scale by up to a tenth, change each channel's brightness and all contrast by `jitter`."""
    side = square.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), rng.uniform(-turn, turn), rng.uniform(0.9, 1.1))
    turned = cv2.warpAffine(square, matrix, (side, side), flags=cv2.INTER_LINEAR)
    if turn and rng.random() < 0.5:
        turned = np.ascontiguousarray(turned[:, ::-1])
    field = turned.max(axis=2, keepdims=True) > 0
    mean = turned.mean(axis=(0, 1), keepdims=True)
    contrast, brightness, colour = 1 + rng.uniform(-jitter, jitter), 1 + rng.uniform(-jitter, jitter), rng.uniform(-jitter, jitter, 3)
    changed = ((turned - mean) * contrast + mean) * (brightness + 0.5 * colour)
    return (np.clip(changed, 1, 255) * field).astype(np.uint8)


def balanced_order(levels: Sequence[int], batch: int, steps: int, seed: int) -> NDArray[np.int64]:
    """(steps * batch,) positions: every batch has the classes equally often, to one, and over the run each class comes equally often.

    Within a class every photograph comes once before any comes again.
    """
    members = [np.flatnonzero(np.asarray(levels) == level) for level in sorted(set(levels))]
    rng = np.random.default_rng(seed)
    queues: list[list[int]] = [[] for _ in members]
    order = np.empty(steps * batch, np.int64)
    for number in range(steps * batch):
        queue, those = queues[number % len(members)], members[number % len(members)]
        if not queue:
            queue.extend(rng.permutation(those).tolist())
        order[number] = queue.pop()
    return order


def plain_order(levels: Sequence[int], batch: int, steps: int, seed: int) -> NDArray[np.int64]:
    """(steps * batch,) positions: all photographs in random order, again and again."""
    rng, count = np.random.default_rng(seed), len(levels)
    rounds = -(-steps * batch // count)
    return np.concatenate([rng.permutation(count) for _ in range(rounds)])[: steps * batch]
