"""TIFF and BigTIFF: the largest page, through Pillow and libtiff."""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from retinai.decoding import tiff_pages as tags
from retinai.decoding.deflate import unpacked_size
from retinai.decoding.jpeg import check_strip
from retinai.decoding.limits import Damaged, Refused, check_size
from retinai.decoding.quiet import quiet
from retinai.decoding.tiff_pages import Page, largest_page, with_first_page
from retinai.decoding.to_rgb import to_rgb, with_all_bits

_OLD_JPEG, _JPEG = 6, 7
_DEFLATE = {8, 32946}
_RAW = {32803, 34892}  # colour filter array, linear raw
_MAX_CHANNELS = 6  # with those that mean nothing
_MAX_EXCESS = 8
"""Strips or tiles that together say that they hold this many times the page's pixels do not belong to it."""


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """-> upright (H, W, 3) RGB uint8. Raises Refused, or what struct, Pillow and libtiff raise for a damaged file."""
    if data[8:10] == b"CR":
        raise Refused("is a camera's raw file (CR2), which is not read; save it as TIFF, PNG or JPEG")
    page = largest_page(data)
    _check(page, max_pixels)
    _check_strips(data, page, max_pixels)
    data = with_first_page(data, page)
    picture = TiffImageFile(io.BytesIO(data))
    check_size(*picture.size, max_pixels)  # one reader of tags may understand them otherwise than the other
    with quiet():
        picture.load()
    pixels = to_rgb(ImageOps.exif_transpose(picture))
    several = page.number(tags.SAMPLES, 1) > 1 and page.number(tags.BITS) == 16
    return with_all_bits(pixels, data) if several else pixels


def _check(page: Page, max_pixels: int) -> None:
    if tags.DNG_VERSION in page.tags or page.number(tags.PHOTOMETRIC) in _RAW:
        raise Refused("is a camera's raw file (DNG), which is not read; save it as TIFF, PNG or JPEG")
    if page.number(tags.COMPRESSION) == _OLD_JPEG:
        raise Refused("is a TIFF with old-style JPEG compression, in which damage cannot be found; save it as PNG")
    if page.number(tags.SAMPLES, 1) > _MAX_CHANNELS:
        raise Refused(f"has {page.number(tags.SAMPLES)} channels; photographs have one to four")
    check_size(page.number(tags.WIDTH), page.number(tags.HEIGHT), max_pixels)
    if page.number(tags.TILE_WIDTH) * page.number(tags.TILE_HEIGHT) > max_pixels:
        raise Damaged


def _check_strips(data: bytes, page: Page, max_pixels: int) -> None:
    """libtiff takes libjpeg's warnings for unimportant and does not wait for zlib's checksum, so these are looked at first."""
    if page.number(tags.COMPRESSION) == _JPEG:
        tables = bytes(page.tags.get(tags.JPEG_TABLES, ()))
        left = _MAX_EXCESS * page.pixels
        for strip in _strips(data, page):
            left -= check_strip(tables[:-2] + strip[2:] if tables else strip, min(left, max_pixels))
    if page.number(tags.COMPRESSION) in _DEFLATE:
        left = _MAX_EXCESS * page.pixels * page.number(tags.SAMPLES, 1) * ceil(page.number(tags.BITS, 1) / 8)
        for strip in _strips(data, page):
            size, whole = unpacked_size([strip], left)
            left -= size
            if not whole:
                raise Damaged


def _strips(data: bytes, page: Page) -> Iterator[bytes]:
    tiled = tags.TILE_OFFSETS in page.tags
    places = page.tags[tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS]
    lengths = page.tags[tags.TILE_BYTES if tiled else tags.STRIP_BYTES]
    for place, length in zip(places, lengths, strict=True):
        yield data[place : place + length]
