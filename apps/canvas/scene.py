"""What the canvas shows, encoded once for one reading: the photograph, its green channel, the lesions' outlines, the saliency.

Nothing of the uploaded file goes in: pixels are encoded anew, so no camera or patient data travel with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.draw import Outline
from retinai.lesions import CLASSES, LESIONS
from retinai.types import FundusImage, Landmarks, Lesion, SaliencyMap

MOST_PIXELS = 24_000_000
"""Above this a photograph is sent smaller: twice what a 12-megapixel camera gives, and about what a tablet's browser can hold."""
QUALITY = 92
"""JPEG quality without chroma subsampling: a microaneurysm is a few red pixels on a red ground."""
SALIENCY_SIDE = 1024
_TOLERANCE_PX = 0.7  # an outline is simplified by less than a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """photograph: JPEG; red_free: JPEG of the green channel; layers: JSON of lesions and landmarks in native pixels;
    saliency: PNG with transparency, None without a map."""

    photograph: bytes
    red_free: bytes
    layers: bytes
    saliency: bytes | None = None


def make_scene(
    image: FundusImage,
    outlines: Iterable[tuple[Lesion, Sequence[Outline]]],
    landmarks: Landmarks,
    saliency: SaliencyMap | None = None,
) -> Scene:
    """Encode one reading for `fundus_canvas`. outlines: each lesion with its contours as (N, 2) native (x, y).

    Without outlines and landmarks the photograph is shown plain, as one that was not gradable or is read blind: nothing is
    said to be absent that was not looked for. Takes about half a second for twelve megapixels: keep the scene with the
    reading rather than making it anew in every run.
    """
    pixels = _shrink(image.pixels)
    return Scene(
        _jpeg(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)),
        _jpeg(pixels[..., 1]),
        json.dumps(_layers(image, outlines, landmarks, saliency), separators=(",", ":"), allow_nan=False).encode(),
        _heat(saliency) if saliency else None,
    )


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    height, width = pixels.shape[:2]
    scale = (MOST_PIXELS / (height * width)) ** 0.5
    return pixels if scale >= 1 else cv2.resize(pixels, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)


def _jpeg(pixels: NDArray[Any]) -> bytes:
    words = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", pixels, words)[1].tobytes()


def _layers(
    image: FundusImage, outlines: Iterable[tuple[Lesion, Sequence[Outline]]], landmarks: Landmarks, saliency: SaliencyMap | None
) -> dict[str, Any]:
    height, width = image.field.shape
    lesions = [_lesion(lesion, lines) for lesion, lines in outlines]
    return {
        "size": [width, height],
        "plain": not lesions and landmarks == Landmarks(),
        "classes": [_kind(code) for code in (*LESIONS, "OD")],
        "lesions": lesions,
        "landmarks": {
            "disc": landmarks.disc,
            "dd": landmarks.disc_diameter_px,
            "fovea": landmarks.fovea,
            "eye": landmarks.eye,
        },
        "saliency": f"{saliency.method} of {saliency.target}. Where a model looked is no finding." if saliency else None,
    }


def _kind(code: str) -> dict[str, str]:
    kind = CLASSES[code]
    red, green, blue = kind.colour
    return {"code": code, "name": kind.name, "plural": kind.plural, "colour": f"rgb({red},{green},{blue})", "line": kind.line}


def _lesion(lesion: Lesion, lines: Sequence[Outline]) -> dict[str, Any]:
    return {
        "id": lesion.id,
        "code": lesion.code,
        "box": lesion.box,
        "path": "".join(_svg_path(line) for line in lines),
        "words": describe(lesion),
    }


def describe(lesion: Lesion) -> str:
    """'HE-3: haemorrhage, inferotemporal, 1.2 disc diameters from the fovea, confidence 87 %'; what is not known is left out."""
    parts = [f"{lesion.id}: {CLASSES[lesion.code].name}"]
    if lesion.place.quadrant:
        parts.append(lesion.place.quadrant)
    if lesion.place.distance_dd is not None:
        parts.append(f"{lesion.place.distance_dd:.1f} disc diameters from the fovea")
    share = min(99, round(lesion.confidence * 100))
    return ", ".join([*parts, f"confidence {'above ' if lesion.confidence > 0.99 else ''}{share} %"])


def _svg_path(line: Outline) -> str:
    """One closed contour as SVG path data, through the pixels' centres: 'M10.5 20.5l3 0 0 2z'."""
    points = cv2.approxPolyDP(np.asarray(line, np.int32).reshape(-1, 1, 2), _TOLERANCE_PX, True).reshape(-1, 2)
    steps = " ".join(f"{x} {y}" for x, y in np.diff(points, axis=0).tolist())
    return f"M{points[0][0] + 0.5} {points[0][1] + 0.5}" + (f"l{steps}" if steps else "") + "z"


def _heat(saliency: SaliencyMap) -> bytes:
    """The map in colours that are the more transparent the less was looked there."""
    height, width = saliency.values.shape
    scale = min(1.0, SALIENCY_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    share = np.asarray(cv2.resize(saliency.values, size, interpolation=cv2.INTER_AREA), np.float32) / saliency.values.max()
    colours = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = (np.clip(share * 1.5, 0, 1) * 255).astype(np.uint8)
    return cv2.imencode(".png", np.dstack([colours, alpha]))[1].tobytes()
