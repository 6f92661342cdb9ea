"""Every kind of file that is read, and every kind that is refused."""

from __future__ import annotations

import struct
import time
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from retinai.errors import ImageError
from retinai.image import fundus_image, read_photograph, read_pixels

HEIGHT, WIDTH = 120, 160
FINE: dict[str, dict[str, int]] = {"jpg": {"quality": 95, "subsampling": 0}}


@pytest.fixture
def drawn() -> NDArray[np.uint8]:
    """A round field off the centre, with one bright disc, so that each orientation looks different."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(pixels, (85, 60), 55, (180, 90, 40), cv2.FILLED)
    cv2.circle(pixels, (60, 40), 10, (250, 220, 150), cv2.FILLED)
    return pixels


def _close(a: NDArray[np.uint8], b: NDArray[np.uint8], levels: float = 2.0) -> None:
    assert a.shape == b.shape and a.dtype == np.uint8
    assert np.abs(a.astype(float) - b).mean() < levels


def _saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "jpg"])
def test_each_format_gives_the_same_pixels(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str) -> None:
    path = _saved(tmp_path / f"eye.{suffix}", Image.fromarray(drawn), **FINE.get(suffix, {}))
    _close(read_pixels(path), drawn, 2.0 if suffix == "jpg" else 0.01)


def test_the_content_decides_and_not_the_name(tmp_path: Path, drawn: NDArray[np.uint8]) -> None:
    Image.fromarray(drawn).save(tmp_path / "eye.jpg", format="PNG")
    np.testing.assert_array_equal(read_pixels(tmp_path / "eye.jpg"), drawn)


def test_a_photograph_has_its_name_its_field_and_a_black_surround(tmp_path: Path, drawn: NDArray[np.uint8]) -> None:
    cv2.putText(drawn, "12:08", (2, 12), cv2.FONT_HERSHEY_PLAIN, 0.6, (0, 255, 0), 1)
    image = read_photograph(_saved(tmp_path / "eye.left.png", Image.fromarray(drawn)))
    assert image.id == "eye.left"
    assert image.field[60, 85] and not image.field[5, 5]
    assert not image.pixels[~image.field].any()
    np.testing.assert_array_equal(image.pixels[60, 85], [180, 90, 40])


def test_the_caller_keeps_its_pixels(drawn: NDArray[np.uint8]) -> None:
    drawn[0, 0] = 200
    assert fundus_image(drawn, "eye").pixels[0, 0].max() == 0 and drawn[0, 0].max() == 200


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str, orientation: int) -> None:
    swapped = drawn.transpose(1, 0, 2)
    # What a camera stores whose tag asks for the turn or flip that brings `drawn` back.
    stored = [
        drawn, drawn[:, ::-1], drawn[::-1, ::-1], drawn[::-1], swapped, np.rot90(drawn), swapped[::-1, ::-1], np.rot90(drawn, -1)
    ][orientation - 1]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _saved(tmp_path / f"eye.{suffix}", Image.fromarray(np.ascontiguousarray(stored)), exif=exif, **FINE.get(suffix, {}))
    _close(read_pixels(path), drawn)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_become_eight(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str, channels: int) -> None:
    wide = drawn.astype(np.uint16) * 257
    given = {1: wide[..., 1], 3: wide[..., ::-1], 4: np.dstack([wide[..., ::-1], np.full((HEIGHT, WIDTH), 65535, np.uint16)])}[channels]
    assert cv2.imwrite(str(tmp_path / f"eye.{suffix}"), np.ascontiguousarray(given))
    expected = np.repeat(drawn[..., 1:2], 3, axis=2) if channels == 1 else drawn
    np.testing.assert_array_equal(read_pixels(tmp_path / f"eye.{suffix}"), expected)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str) -> None:
    pixels = read_pixels(_saved(tmp_path / f"eye.{suffix}", Image.fromarray(drawn[..., 1])))
    assert (pixels == pixels[..., :1]).all()
    _close(pixels[..., 0], drawn[..., 1])


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_palettes_are_resolved(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str) -> None:
    picture = Image.fromarray(drawn).quantize(16, dither=Image.Dither.NONE)
    np.testing.assert_array_equal(read_pixels(_saved(tmp_path / f"eye.{suffix}", picture)), np.array(picture.convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_transparent_parts_are_black(tmp_path: Path, drawn: NDArray[np.uint8], suffix: str) -> None:
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, :40], alpha[:, 40:60] = 0, 128
    pixels = read_pixels(_saved(tmp_path / f"eye.{suffix}", Image.fromarray(np.dstack([drawn, alpha]))))
    assert not pixels[:, :40].any()
    np.testing.assert_allclose(pixels[:, 40:60], drawn[:, 40:60] / 2, atol=2)
    np.testing.assert_array_equal(pixels[:, 60:], drawn[:, 60:])


def test_cmyk_jpegs_keep_their_colours(tmp_path: Path, drawn: NDArray[np.uint8]) -> None:
    path = _saved(tmp_path / "eye.jpg", Image.fromarray(drawn).convert("CMYK"), **FINE["jpg"])
    _close(read_pixels(path), drawn, 3.0)


def test_of_equal_pages_the_first_is_read(tmp_path: Path, drawn: NDArray[np.uint8]) -> None:
    pages = [Image.fromarray(drawn), Image.fromarray(255 - drawn)]
    pages[0].save(tmp_path / "eye.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_pixels(tmp_path / "eye.tif"), drawn)


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 0) + b"IDAT\x35\xaf\x06\x1e"


def _complaint(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text.replace(str(path), "FILE")


def test_a_missing_file(tmp_path: Path) -> None:
    assert _complaint(tmp_path / "no.jpg") == "no image at FILE"


def test_a_folder(tmp_path: Path) -> None:
    assert _complaint(tmp_path) == "FILE is a folder, not a photograph"


def test_a_file_that_must_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, *arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert _complaint(tmp_path / "eye.jpg") == "no permission to read FILE"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "FILE is empty (0 bytes)"),
        (b"this is a letter\n" * 20, "FILE is not a picture; JPEG, PNG, TIFF, BMP and JPEG 2000 are read"),
        (b"GIF89a" + bytes(50), "FILE is a GIF file; JPEG, PNG, TIFF, BMP and JPEG 2000 are read"),
        (bytes(128) + b"DICM" + bytes(50), "FILE is a DICOM file; JPEG, PNG, TIFF, BMP and JPEG 2000 are read"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "FILE is a WebP file; JPEG, PNG, TIFF, BMP and JPEG 2000 are read"),
        (_png_header(30000, 30000), "FILE is 30000 x 30000 pixels; at most 80 million are read"),
        (b"\xff\xd8\xff", "FILE is truncated or damaged"),
        (b"\x89PNG\r\n\x1a\n", "FILE is truncated or damaged"),
        (b"II*\0\x08\0\0\0", "FILE is truncated or damaged"),
        (b"MM\0*", "FILE is truncated or damaged"),
        (b"BM" + bytes(60), "FILE is truncated or damaged"),
    ],
)
def test_what_is_no_photograph_is_said_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "eye.jpg"
    path.write_bytes(content)
    assert _complaint(path) == complaint


@pytest.mark.parametrize(("width", "height"), [(1, 1), (63, 400)])
def test_too_small(tmp_path: Path, width: int, height: int) -> None:
    path = _saved(tmp_path / "eye.png", Image.new("RGB", (width, height)))
    assert _complaint(path) == f"FILE is {width} x {height} pixels, too small to be a photograph"


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_truncated_files(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = _saved(tmp_path / f"eye.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert _complaint(path) == "FILE is truncated or damaged"


def test_a_truncated_jpeg_whose_thumbnail_is_whole(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    thumbnail = _saved(tmp_path / "small.jpg", noise.resize((40, 30))).read_bytes()
    data = _saved(tmp_path / "eye.jpg", noise).read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    path = tmp_path / "eye.jpg"
    path.write_bytes(data[:2] + segment + data[2:-2000])
    assert _complaint(path) == "FILE is truncated or damaged"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path / "eye.tif", Image.fromarray(np.zeros((HEIGHT, WIDTH), np.float32)))
    assert _complaint(path) == "FILE has floating-point pixels; save it with 8 or 16 bits"


def test_a_huge_header_costs_neither_time_nor_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "eye.png"
    path.write_bytes(_png_header(12000, 9000))  # enough for Pillow's own warning
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "12000 x 9000" in _complaint(path)
    assert time.process_time() - start < 0.5


def test_the_cap_can_be_chosen(tmp_path: Path, drawn: NDArray[np.uint8]) -> None:
    path = _saved(tmp_path / "eye.png", Image.fromarray(drawn))
    with pytest.raises(ImageError, match=r"160 x 120 pixels; at most 0\.01 million are read"):
        read_photograph(path, max_pixels=10_000)
