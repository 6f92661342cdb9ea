"""Whatever mode Pillow gives -> RGB uint8, some rows at a time, so that the conversions never hold the picture a second time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retinai.decoding.limits import Refused
from retinai.decoding.quiet import quiet

_ROWS = 256
_DEPTHS = (8, 10, 12, 14, 16)
_DARK = 64
"""A high byte that never comes to this leaves the upper two bits of sixteen unused: the picture may have fewer bits."""


def to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """-> (H, W, 3). Transparent parts become black. Raises Refused for pixels that are no brightnesses of 8 to 16 bits."""
    if picture.mode == "F":
        raise Refused("has floating-point pixels; save it with 8 or 16 bits")
    if picture.mode == "I":
        raise Refused("has pixels of 32 bits or with a sign; save it with 8 or 16 bits")
    if picture.mode == "1":
        raise Refused("is black and white without grey, so it is no photograph")
    if picture.mode.startswith("I;16"):
        return np.dstack([to_eight_bits(np.asarray(picture).astype(np.uint16))] * 3)
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _ROWS):
        band = picture.crop((0, top, picture.width, min(top + _ROWS, picture.height)))
        pixels[top : top + _ROWS] = np.asarray(_on_black(band).convert("RGB"))
    return pixels


def to_eight_bits(wide: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The upper eight of the bits that are used: a camera of 12 bits that writes 0-4095 into sixteen is not a dark picture."""
    return (wide >> (depth_of(int(wide.max())) - 8)).astype(np.uint8)


def depth_of(highest: int) -> int:
    """The smallest usual depth, 8 to 16 bits, that holds this value."""
    return next(depth for depth in _DEPTHS if highest < 1 << depth)


def with_all_bits(pixels: NDArray[np.uint8], file: bytes) -> NDArray[np.uint8]:
    """pixels: the high bytes of a file with several channels of 16 bits, decoded without complaint. Where they are all dark, the
    file is decoded again with its low bytes, for Pillow leaves these out."""
    if int(pixels.max()) >= _DARK:
        return pixels
    with quiet():
        wide = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if wide is None or wide.dtype != np.uint16 or wide.shape != pixels.shape:
        return pixels
    return to_eight_bits(wide[..., ::-1].astype(np.uint16))


def _on_black(band: Image.Image) -> Image.Image:
    if not band.has_transparency_data:
        return band
    layer = band.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
