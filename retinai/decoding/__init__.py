"""The bytes of a picture file -> its pixels, or one line that says why not. No part of a picture is ever made up.

Every photograph that is read, by whatever command, comes through `decode`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retinai.decoding import bmp, jp2, jpeg, png, tiff
from retinai.decoding.limits import MAX_PIXELS, Damaged, Refused
from retinai.errors import ImageError

READ = "JPEG, PNG, TIFF, BMP and JPEG 2000 are read"

_READERS: dict[bytes, Callable[[bytes, int], NDArray[np.uint8]]] = {
    b"\xff\xd8\xff": jpeg.decode,
    b"\x89PNG\r\n\x1a\n": png.decode,
    b"II*\0": tiff.decode,
    b"MM\0*": tiff.decode,
    b"II+\0": tiff.decode,
    b"MM\0+": tiff.decode,
    b"BM": bmp.decode,
    jp2.FILE: jp2.decode,
    jp2.STREAM: jp2.decode,
}
_OTHERS = (
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif", "HEIC or AVIF"),
    (4, b"ftyp", "video"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II\xbc", "JPEG XR"),
    (128, b"DICM", "DICOM"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"PK\3\4", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\0\5\x16\7", "macOS companion (._)"),
    (0, b"version https://git-lfs", "Git LFS pointer"),
    (0, b"<", "HTML or XML"),
)


def decode(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The upright (H, W, 3) RGB uint8 pixels of a file's bytes, told by their content. name: for the errors.

    Raises ImageError, one line, for whatever cannot be read whole.
    """
    reader = _reader_of(data, name)
    try:
        with warnings.catch_warnings():  # of odd metadata, which no user can act on
            warnings.simplefilter("ignore")
            return reader(data, max_pixels)
    except Refused as refused:
        raise ImageError(f"{name} {refused}") from None
    except MemoryError:
        raise ImageError(f"{name} needs more memory than is free") from None
    except Exception as error:  # foreign decoders on foreign bytes: what they raise is not written down anywhere
        raise ImageError(f"{name} {Damaged()}") from error


def _reader_of(data: bytes, name: str) -> Callable[[bytes, int], NDArray[np.uint8]]:
    if not data:
        raise ImageError(f"{name} is empty (0 bytes)")
    for signature, reader in _READERS.items():
        if data.startswith(signature):
            return reader
    for offset, signature, kind in _OTHERS:
        if data.startswith(signature, offset):
            raise ImageError(f"{name} is a {kind} file; {READ}")
    raise ImageError(f"{name} is not a picture; {READ}")
