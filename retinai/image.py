"""Read a photograph from disk as RGB uint8, upright, black outside the field of view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from retinai.fit import find_field
from retinai.types import FundusImage


def read_photograph(path: Path) -> FundusImage:
    """Read one photograph."""
    with Image.open(path) as image:
        pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    return fundus_image(pixels, Path(path).stem)


def fundus_image(pixels: NDArray[np.uint8], name: str) -> FundusImage:
    """Find the field of (H, W, 3) RGB uint8 pixels and blacken what lies outside it."""
    field = find_field(pixels)
    return FundusImage(name, pixels * field[..., None], field)
