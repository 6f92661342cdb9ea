"""No pixel from a broken file: what is missing is found in every kind, what is whole is read, what costs too much is not begun."""

from __future__ import annotations

import io
import re
import struct
import sys
import time
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from retinai.decoding import decode
from retinai.decoding.to_rgb import depth_of
from retinai.errors import ImageError

HEIGHT, WIDTH = 120, 160
BROKEN = "it is truncated or damaged"


def _eye(seed: int = 0) -> NDArray[np.uint8]:
    """A round field with texture all over, so that every stretch of a file holds some of it."""
    noise = np.random.default_rng(seed).integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    field = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(field, (80, 60), 55, (180, 90, 40), cv2.FILLED)
    return field + noise


def _file(kind: str, pixels: NDArray[Any] | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(_eye() if pixels is None else pixels).save(stream, kind, **options)
    return stream.getvalue()


def _encoded(suffix: str, pixels: NDArray[Any]) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def _complaint(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, "it")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Damage


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [10, 30, 50, 70, 90, 99])
def test_a_jpeg_that_was_cut_and_ended_again(share: int, progressive: bool) -> None:
    whole = _file("JPEG", progressive=progressive)
    assert _complaint(whole[: len(whole) * share // 100] + b"\xff\xd9") == BROKEN


@pytest.mark.parametrize("kept", [1, 4, 8, 11])
def test_a_jpeg_with_a_hole_between_restart_markers(kept: int) -> None:
    whole = _file("JPEG", restart_marker_blocks=5)
    marks = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", whole)]
    assert len(marks) > 13
    assert _complaint(whole[: marks[0]] + whole[marks[kept] :]) == BROKEN  # 8: the numbers of the marks agree again


def test_a_jpeg_that_has_a_few_bytes_too_many() -> None:
    """libjpeg has read these before it meets the end marker, and says nothing."""
    whole = _file("JPEG")
    assert _complaint(whole[:-2] + b"\x35\x53" + whole[-2:]) == BROKEN


@pytest.mark.parametrize(("length", "zeros"), [(256, False), (512, False), (512, True)])
def test_a_jpeg_with_a_hole_anywhere(length: int, zeros: bool) -> None:
    whole = _file("JPEG")
    for start in range(700, len(whole) - length - 2, 100):
        assert _complaint(whole[:start] + bytes(length * zeros) + whole[start + length :]) == BROKEN


def test_a_progressive_jpeg_cut_between_two_scans() -> None:
    whole = _file("JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", whole)]
    tables = [found.start() for found in re.finditer(rb"\xff\xc4", whole)]
    assert len(scans) == 10
    for scan, following in pairwise(scans):
        cut = next((table for table in tables if scan < table < following), following)
        assert _complaint(whole[:cut] + b"\xff\xd9") == BROKEN


def _with_header(jpeg: bytes, old: bytes, new: bytes) -> bytes:
    assert jpeg.count(old) == 1
    return jpeg.replace(old, new)


ODD: dict[str, Callable[[bytes], bytes]] = {
    "bytes after the end": lambda jpeg: jpeg + bytes(3000) + jpeg[:500],
    "two zeros before the end marker": lambda jpeg: jpeg[:-2] + b"\0\0" + jpeg[-2:],
    "many zeros before the end marker": lambda jpeg: jpeg[:-2] + bytes(500) + jpeg[-2:],
    "fill bytes before the end marker": lambda jpeg: jpeg[:-2] + b"\xff\xff\xff" + jpeg[-2:],
    "fill bytes before markers": lambda jpeg: jpeg.replace(b"\xff\xdb", b"\xff\xff\xff\xdb"),
    "an unknown JFIF version": lambda jpeg: _with_header(jpeg, b"JFIF\0\1", b"JFIF\0\2"),
    "a scan header left empty": lambda jpeg: _with_header(jpeg, b"\0\x3f\0", b"\0\0\0"),
    "bytes between two segments": lambda jpeg: _with_header(jpeg, b"\xff\xc0", b"\0\0\0\xff\xc0"),
    "a small picture inside": lambda jpeg: jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(jpeg) + 2) + jpeg + jpeg[2:],
}


