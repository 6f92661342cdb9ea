"""PNG: every checksum is held, and only the chunks that make the picture are handed to the decoder.

PNG (Third Edition), W3C 2025, chapters 5 and 11.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps
from PIL.PngImagePlugin import PngImageFile

from retinai.decoding.deflate import unpacked_size
from retinai.decoding.limits import MAX_SEGMENTS, Damaged, check_size
from retinai.decoding.to_rgb import to_rgb, with_all_bits

_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}
"""Text and profiles say nothing about the pixels and may unpack to any size; frames of an animation are no part of the photograph."""


_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # left, top, across, down
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """-> upright (H, W, 3) RGB uint8. Raises Refused, or what Pillow and zlib raise for a damaged stream."""
    header = _Header(*struct.unpack_from(">IIBBxxB", data, 16))
    _check_chunk(memoryview(data)[8:33])
    check_size(header.width, header.height, max_pixels)
    chunks = list(_chunks(data))
    least = header.unpacked_bytes()
    if unpacked_size((chunk[8:-4] for chunk in chunks if chunk[4:8] == b"IDAT"), least)[0] < least:
        raise Damaged
    slim = data[:8] + b"".join(chunks)
    picture = PngImageFile(io.BytesIO(slim))
    picture.load()
    pixels = to_rgb(ImageOps.exif_transpose(picture))
    return with_all_bits(pixels, slim) if header.bits == 16 and _CHANNELS[header.colour] > 1 else pixels


class _Header(NamedTuple):
    """The fields of IHDR; bits: of a channel; colour: the colour type."""

    width: int
    height: int
    bits: int
    colour: int
    interlaced: int

    def unpacked_bytes(self) -> int:
        """Of all rows with their filter bytes."""
        return sum(height * (1 + ceil(width * self.bits * _CHANNELS[self.colour] / 8)) for width, height in self._pictures() if width)

    def _pictures(self) -> list[tuple[int, int]]:
        if not self.interlaced:
            return [(self.width, self.height)]
        return [(-((left - self.width) // across), -((top - self.height) // down)) for left, top, across, down in _PASSES]


def _check_chunk(chunk: memoryview) -> None:
    if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
        raise Damaged


def _chunks(data: bytes) -> Iterator[memoryview]:
    view, at = memoryview(data), 8
    for _ in range(MAX_SEGMENTS):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if end > len(data) or (at == 8) != (kind == b"IHDR"):
            raise Damaged
        if kind in _KEPT:
            _check_chunk(view[at:end])
            yield view[at:end]
        if kind == b"IEND":
            return
        at = end
    raise Damaged
