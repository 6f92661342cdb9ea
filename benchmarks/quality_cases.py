"""The pictures on which `quality_gate.py` measures the quality gate: real, spoilt by script, and of other things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from retinai.image import read_pixels
from retinai.quality import CUT_OFF, OVER_EXPOSED, TOO_BLURRED, TOO_DARK
from retinai.readers import READERS

Picture = NDArray[np.uint8]
Item = tuple[str, str, str, str, bool, Path | Picture]
"""group: where it comes from; name; kind: its class or grade; family: the patient or picture it was made from;
whether the limits and the regression may see it; and what is to be measured."""

PICTURE, ASTEROID = "other picture", "IDRiD with asteroid bodies drawn in"


def drimdb(root: Path) -> Iterator[Item]:
    """DRIMDB: what is bad was kept from the fit, which knows the good ones and the outliers."""
    for kind in ("good", "bad", "outlier"):
        for path in sorted((root / kind).glob("*.jpg")):
            yield "DRIMDB", path.name, kind, path.name, kind != "bad", path


def graded(name: str, root: Path, every: int) -> Iterator[Item]:
    """A graded data set as published; the fit sees every so many-th patient, none where `every` is 0."""
    records = READERS[name].listing(root).records
    families = sorted({r.patient or r.id for r in records})
    seen = set(families[every - 1 :: every]) if every else set()
    for r in records:
        kind = f"{r.source.removeprefix('eye4/')} {r.label}" if name == "eye4" else f"grade {r.grade}"
        yield READERS[name].title, r.image.name, kind, r.patient or r.id, (r.patient or r.id) in seen, r.image


def segmentation(root: Path) -> Iterator[Item]:
    """The photographs that lesions are learnt from, kept from the fit."""
    for r in READERS["idrid-segmentation"].listing(root).records:
        yield "IDRiD segmentation", r.image.name, "all", r.id, False, r.image


def asteroid(root: Path) -> Iterator[Item]:
    """The same at half size with the bright bodies of asteroid hyalosis drawn in; the fit sees every second one."""
    for number, (_, name, _, family, _, path) in enumerate(segmentation(root)):
        yield ASTEROID, name, "all", family, number % 2 == 0, _with_asteroid_bodies(_half(path), number)


def spoilt(root: Path) -> Iterator[Item]:
    """Every sixth of the same at half size, spoilt in each way of `SPOILT`."""
    for _, name, _, family, _, path in list(segmentation(root))[::6]:
        pixels = _half(path)
        for way, (_, doses) in SPOILT.items():
            for dose, spoil in doses.items():
                yield way, f"{name} {dose}", f"{dose:g}", family, False, spoil(pixels)


def pictures() -> Iterator[Item]:
    """Other photographs whole, and their middle and four quarters in a round frame, as if a fundus camera had taken them."""
    for name, pixels in _shipped().items():
        yield PICTURE, name, "whole", name, True, pixels
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        quarters = [pixels[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
        for number, part in enumerate([pixels, *quarters]):
            yield PICTURE, f"{name} {number}", "in a round frame", name, True, in_round_frame(part)


def in_round_frame(pixels: Picture, size: int = 500) -> Picture:
    """The middle square of a picture, as a disc on black."""
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = cv2.resize(pixels[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    frame = cv2.circle(np.zeros((size, size), np.uint8), (size // 2, size // 2), round(0.48 * size), 1, cv2.FILLED)
    return np.asarray(cv2.copyTo(square, frame), np.uint8)


def _shipped() -> dict[str, Picture]:
    """The colour photographs that scikit-image and scikit-learn carry with them."""
    names = ("astronaut", "chelsea", "coffee", "immunohistochemistry", "rocket")
    samples = load_sample_images()
    files = {Path(name).stem: image for name, image in zip(samples.filenames, samples.images, strict=True)}
    return {name: np.ascontiguousarray(p) for name, p in ({n: getattr(skimage.data, n)() for n in names} | files).items()}


def _half(path: Path | Picture) -> Picture:
    pixels = read_pixels(path) if isinstance(path, Path) else path
    return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _with_asteroid_bodies(pixels: Picture, seed: int, count: int = 150) -> Picture:
    """Creamy round bodies of 0.2 to 0.7 % of the width in radius, most in the middle."""
    rng, drawn = np.random.default_rng(seed), pixels.copy()
    height, width = pixels.shape[:2]
    for x, y in rng.normal((width / 2, height / 2), width / 8, (count, 2)).astype(int):
        cv2.circle(drawn, (int(x), int(y)), round(width * rng.uniform(0.002, 0.007)), (240, 225, 190), cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), width / 700), np.uint8)


def _blurred(percent: float) -> Callable[[Picture], Picture]:
    return lambda p: np.asarray(cv2.GaussianBlur(p, (0, 0), percent / 100 * p.shape[1]), np.uint8)


def _lit(gain: float) -> Callable[[Picture], Picture]:
    return lambda p: np.clip(p * gain, 0, 255).astype(np.uint8)


def _kept(share: float) -> Callable[[Picture], Picture]:
    """The left part: IDRiD's retina begins at 6.5 % of the width and spans 80 %."""
    return lambda p: np.ascontiguousarray(p[:, : round((0.065 + 0.8 * share) * p.shape[1])])


SPOILT: dict[str, tuple[str, dict[float, Callable[[Picture], Picture]]]] = {
    "blur, sigma in % of the width": (TOO_BLURRED, {x: _blurred(x) for x in (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5)}),
    "light times": (TOO_DARK, {x: _lit(x) for x in (0.7, 0.5, 0.35, 0.25, 0.15)}),
    "exposure times": (OVER_EXPOSED, {x: _lit(x) for x in (1.3, 1.6, 2.0, 2.5, 3.5)}),
    "share of the retina's width kept": (CUT_OFF, {x: _kept(x) for x in (0.8, 0.7, 0.6, 0.5, 0.4)}),
}
"""What is done to good photographs, the reason that should be given for it, and the doses."""
