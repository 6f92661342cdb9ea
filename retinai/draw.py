"""Pictures for people: outlines of lesions on the photograph, and a key that tells them apart without colour too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from retinai.lesions import CLASSES, DISCLAIMER, LESIONS, LesionClass
from retinai.types import FundusImage, Landmarks, Lesion, SaliencyMap

Outline = NDArray[np.int32]
LONGEST_SIDE = 2144
"""Of an overlay, px: half an IDRiD photograph, in which a small microaneurysm still spans five pixels."""
_DASHES: dict[str, tuple[int, int]] = {"solid": (1, 0), "dashed": (14, 6), "dotted": (4, 4), "dashdot": (22, 5)}  # on, off, px
_SMALL_PX, _CLEAR_PX = 12, 4  # on the overlay: what counts as small, and how far its ring stands off
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


def overlay(image: FundusImage, outlines: Iterable[tuple[Lesion, Sequence[Outline]]], landmarks: Landmarks) -> NDArray[np.uint8]:
    """The photograph with every lesion outlined, the disc, the fovea and a key: (h, w, 3) RGB uint8.

    outlines: each lesion with its contours as (N, 2) native (x, y).
    """
    height, width = image.field.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    canvas = np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    counts = dict.fromkeys(LESIONS, 0)
    for lesion, lines in outlines:
        counts[lesion.code] += 1
        for line in _ring_if_small(lesion, lines, scale):
            draw_outline(canvas, (line + 0.5) * scale - 0.5, CLASSES[lesion.code])
    draw_landmarks(canvas, landmarks, scale)
    return np.vstack([canvas, key(canvas.shape[1], counts, landmarks)])


def heat(image: FundusImage, saliency: SaliencyMap) -> NDArray[np.uint8]:
    """The photograph in grey with the saliency over it and a line that says what of: (h, w, 3) RGB uint8."""
    height, width = image.field.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    grey = cv2.cvtColor(np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), np.uint8), cv2.COLOR_RGB2GRAY)
    share = np.asarray(cv2.resize(saliency.values, size, interpolation=cv2.INTER_AREA), np.float32) / saliency.values.max()
    colours = cv2.cvtColor(cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    weight = 0.75 * np.clip(share * 1.5, 0, 1)[..., None]
    canvas = np.round(grey[..., None] * (1 - weight) + colours * weight).astype(np.uint8)
    letter = max(9, size[0] // 80)
    strip = np.full((letter * 4, size[0], 3), 24, np.uint8)
    lines = [f"{saliency.method} of {saliency.target}. Where a model looked is no finding.", DISCLAIMER]
    places = [(letter, round(letter * 0.6)), (letter, round(letter * 2.4))]
    return np.vstack([canvas, _write(strip, list(zip(places, lines, strict=True)), ImageFont.load_default(letter))])


def draw_outline(canvas: NDArray[np.uint8], line: NDArray[np.float64], kind: LesionClass) -> None:
    """One closed outline in the class's colour and line style, on a dark edge that shows it on any ground."""
    closed = np.round(np.vstack([line, line[:1]]) * 16).astype(np.int32)
    cv2.polylines(canvas, [closed], False, _BLACK, 3, cv2.LINE_AA, shift=4)
    on, off = _DASHES[kind.line]
    if off == 0:
        cv2.polylines(canvas, [closed], False, kind.colour, 2, cv2.LINE_AA, shift=4)
        return
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed / 16, axis=0).T))])
    for piece in _pieces(along % (on + off) < on):
        if piece.stop - piece.start > 1:
            cv2.polylines(canvas, [closed[piece]], False, kind.colour, 2, cv2.LINE_AA, shift=4)


def _ring_if_small(lesion: Lesion, lines: Sequence[Outline], scale: float) -> Sequence[NDArray[Any]]:
    """A lesion that its own outline would cover gets a ring around it instead."""
    left, top, width, height = lesion.box
    if max(width, height) * scale >= _SMALL_PX:
        return lines
    centre = left + (width - 1) / 2, top + (height - 1) / 2
    return [_circle(centre, max(width, height) / 2 + _CLEAR_PX / scale)]


def _pieces(drawn: NDArray[np.bool_]) -> list[slice]:
    """The runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], drawn, [False]]).astype(int)))
    return [slice(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def draw_landmarks(canvas: NDArray[np.uint8], landmarks: Landmarks, scale: float) -> None:
    """A dotted circle at the disc, a cross at the fovea and its ring of one disc diameter, where they were found."""
    if landmarks.disc and landmarks.disc_diameter_px:
        draw_outline(canvas, _circle(landmarks.disc, landmarks.disc_diameter_px / 2) * scale, CLASSES["OD"])
    if landmarks.fovea is None:
        return
    x, y = (round((c + 0.5) * scale - 0.5) for c in landmarks.fovea)
    for colour, thickness in ((_BLACK, 5), (_WHITE, 2)):
        cv2.drawMarker(canvas, (x, y), colour, cv2.MARKER_CROSS, 24, thickness, cv2.LINE_AA)
    if landmarks.disc_diameter_px:
        ring = LesionClass("", "", "", _WHITE, "dotted")
        draw_outline(canvas, _circle(landmarks.fovea, landmarks.disc_diameter_px) * scale, ring)


def _circle(centre: tuple[float, float], radius: float) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, max(60, round(radius * 3)), endpoint=False)
    return np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], axis=1)


def key(width: int, counts: dict[str, int], landmarks: Landmarks) -> NDArray[np.uint8]:
    """A strip that names colours, line styles and counts: (h, width, 3) RGB uint8."""
    size = max(9, width // 80)
    strip = np.full((size * 4, width, 3), 24, np.uint8)
    entries: list[tuple[str, LesionClass]] = []
    for code, count in counts.items():
        kind = CLASSES[code]
        entries.append((f"{count} {kind.name if count == 1 else kind.plural}" if count else f"no {kind.plural}", kind))
    if landmarks.disc:
        entries.append(("optic disc", CLASSES["OD"]))
    if landmarks.fovea:
        entries.append(("fovea, ring of 1 DD", LesionClass("", "", "", _WHITE, "dotted")))
    font = ImageFont.load_default(size)
    left, texts = size, []
    for text, kind in entries:
        x = np.arange(left, left + size * 2.2, 0.5)
        draw_outline(strip, np.stack([x, np.full_like(x, size * 1.3)], axis=1), kind)
        texts.append(((left + round(size * 2.8), round(size * 0.6)), text))
        left += round(size * 4.4 + font.getlength(text))
    return _write(strip, [*texts, ((size, round(size * 2.4)), DISCLAIMER)], font)


def _write(
    strip: NDArray[np.uint8], texts: list[tuple[tuple[int, int], str]], font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> NDArray[np.uint8]:
    picture = Image.fromarray(strip)
    pen = ImageDraw.Draw(picture)
    for place, text in texts:
        pen.text(place, text, fill=(230, 230, 230), font=font)
    return np.array(picture)