@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_jpeg_that_is_whole_is_read_and_one_that_is_cut_is_not(oddity: str) -> None:
    whole = _file("JPEG", quality=60)
    odd = ODD[oddity](whole)
    np.testing.assert_array_equal(decode(odd, "it"), np.asarray(Image.open(io.BytesIO(whole)).convert("RGB")))
    cut = whole[: len(whole) * 2 // 3] + b"\xff\xd9"
    assert _complaint(ODD[oddity](cut)) == BROKEN


JPEGS: dict[str, dict[str, Any]] = {
    "whole colours": {"subsampling": 0},
    "halved colours": {"subsampling": 2},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "optimised": {"optimize": True, "quality": 40},
    "red, green and blue": {"keep_rgb": True},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_whole_jpegs_give_the_pixels_that_opencv_and_pillow_give(options: dict[str, Any]) -> None:
    data = _file("JPEG", **options)
    pixels = decode(data, "it")
    opened = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert opened is not None
    np.testing.assert_array_equal(pixels, opened)
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_grey_and_cmyk_jpegs_give_the_pixels_that_pillow_gives() -> None:
    for mode in ("L", "CMYK"):
        stream = io.BytesIO()
        Image.fromarray(_eye()).convert(mode).save(stream, "JPEG")
        np.testing.assert_array_equal(decode(stream.getvalue(), "it"), np.asarray(Image.open(stream).convert("RGB")))


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_whose_rows_end_too_early_though_every_checksum_is_right(depth: int) -> None:
    whole = _file("PNG") if depth == 8 else _encoded(".png", _eye().astype(np.uint16))
    chunks = _chunks(whole)
    rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    short = zlib.compress(rows[: len(rows) * 2 // 3])
    assert _complaint(_png([chunks[0], (b"IDAT", short), (b"IEND", b"")])) == BROKEN
    stream = zlib.compress(rows)
    assert _complaint(_png([chunks[0], (b"IDAT", stream[: len(stream) // 2]), (b"IEND", b"")])) == BROKEN


def test_a_png_with_one_wrong_byte_or_without_its_end() -> None:
    whole = _file("PNG")
    for place in (20, len(whole) // 2, len(whole) - 30):
        assert _complaint(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]) == BROKEN
    assert _complaint(whole[:-12]) == BROKEN


COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")


def _cut_strip(tiff: bytes) -> bytes:
    """The last strip's second half is zeros; the directory lies behind it and is whole."""
    with Image.open(io.BytesIO(tiff)) as picture:
        assert isinstance(picture, TiffImagePlugin.TiffImageFile)
        place, length = picture.tag_v2[273][-1], picture.tag_v2[279][-1]
    return tiff[: place + length // 2] + bytes(length - length // 2) + tiff[place + length :]


@pytest.mark.parametrize("compression", COMPRESSIONS[1:])
def test_a_tiff_with_half_a_strip(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _complaint(_cut_strip(_file("TIFF", compression=compression))) == BROKEN
    assert capfd.readouterr() == ("", "")  # libtiff's own words reach nobody
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_whose_end_is_missing(compression: str, big: bool) -> None:
    whole = _file("TIFF", compression=compression, big_tiff=big)
    for share in (10, 50, 90):
        assert _complaint(whole[: len(whole) * share // 100]) == BROKEN


@pytest.mark.parametrize("tiles", [{}, {"tile_size": (64, 64)}])
@pytest.mark.parametrize("again", [b"", b"\xff\xd9"])
def test_a_jpeg_2000_that_was_cut(again: bytes, tiles: dict[str, Any]) -> None:
    whole = _file("JPEG2000", **tiles)
    for share in (30, 60, 95):
        assert _complaint(whole[: len(whole) * share // 100] + again) == BROKEN


# Containers


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("big", [False, True])
def test_every_compression_of_tiff_and_bigtiff(compression: str, big: bool) -> None:
    pixels = decode(_file("TIFF", compression=compression, big_tiff=big), "it")
    assert np.abs(pixels.astype(int) - _eye()).mean() < (12 if compression == "jpeg" else 0.01)


@pytest.mark.parametrize("compression", ["raw", "jpeg"])
@pytest.mark.parametrize("big", [False, True])
def test_the_largest_page_is_read_wherever_it_is(compression: str, big: bool) -> None:
    page, small = Image.fromarray(_eye()), Image.fromarray(_eye()).resize((80, 64))
    expected = decode(_file("TIFF", compression=compression), "it")
    for pages in ([small, page, small], [small, small, page], [page, small]):
        stream = io.BytesIO()
        pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], compression=compression, big_tiff=big)
        np.testing.assert_array_equal(decode(stream.getvalue(), "it"), expected)


@pytest.mark.parametrize("bare", [False, True])
def test_jpeg_2000_is_read(bare: bool) -> None:
    np.testing.assert_array_equal(decode(_file("JPEG2000", no_jp2=bare), "it"), _eye())


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("aligned", ["low", "high"])
def test_fewer_bits_in_sixteen_are_scaled_by_the_true_depth(suffix: str, channels: int, bits: int, aligned: str) -> None:
    eye = _eye() if channels == 3 else _eye()[..., 1]
    eye.flat[0] = 255
    shift = bits - 8 if aligned == "low" else 8
    stored = np.ascontiguousarray((eye.astype(np.uint16) << shift)[..., ::-1] if channels == 3 else eye.astype(np.uint16) << shift)
    expected = eye if channels == 3 else np.dstack([eye] * 3)
    np.testing.assert_array_equal(decode(_encoded(suffix, stored), "it"), expected)


def test_the_depth_is_the_smallest_usual_one_that_holds_the_value() -> None:
    assert [depth_of(v) for v in (0, 255, 256, 1023, 1024, 4095, 4096, 16383, 16384, 65535)] == [8, 8, 10, 10, 12, 12, 14, 14, 16, 16]


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"\0\0\0\x18ftypmp42", "video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\3\4", "ZIP"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "macOS companion (._)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "HTML or XML"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(start: bytes, name: str) -> None:
    assert _complaint(start + bytes(200)) == f"it is a {name} file; JPEG, PNG, TIFF, BMP and JPEG 2000 are read"


def _frame(marker: int, precision: int) -> bytes:
    return b"\xff\xd8\xff" + bytes([marker, 0, 11, precision, 0, 120, 0, 160, 1, 1, 0x11, 0]) + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (_frame(0xC1, 12), "it is a JPEG of 12 bits; save it with 8, or as a 16-bit PNG or TIFF"),
        (_frame(0xC3, 8), "it is a lossless JPEG, which is not read"),
        (_frame(0xC9, 8), "it is an arithmetic-coded JPEG, which is not read"),
        (_frame(0xCA, 8), "it is an arithmetic-coded JPEG, which is not read"),
        (_frame(0xF7, 8), "it is a JPEG-LS file, which is not read"),
    ],
)
def test_codings_of_jpeg_in_which_damage_cannot_be_found(data: bytes, complaint: str) -> None:
    assert _complaint(data) == complaint


@pytest.mark.parametrize(
    ("dtype", "complaint"),
    [
        (np.float32, "it has floating-point pixels; save it with 8 or 16 bits"),
        (np.int32, "it has pixels of 32 bits or with a sign; save it with 8 or 16 bits"),
        (np.bool_, "it is black and white without grey, so it is no photograph"),
    ],
)
def test_pixels_that_are_no_brightnesses(dtype: type, complaint: str) -> None:
    assert _complaint(_file("TIFF", np.zeros((HEIGHT, WIDTH), dtype))) == complaint


def test_more_channels_than_colours(capfd: pytest.CaptureFixture[str]) -> None:
    tiff = bytearray(_file("TIFF"))
    (place,) = struct.unpack_from("<I", tiff, 4)
    entry = next(place + 2 + 12 * i for i in range(20) if struct.unpack_from("<H", tiff, place + 2 + 12 * i)[0] == 277)
    struct.pack_into("<H", tiff, entry + 8, 2048)
    assert _complaint(bytes(tiff)) == "it has 2048 channels; photographs have one to four"
    assert capfd.readouterr().err == ""


def test_a_run_length_bmp() -> None:
    grey = bytearray(_file("BMP", _eye()[..., 1]))
    grey[30:34] = struct.pack("<I", 1)
    assert _complaint(bytes(grey)) == "it is a run-length coded BMP, which is not read; save it as PNG"


# Work


def _quickly(data: bytes) -> str:
    start = time.process_time()
    complaint = _complaint(data)
    assert time.process_time() - start < 0.3
    return complaint


def _resized(jpeg: bytes, side: int) -> bytes:
    place = re.search(rb"\xff[\xc0\xc2]", jpeg)
    assert place is not None
    at = place.start() + 5
    return jpeg[:at] + struct.pack(">HH", side, side) + jpeg[at + 4 :]


def test_a_small_progressive_cmyk_jpeg_that_says_to_be_huge() -> None:
    stream = io.BytesIO()
    Image.fromarray(_eye()).convert("CMYK").save(stream, "JPEG", progressive=True)
    assert len(stream.getvalue()) < 50_000
    complaint = "it needs too much work: 8000 x 8000 pixels in 4 colours and 18 scans; save it as baseline"
    assert re.sub(r"\d+ scans", "18 scans", _quickly(_resized(stream.getvalue(), 8000))) == complaint


def test_a_jpeg_of_many_scans_is_refused_by_the_work_of_all_of_them() -> None:
    whole = _resized(_file("JPEG", progressive=True), 5000)
    last = whole.rfind(b"\xff\xda")
    assert "scans; save it as baseline" in _quickly(whole[:-2] + whole[last:-2] * 40 + b"\xff\xd9")


def test_text_that_unpacks_to_gigabytes_is_left_out_of_a_png() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 3_000_000, zip=True)
    text.add_text("Other", "b" * 100)
    np.testing.assert_array_equal(decode(_file("PNG", pnginfo=text, icc_profile=bytes(2_000_000)), "it"), _eye())


def test_more_pages_than_any_photograph_has() -> None:
    entry = struct.pack("<H", 0)
    pages = b"".join(entry + struct.pack("<I", 8 + 6 * (number + 1)) for number in range(3000))
    assert _quickly(b"II*\0" + struct.pack("<I", 8) + pages) == "it has more than 1000 pages"


def test_pages_that_lead_back_to_the_first() -> None:
    whole = bytearray(_file("TIFF"))
    (place,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, place)
    struct.pack_into("<I", whole, place + 2 + 12 * count, place)
    np.testing.assert_array_equal(decode(bytes(whole), "it"), _eye())


def test_a_jpeg_2000_of_many_parts() -> None:
    whole = bytearray(_file("JPEG2000", tile_size=(64, 64)))
    at = whole.find(b"\xff\x4f\xff\x51")
    struct.pack_into(">II", whole, at + 24, 1, 1)  # tiles of one pixel
    whole[whole.find(b"\xff\x52", at) + 6] = 255  # 65,000 layers
    assert _quickly(bytes(whole)) == "it is cut into too many parts; save it again with fewer tiles and layers"


def test_a_small_jpeg_that_says_to_be_large_within_the_caps() -> None:
    for progressive in (False, True):
        assert _quickly(_resized(_file("JPEG", progressive=progressive), 6000)) == BROKEN


def _wide(data: bytes, place: int, form: str) -> bytes:
    return data[:place] + struct.pack(form, 10_000_000) + data[place + 4 :]


def test_a_header_that_says_to_be_huge() -> None:
    tiff, bmp, jp2 = _file("TIFF"), _file("BMP"), _file("JPEG2000")
    (place,) = struct.unpack_from("<I", tiff, 4)
    entry = next(place + 2 + 12 * i for i in range(20) if struct.unpack_from("<H", tiff, place + 2 + 12 * i)[0] == 256)
    assert struct.unpack_from("<HI", tiff, entry + 2) == (4, 1)
    complaint = "it is 10000000 x 120 pixels; at most {} million are read"
    assert _quickly(_wide(tiff, entry + 8, "<I")) == complaint.format(80)
    assert _quickly(_wide(bmp, 18, "<I")) == complaint.format(80)
    assert _quickly(_wide(jp2, jp2.find(b"\xff\x4f\xff\x51") + 8, ">I")) == complaint.format(40)
