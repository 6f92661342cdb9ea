"""JPEG through libjpeg-turbo, whose warnings are errors here: a stretch that is missing from a scan is never painted grey or black."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from retinai.decoding.jpeg_layout import Layout, every_scan_is_there, has_bits_for_all_blocks, read_layout
from retinai.decoding.limits import Damaged, Refused, check_size

MAX_KEPT_SAMPLES = 120e6
"""Coefficients that a file of several scans holds in memory, two bytes each: 80 megapixels with halved colours, 40 with whole ones."""
MAX_VISITED_SAMPLES = 800e6
"""Coefficients that all scans together pass, about four seconds of one core. 24 megapixels in libjpeg's ten scans are 340 million."""
_BLOCKS_IN_SCANS = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; all Huffman-coded
_OTHER_CODINGS = {0xC3: "a lossless JPEG", 0xF7: "a JPEG-LS file"}
_END = b"\xff\xd9"
_ORIENTATION = 0x0112


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """-> upright (H, W, 3) RGB uint8, the same as OpenCV's and Pillow's. Raises Refused, or ValueError where the file is damaged."""
    layout = read_layout(data)
    check_size(layout.width, layout.height, max_pixels)
    _check(layout)
    return _upright(_decode(data, layout), _orientation(layout.exif))


def check_strip(data: bytes, max_pixels: int) -> int:
    """A JPEG inside a TIFF: how many pixels it has. Raises as `decode`."""
    layout = read_layout(data)
    if layout.width * layout.height > max_pixels:
        raise Damaged
    _check(layout)
    _decode(data, layout)
    return layout.width * layout.height


def _decode(data: bytes, layout: Layout) -> NDArray[np.uint8]:
    data = _ended(_mended(data, layout), layout)
    return _from_cmyk(_strictly(data, "CMYK")) if len(layout.components) == 4 else _strictly(data, "RGB")


def _check(layout: Layout) -> None:
    if not layout.frame:
        raise Damaged
    if layout.frame not in _BLOCKS_IN_SCANS:
        # In an arithmetic-coded file libjpeg does not tell where a scan ends too early.
        raise Refused(f"is {_OTHER_CODINGS.get(layout.frame, 'an arithmetic-coded JPEG')}, which is not read")
    if layout.precision != 8:
        raise Refused(f"is a JPEG of {layout.precision} bits; save it with 8, or as a 16-bit PNG or TIFF")
    _check_work(layout)
    if not every_scan_is_there(layout) or not has_bits_for_all_blocks(layout):
        raise Damaged


def _check_work(layout: Layout) -> None:
    """One scan with all colours is decoded as it comes; of several, every coefficient is kept and passed again and again."""
    kept = layout.samples([c.number for c in layout.components])
    visited = sum(layout.samples(scan.components) for scan in layout.scans)
    if len(layout.scans) > 1 and (kept > MAX_KEPT_SAMPLES or visited > MAX_VISITED_SAMPLES):
        size = f"{layout.width} x {layout.height} pixels"
        raise Refused(f"needs too much work: {size} in {len(layout.components)} colours and {len(layout.scans)} scans; save it as baseline")


def _mended(data: bytes, layout: Layout) -> bytes:
    if not layout.mends:
        return data
    copy = bytearray(data)
    for place, mend in layout.mends:
        copy[place : place + len(mend)] = mend
    return bytes(copy)


def _ended(data: bytes, layout: Layout) -> bytes:
    """The file up to the last byte that its last scan needs, without the zeros that some cameras write behind it.

    After a hole the decoder goes on with bits that belong elsewhere, and is seldom done at the very byte where the scan ends. libjpeg
    complains where it lacks bits, but not of a few too many. So the last byte is taken away, and that must be noticed. One
    eighth of each side is decoded, in a third of the time of the whole. Raises Damaged.
    """
    start, end = layout.scans[-1].start, layout.scans[-1].end
    unpadded = start + len(data[start:end].rstrip(b"\0"))
    for last in (end, unpadded + (data[unpadded - 1] == 0xFF)):  # a zero behind 0xFF belongs to it
        byte = 2 if data[last - 2 : last] == b"\xff\0" else 1
        if _is_noticed(data[: last - byte] + _END, layout):
            return data[:last] + _END
    raise Damaged


def _is_noticed(data: bytes, layout: Layout) -> bool:
    try:
        simplejpeg.decode_jpeg(data, "CMYK" if len(layout.components) == 4 else "GRAY", min_height=1, min_width=1)
    except ValueError as error:
        return "premature end" in str(error)
    return False


def _strictly(data: bytes, colours: str) -> NDArray[np.uint8]:
    # Neither faster DCT nor faster colours: the pixels that everything here was measured on.
    return simplejpeg.decode_jpeg(data, colours, fastdct=False, fastupsample=False, strict=True)


def _from_cmyk(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 4), inverted as Adobe writes them -> RGB, some rows at a time."""
    height, width = stored.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, 256):
        band = 255 - stored[top : top + 256]
        pixels[top : top + 256] = np.asarray(Image.frombytes("CMYK", (width, len(band)), band.tobytes()).convert("RGB"))
    return pixels


def _orientation(exif: bytes) -> int:
    """1-8; 1 also where the block cannot be understood, as it says nothing about the pixels."""
    if not exif:
        return 1
    block = Image.Exif()
    try:
        block.load(exif)
        return int(block.get(_ORIENTATION, 1))
    except Exception:  # a foreign parser on bytes that any camera may have written
        return 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return np.ascontiguousarray(pixels[rows, columns])
