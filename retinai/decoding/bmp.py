"""BMP, as its rows lie in the file."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL.BmpImagePlugin import BmpImageFile

from retinai.decoding.limits import Refused, check_size
from retinai.decoding.to_rgb import to_rgb

_RUN_LENGTHS = (1, 2)


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """-> (H, W, 3) RGB uint8. Raises Refused, or what Pillow raises for a truncated file."""
    picture = BmpImageFile(io.BytesIO(data))
    check_size(*picture.size, max_pixels)
    if picture.info["compression"] in _RUN_LENGTHS:
        raise Refused("is a run-length coded BMP, which is not read; save it as PNG")  # runs cannot tell a missing stretch
    picture.load()
    return to_rgb(picture)
