"""Whether a zlib stream is whole. Pillow and libtiff stop where their rows are full, and leave black what a short stream lacks."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

_PIECE = 1 << 20


def unpacked_size(parts: Iterable[bytes | memoryview], most: int) -> tuple[int, bool]:
    """The bytes that a stream in several parts unpacks to, never much over `most`, and whether its end and checksum were met.

    Raises zlib.error where it cannot be unpacked.
    """
    stream = zlib.decompressobj()
    size = 0
    for part in parts:
        for start in range(0, len(part), _PIECE):
            left = part[start : start + _PIECE]
            while left and not stream.eof and size < most:
                size += len(stream.decompress(left, _PIECE))
                left = stream.unconsumed_tail
    return size, stream.eof
