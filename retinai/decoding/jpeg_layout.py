"""The headers of a JPEG, walked without decoding: what it will cost, whether every scan is there, and oddities that lose no pixel.

ITU-T T.81 (1992), annex B for the markers, annex G for progressive scans.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from retinai.decoding.limits import MAX_SEGMENTS, Damaged

_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_SOI, _EOI, _SOS, _APP0, _APP1 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1
_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_WHOLE_BLOCK = (0, 63, 0)


@dataclass(frozen=True, slots=True)
class Component:
    """One colour. horizontal, vertical: how often it is sampled, 1-4, relative to the most sampled one."""

    number: int
    horizontal: int
    vertical: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over the picture. first-last: the coefficients, 0-63; low: the bits that it leaves for later scans; start, end: its
    bytes in the file."""

    components: tuple[int, ...]
    first: int
    last: int
    low: int
    start: int
    end: int


@dataclass(slots=True)
class Layout:
    """frame: the SOF marker's second byte; exif: the Exif block, empty where there is none; mends: (place, bytes) that put right
    what a decoder would complain of though no pixel is lost."""

    frame: int = 0
    precision: int = 0
    width: int = 0
    height: int = 0
    components: tuple[Component, ...] = ()
    scans: list[Scan] = field(default_factory=list)
    exif: bytes = b""
    mends: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def progressive(self) -> bool:
        return self.frame == 0xC2

    def samples(self, numbers: Sequence[int]) -> float:
        """How many samples these components have together."""
        most = max(c.horizontal for c in self.components) * max(c.vertical for c in self.components)
        share = sum(c.horizontal * c.vertical / most for c in self.components if c.number in numbers)
        return self.width * self.height * share


def read_layout(data: bytes) -> Layout:
    """Walk from marker to marker to the end of the picture. Raises Damaged, IndexError or ValueError where the walk ends before it."""
    layout = Layout()
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            raise Damaged
        if found.start() > at:  # bytes that belong to nothing become fill bytes
            layout.mends.append((at, b"\xff" * (found.start() - at)))
        marker, at = found.group(1)[0], found.end()
        if marker == _EOI:
            return layout
        if marker in _BARE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if marker == _SOI or length < 2 or at + length > len(data):
            raise Damaged
        place, at = at + 2, at + length
        body = data[place:at]
        if marker == _SOS:
            end = _AFTER_SCAN.search(data, at)
            start, at = at, len(data) if end is None else end.start()
            filled = len(data[start:at].rstrip(b"\xff"))  # 0xFF in front of a marker belongs to no scan
            _take_scan(layout, body, place, start, start + filled)
        else:
            _take(layout, marker, body, place)
    raise Damaged


def _take(layout: Layout, marker: int, body: bytes, at: int) -> None:
    if marker in _FRAMES:
        _take_frame(layout, marker, body)
    elif marker == _APP0 and body.startswith(b"JFIF\0") and len(body) > 5 and body[5] != 1:
        layout.mends.append((at + 5, b"\1"))
    elif marker == _APP1 and body.startswith(b"Exif\0\0") and not layout.exif:
        layout.exif = body


def _take_frame(layout: Layout, marker: int, body: bytes) -> None:
    if layout.frame:
        raise Damaged
    layout.frame, layout.precision = marker, body[0]
    layout.height, layout.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    fields = [body[6 + 3 * i : 9 + 3 * i] for i in range(body[5])]
    layout.components = tuple(Component(f[0], f[1] >> 4, f[1] & 15) for f in fields)
    if not layout.components or min(min(c.horizontal, c.vertical) for c in layout.components) < 1:
        raise Damaged


def _take_scan(layout: Layout, body: bytes, at: int, start: int, end: int) -> None:
    count = body[0]
    numbers = tuple(body[1 + 2 * i] for i in range(count))
    place = 1 + 2 * count
    first, last, bits = body[place : place + 3]
    if not layout.progressive:  # these three mean nothing here, and some cameras leave them empty
        if (first, last, bits) != _WHOLE_BLOCK:
            layout.mends.append((at + place, bytes(_WHOLE_BLOCK)))
        first, last, bits = _WHOLE_BLOCK
    layout.scans.append(Scan(numbers, first, last, bits & 15, start, end))


def has_bits_for_all_blocks(layout: Layout) -> bool:
    """Whether each scan with the mean brightness of 8 x 8 pixels has one bit for it: no Huffman code is shorter. Only the other
    scans can say in a few bytes that nothing follows for thousands of blocks."""
    return all(8 * (s.end - s.start) >= layout.samples(s.components) / 64 for s in layout.scans if s.first == 0)


def every_scan_is_there(layout: Layout) -> bool:
    """Whether each colour came, and whatever was begun came to its last bit.

    A progressive file that was cut between two scans decodes without any complaint to a blurred picture.
    """
    left = {c.number: dict[int, int]() for c in layout.components}  # component -> coefficient -> bits still to come
    for scan in layout.scans:
        for number in scan.components:
            left.setdefault(number, {}).update(dict.fromkeys(range(scan.first, scan.last + 1), scan.low))
    begun = all(0 in bits and not any(bits.values()) for bits in left.values())
    return begun and len(left[layout.components[0].number]) == 64
