"""The pages of a TIFF or BigTIFF, walked without decoding.

TIFF 6.0 (Adobe, 1992), section 2, with technical note 2 for JPEG; BigTIFF as libtiff writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from retinai.decoding.limits import MAX_SEGMENTS, Damaged, Refused

MAX_PAGES = 1_000
_MAX_ENTRIES = 4_096
_WIDTHS = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q"}  # the types of whole numbers

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, STRIP_BYTES = 273, 277, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
JPEG_TABLES, DNG_VERSION = 347, 50706
_WANTED = {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, SAMPLES, STRIP_BYTES,
    TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, JPEG_TABLES, DNG_VERSION,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """place: of its directory in the file; tags: the whole numbers of the tags above."""

    place: int
    tags: Mapping[int, tuple[int, ...]]

    def number(self, tag: int, default: int = 0) -> int:
        values = self.tags.get(tag, ())
        return values[0] if values else default

    @property
    def pixels(self) -> int:
        return self.number(WIDTH) * self.number(HEIGHT)


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers lie in this file. order: '<' or '>'; big: BigTIFF, whose counts and places have eight bytes."""

    order: str
    big: bool

    @property
    def place(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))


def largest_page(data: bytes) -> Page:
    """The page with the most pixels, of equal ones the first: scanners put a thumbnail before or after the photograph."""
    pages = _pages(data)
    return max(pages, key=lambda page: page.pixels)


def with_first_page(data: bytes, page: Page) -> bytes:
    """The same file, whose first page is this one: what every decoder reads."""
    form = _form(data)
    at = 8 if form.big else 4
    if struct.unpack_from(form.place, data, at)[0] == page.place:
        return data
    copy = bytearray(data)
    struct.pack_into(form.place, copy, at, page.place)
    return bytes(copy)


def _form(data: bytes) -> _Form:
    return _Form("<" if data[:1] == b"I" else ">", 43 in data[2:4])


def _pages(data: bytes) -> list[Page]:
    form = _form(data)
    place: int = struct.unpack_from(form.place, data, 8 if form.big else 4)[0]
    pages: dict[int, Page] = {}
    while place and place not in pages:  # a chain may lead back into itself
        if len(pages) == MAX_PAGES:
            raise Refused(f"has more than {MAX_PAGES} pages")
        pages[place], place = _page(data, place, form)
    if not pages:
        raise Damaged
    return list(pages.values())


def _page(data: bytes, place: int, form: _Form) -> tuple[Page, int]:
    """A page and the place of the next one."""
    (count,) = struct.unpack_from(form.count, data, place)
    if count > _MAX_ENTRIES:
        raise Damaged
    start = place + struct.calcsize(form.count)
    tags = {}
    for number in range(count):
        tag, kind, values, inside = form.entry.unpack_from(data, start + number * form.entry.size)
        if tag in _WANTED and kind in _WIDTHS:
            tags[tag] = _values(data, form, _WIDTHS[kind], values, inside)
    (following,) = struct.unpack_from(form.place, data, start + count * form.entry.size)
    return Page(place, tags), following


def _values(data: bytes, form: _Form, width: str, count: int, inside: bytes) -> tuple[int, ...]:
    """An entry's values lie in itself where they fit."""
    if count > MAX_SEGMENTS:
        raise Refused("has more strips than any photograph")
    packed = struct.Struct(f"{form.order}{count}{width}")
    if packed.size <= len(inside):
        return packed.unpack_from(inside)
    return packed.unpack_from(data, struct.unpack(form.place, inside)[0])
