"""What is decided before anything is decoded: a file of a few kilobytes can unpack to gigabytes or keep a core busy for minutes."""

from __future__ import annotations

MAX_PIXELS = 80_000_000
"""The largest photograph that is decoded: six times IDRiD's 12 megapixels, 240 MB as RGB."""
MIN_SIDE_PX = 64
"""A picture with a shorter side than this shows no lesion: it is an icon, not a photograph."""
MAX_FILE_BYTES = 512 * 2**20
"""The largest file that is taken into memory: 80 megapixels of three 16-bit channels fit."""
MAX_SEGMENTS = 100_000
"""Segments of a JPEG, chunks of a PNG, strips of a TIFF. A photograph of 80 megapixels in PNG chunks of 8 KB has about 30,000."""


class Refused(Exception):
    """A file that is not decoded, and why: a text that follows the file's name."""


class Damaged(Refused):
    def __init__(self) -> None:
        super().__init__("is truncated or damaged")


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises Refused for a picture with more pixels than are decoded, with too few to be a photograph, or with none."""
    if min(width, height) < 1:
        raise Damaged
    if width * height > max_pixels:
        raise Refused(f"is {width} x {height} pixels; at most {max_pixels / 1e6:g} million are read")
    if min(width, height) < MIN_SIDE_PX:
        raise Refused(f"is {width} x {height} pixels, too small to be a photograph")
