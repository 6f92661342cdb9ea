"""From a photograph to what the vision tower sees: cropped to the field, padded to a square, never centre-cropped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retinai.fit import Fit
from retinai.image import fundus_image
from retinai.types import FundusImage
from vlm.findings import Report, mirrored, upturned
from vlm.settings import View

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Lens:
    """side: of the square, px; mean, std: of RGB in 0..1, as the tower was trained with."""

    side: int
    mean: tuple[float, float, float] = _IMAGENET[0]
    std: tuple[float, float, float] = _IMAGENET[1]

    def fit(self, image: FundusImage) -> Fit:
        return Fit.of(image.field, self.side)

    def pixel_values(self, image: FundusImage) -> Tensor:
        """(3, side, side) float32, normalised."""
        square = torch.from_numpy(self.fit(image).apply(image.pixels)).float() / 255
        return ((square - torch.tensor(self.mean)) / torch.tensor(self.std)).permute(2, 0, 1)


def turn(image: FundusImage, view: View) -> FundusImage:
    """The photograph in another view."""
    rows = slice(None, None, -1) if view in ("upturned", "turned") else slice(None)
    columns = slice(None, None, -1) if view in ("mirrored", "turned") else slice(None)
    return replace(image, pixels=image.pixels[rows, columns].copy(), field=image.field[rows, columns].copy())


def turn_report(report: Report, view: View) -> Report:
    """What is true of that view."""
    report = upturned(report) if view in ("upturned", "turned") else report
    return mirrored(report) if view in ("mirrored", "turned") else report


def jittered(image: FundusImage, share: float, rng: np.random.Generator) -> FundusImage:
    """Brightness and contrast changed by up to `share`; what is true of the photograph stays."""
    gain, lift = rng.uniform(1 - share, 1 + share), rng.uniform(-share, share) * 64
    pixels = np.clip(image.pixels * np.float32(gain) + np.float32(lift), 0, 255).astype(np.uint8)
    return replace(image, pixels=pixels * image.field[..., None])


_SIDE = 768
DRAWN = ("noise", "disc", "flat", "blobs")
"""Kinds of drawn pictures: noise, noise in a round field, one colour, soft coloured blobs."""


def draw_ungradable(seed: int) -> FundusImage:
    """A picture that is no photograph of a retina; the seed says which. Kinds take turns."""
    rng = np.random.default_rng((seed, 77))
    pixels = _DRAW[DRAWN[seed % len(DRAWN)]](rng)
    return fundus_image(pixels, f"drawn-{seed}")


def _noise(rng: np.random.Generator) -> NDArray[np.uint8]:
    grain = int(rng.choice([1, 2, 4, 8, 16]))
    small = rng.integers(0, 256, (_SIDE // grain, _SIDE // grain, 3), np.uint8)
    return np.kron(small, np.ones((grain, grain, 1), np.uint8))


def _disc(rng: np.random.Generator) -> NDArray[np.uint8]:
    line = np.arange(_SIDE) - _SIDE / 2
    inside = line[:, None] ** 2 + line**2 < (0.48 * _SIDE) ** 2
    strength = rng.uniform(0.2, 1)
    colour = rng.integers(0, 256, 3) * (1 - strength)
    return ((_noise(rng) * strength + colour) * inside[..., None]).astype(np.uint8)


def _flat(rng: np.random.Generator) -> NDArray[np.uint8]:
    colour = rng.integers(0, 256, 3) * rng.choice([0, 0.3, 1])
    return np.broadcast_to(colour.astype(np.uint8), (_SIDE, _SIDE, 3)).copy()


def _blobs(rng: np.random.Generator) -> NDArray[np.uint8]:
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, *rng.integers(2, 9, 2)))).float()
    smooth = torch.nn.functional.interpolate(coarse, (_SIDE, _SIDE), mode="bicubic").clamp(0, 255)
    return np.ascontiguousarray(smooth[0].permute(1, 2, 0).numpy().astype(np.uint8))


_DRAW = {"noise": _noise, "disc": _disc, "flat": _flat, "blobs": _blobs}
