"""JPEG 2000, the file (.jp2) and the bare codestream (.j2k), through OpenJPEG, which refuses a stream that ends too early.

ITU-T T.800 (2019), annex A for the markers, annex B for tiles and precincts.
"""

from __future__ import annotations

import io
import struct
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from retinai.decoding.limits import Damaged, Refused, check_size
from retinai.decoding.to_rgb import to_rgb

MAX_PIXELS_HERE = 40_000_000
"""OpenJPEG takes ten times as long as JPEG, and 30 bytes a pixel."""
MAX_PARTS = 100_000
"""Tiles x layers x precincts of all levels and colours, each of which OpenJPEG makes a record for before it reads the first byte."""

FILE = b"\0\0\0\x0cjP  \r\n\x87\n"
STREAM = b"\xff\x4f\xff\x51"


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """-> (H, W, 3) RGB uint8. Raises Refused, or what Pillow raises for a damaged stream."""
    _check(data, min(max_pixels, MAX_PIXELS_HERE))
    picture = Jpeg2KImageFile(io.BytesIO(data))
    check_size(*picture.size, min(max_pixels, MAX_PIXELS_HERE))  # a box may say otherwise than the stream
    picture.load()
    return to_rgb(picture)


def _check(data: bytes, max_pixels: int) -> None:
    start = data.find(STREAM)
    if start < 0:
        raise Damaged
    sizes = struct.unpack_from(">8I", data, start + 8)  # the far corner, the near one, a tile's size, the first tile's corner
    width, height = sizes[0] - sizes[2], sizes[1] - sizes[3]
    check_size(width, height, max_pixels)
    colours = int.from_bytes(data[start + 40 : start + 42], "big")
    if not 1 <= colours <= 4:
        raise Refused(f"has {colours} channels; photographs have one to four")
    tiles = ceil((sizes[0] - sizes[6]) / max(sizes[4], 1)) * ceil((sizes[1] - sizes[7]) / max(sizes[5], 1))
    parts = colours * max(tiles, _precincts(data, start, width, height))
    if parts * _layers(data, start) > MAX_PARTS:
        raise Refused("is cut into too many parts; save it again with fewer tiles and layers")


def _coding(data: bytes, start: int) -> int:
    """Where the body of the COD segment begins."""
    at = start + 2
    while data[at + 1] != 0x52:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF:
            raise Damaged
    return at + 4


def _layers(data: bytes, start: int) -> int:
    at = _coding(data, start)
    return int.from_bytes(data[at + 2 : at + 4], "big")


def _precincts(data: bytes, start: int, width: int, height: int) -> int:
    at = _coding(data, start)
    if not data[at] & 1:  # as large as they can be
        return 1
    levels = data[at + 5]
    exponents = data[at + 10 : at + 11 + levels]  # the coarsest level first
    sizes = [(width >> (levels - i), height >> (levels - i), 1 << (e & 15), 1 << (e >> 4)) for i, e in enumerate(exponents)]
    return sum(ceil(w / across) * ceil(h / down) for w, h, across, down in sizes)
