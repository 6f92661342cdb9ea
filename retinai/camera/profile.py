"""A camera's profile: where its marks are and how deep, its field's outline, and from how many photographs that is known.

On disk it is one zip file of two PNG pictures and a JSON document. It is a median over many eyes: no photograph can be got back from it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.camera.templates import Template, templates
from retinai.errors import DataError
from retinai.files import whole
from retinai.strict_json import dumps, loads

BUNDLED = Path(__file__).parent / "profiles"
VERSION = 1
_LEVELS = 400.0  # of the picture for a depth of 1: a mark of 1/400 is the least that is kept
_FILES = ("profile.json", "marks.png", "field.png")
_MOST_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark. x, y: its centre, in shares of the picture's width and height; size: its diameter in shares of the width;
    depth: the share of green light that it takes, at its deepest; noise: standard error of its amplitude in one photograph;
    spread: standard deviation of its amplitude about the photograph's; most: the largest amplitude it is held to be."""

    x: float
    y: float
    size: float
    depth: float
    noise: float
    spread: float
    most: float


@dataclass(frozen=True)
class CameraProfile:
    """pattern: (H, W, 3) float32 <= 0, what the marks add to the logarithm of the light; labels: (H, W) int32, 0 or the number of a
    mark, counted from 1; outline: (h, w) bool, the field; photographs: how many it was learnt from; created: ISO date."""

    pattern: NDArray[np.float32]
    labels: NDArray[np.int32]
    outline: NDArray[np.bool_]
    marks: tuple[Mark, ...]
    photographs: int
    created: str
    camera: str = ""

    @cached_property
    def templates(self) -> list[Template]:
        """One a mark, in their order."""
        return templates(self.pattern, self.labels)

    @cached_property
    def sha256(self) -> str:
        """Of its file: two profiles with the same checksum correct alike. One that is loaded knows it; packing a new one takes 0.2 s."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the profile, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path, "wb") as file:
            file.write(self._bytes())

    def _bytes(self) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for name, content in zip(_FILES, (self._document(), _png(_levels(self.pattern)), _png(_outline_levels(self))), strict=True):
                archive.writestr(zipfile.ZipInfo(name), content)  # ZipInfo's fixed date: the same profile is the same file
        return packed.getvalue()

    def _document(self) -> bytes:
        known = {"version": VERSION, "camera": self.camera, "created": self.created, "photographs": self.photographs}
        return dumps(known | {"marks": [asdict(mark) for mark in self.marks]}, indent=1).encode()


def load_profile(path: Path) -> CameraProfile:
    """Read a profile. Raises DataError, one line, where the file is missing or no profile."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} is too large for a camera profile")
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(archive.getinfo(name).file_size > _MOST_BYTES for name in _FILES):
                raise DataError(f"{path} is too large for a camera profile")
            document, marks, field = (archive.read(name) for name in _FILES)
        profile = _profile(loads(document), _picture(marks), _picture(field))
    except OSError as error:
        raise DataError(f"cannot read the camera profile {path}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, cv2.error):
        raise DataError(f"{path} is no camera profile, or a damaged one") from None
    vars(profile)["sha256"] = hashlib.sha256(data).hexdigest()
    return profile


def bundled_profiles() -> list[CameraProfile]:
    """Those that come with the package, in order of name."""
    return [load_profile(path) for path in sorted(BUNDLED.glob("*.camera"))]


def choose_profiles(camera: str) -> list[CameraProfile]:
    """'auto': the bundled profiles; 'none': none; else the one in that file. Raises DataError where there is none."""
    if camera == "none":
        return []
    return bundled_profiles() if camera == "auto" else [load_profile(Path(camera))]


def label_marks(pattern: NDArray[np.float32]) -> NDArray[np.int32]:
    """(H, W, 3) pattern -> (H, W) numbers of its connected marks, in the order in which OpenCV meets them."""
    return np.asarray(cv2.connectedComponents((pattern.min(axis=2) < 0).astype(np.uint8), connectivity=8)[1], np.int32)


def _profile(document: dict[str, Any], levels: NDArray[np.uint8], field: NDArray[np.uint8]) -> CameraProfile:
    if document["version"] != VERSION:
        raise ValueError("another version")
    pattern = np.asarray(levels, np.float32) / -_LEVELS
    labels = label_marks(pattern)
    marks = tuple(Mark(**{key: float(value) for key, value in mark.items()}) for mark in document["marks"])
    if labels.max() != len(marks) or not all(np.isfinite(list(asdict(mark).values())).all() for mark in marks):
        raise ValueError("marks and picture differ")
    return CameraProfile(
        pattern, labels, field[..., 0] > 127, marks, int(document["photographs"]), str(document["created"]), str(document["camera"])
    )


def _levels(pattern: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(np.clip(-pattern * _LEVELS, 0, 255)).astype(np.uint8)


def quantised(pattern: NDArray[np.float32]) -> NDArray[np.float32]:
    """The pattern as it is stored."""
    return _levels(pattern).astype(np.float32) / -_LEVELS


def _outline_levels(profile: CameraProfile) -> NDArray[np.uint8]:
    return np.repeat(profile.outline[..., None].astype(np.uint8) * 255, 3, axis=2)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def _picture(data: bytes) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("no picture")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
