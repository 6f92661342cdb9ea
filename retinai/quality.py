"""Can this photograph be graded, and if not, why not? A few measurements on a small copy, each with its limit.

Every measurement is one that a person can check by eye: how bright, how colourful, how much of the round field is there, how much of
the vessels can be followed. What the gate catches and what it misses is in docs/quality.md; `benchmarks/quality_gate.py` measures it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import field_box, rim_circle
from retinai.types import FundusImage, Quality

ADVICE = "please take another photograph"

NOT_FUNDUS = "this does not look like a fundus photograph"
TOO_DARK = "the photograph is too dark"
OVER_EXPOSED = "the photograph is over-exposed"
MANY_FIELDS = "more than one field in this picture: give each photograph by itself"
CUT_OFF = "the field is cut off: about half of the round field lies outside the picture"
TOO_BLURRED = "the photograph is too blurred, or shows no retina: hardly any vessel can be followed"

LIMITS: dict[str, float] = {
    "fields": 1.0,  # at most
    "field": 0.05,  # at least, share of the picture
    "brightness": 55.0,  # at least, levels of 255
    "clipped": 0.25,  # at most, share of the field
    "colourless": 0.5,  # at most, share of the field
    "colour_order": 0.5,  # at least, share of the field
    "retina": -1.0,  # at least, log-odds
    "retina_unframed": 1.0,  # at least, log-odds where no dark border shows: hardly any camera takes such a picture
    "visible": 0.55,  # at least, share of the round field
    "vessels": 0.6,  # at least, field widths
    "crowd": 13.0,  # at most, field widths of dark lines: hair and cloth have more than any retina
}
"""The limit of each score in `measure`. Where each comes from is in docs/quality.md."""

RETINA: dict[str, tuple[float, float]] = {"edges": (-6.736, 0.001), "lines": (5.194, 0.001), "colour_spread": (-1.545, 1.0)}
RETINA_BIAS = 5.346
"""The logistic regression behind `retina`: of each score the weight of its logarithm and the least value that is taken.
Printed by `benchmarks/quality_gate.py --fit`; on which photographs it was fitted is in docs/quality.md."""

_FRAMED = 0.999  # of the picture: a larger field has no dark border
_SIDE = 448  # px, the longer side of the field on the working copy, where vessels are 3 to 8 px wide
_MARGIN = 13  # px of the working copy; the rim is no detail of the retina
_SPOT = 7  # px; brighter spots up to this size are levelled
_LINE_SIGMA = 2.0  # px, the scale of the lines that are looked for
_LINE_STRENGTH = 0.02  # of the local brightness: a line this dark can be seen
_LINE_WIDTH = 4  # px, of a traced line
_LINE_LENGTH = 35  # px, a thirteenth of the field; shorter ones are specks

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


def assess(image: FundusImage) -> Quality:
    """Whether a photograph can be graded, with the reason in plain words where it cannot. About 40 ms for 12 megapixels.

    Each limit is applied only where the ones before it hold: without light no colour is judged, without vessels no texture.
    """
    scores = measure(image)
    reasons = tuple(reasons_of(scores))
    return Quality(not reasons, reasons, scores)


def reasons_of(scores: Mapping[str, float]) -> list[str]:
    """What is wrong, the first fault that makes the others pointless to look for."""
    if scores["fields"] > LIMITS["fields"]:
        return [MANY_FIELDS]
    if scores["field"] < LIMITS["field"] or "vessels" not in scores:
        return [NOT_FUNDUS]
    if scores["brightness"] < LIMITS["brightness"]:
        return [TOO_DARK]
    if scores["clipped"] > LIMITS["clipped"]:
        return [OVER_EXPOSED]
    if scores["colourless"] > LIMITS["colourless"] or scores["colour_order"] < LIMITS["colour_order"]:
        return [NOT_FUNDUS]
    if scores["vessels"] < LIMITS["vessels"]:
        return [TOO_BLURRED]
    unframed = scores["field"] >= _FRAMED
    if scores["vessels"] > LIMITS["crowd"] or scores["retina"] < LIMITS["retina_unframed" if unframed else "retina"]:
        return [NOT_FUNDUS]
    return [CUT_OFF] if scores["visible"] < LIMITS["visible"] else []


def measure(image: FundusImage) -> dict[str, float]:
    """The scores of a photograph, by name; `fields`, `field` and `visible` alone where hardly any field was found.

    fields: how many round fields the picture holds; field: its share of the picture; visible: the share of the round field inside
    the picture; brightness: the median of the brightest channel, 0 to 255; clipped: share of the field at the top of the green
    scale; colourless: share whose channels are alike; colour_order: share where red is at least green and green at least blue, as
    in a retina; edges: the slope that a hundredth exceeds, over the local brightness; lines: the strength of dark lines that a
    twentieth exceeds; colour_spread: of red against green; retina: the log-odds of a retina by these three; vessels: length of the
    dark lines that can be followed, in field widths.
    """
    found = cv2.countNonZero(image.field.view(np.uint8)) / image.field.size
    scores = {"fields": float(image.fields), "field": found, "visible": _visible_share(image.field)}
    copy = _working_copy(image)
    if not copy.inside.any():
        return scores
    scores |= _light(copy) | _texture(copy)
    return scores | {"retina": retina_log_odds(scores)}


def retina_log_odds(scores: Mapping[str, float]) -> float:
    """Log-odds that the field shows a retina: a logistic regression on the logarithms of three scores."""
    return RETINA_BIAS + sum(weight * math.log(max(scores[name], floor)) for name, (weight, floor) in RETINA.items())


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    """The field on a small scale. pixels: (h, w, 3) uint8; field: bool; inside: the field without its rim."""

    pixels: NDArray[np.uint8]
    field: Mask
    inside: Mask


def _working_copy(image: FundusImage) -> _Copy:
    left, top, width, height = field_box(image.field)
    step = max(1, max(width, height) // (2 * _SIDE))  # averaging every pixel of 12 million would take most of the time
    part = (slice(top, top + height, step), slice(left, left + width, step))
    scale = _SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = cv2.resize(image.pixels[part], size, interpolation=cv2.INTER_AREA)
    field = cv2.resize(image.field[part].view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MARGIN + 1, 2 * _MARGIN + 1))
    inside = cv2.erode(field, disc, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,))
    return _Copy(np.asarray(pixels, np.uint8), field > 0, inside > 0)


def _light(copy: _Copy) -> dict[str, float]:
    """Brightness and colour inside the field."""
    inside = copy.pixels[copy.inside]
    red, green, blue = inside.astype(np.float32).T
    brightest, darkest = inside.max(axis=1), inside.min(axis=1)
    red_green = cv2.cvtColor(inside[None], cv2.COLOR_RGB2LAB)[0, :, 1]
    return {
        "brightness": float(np.median(brightest)),
        "clipped": float((green >= 235).mean()),
        "colourless": float((brightest - darkest < 8).mean()),
        "colour_order": float(((red >= 0.95 * green) & (green >= 0.95 * blue)).mean()),
        "colour_spread": float(red_green.std()),
    }


def _texture(copy: _Copy) -> dict[str, float]:
    """Edges of any kind in the luminance, dark lines in the green channel, where vessels have most contrast."""
    pixels = copy.pixels.astype(np.float32)
    luma = _without_spots(_relative(pixels @ np.array([0.3, 0.59, 0.11], np.float32), copy.field))
    steepness = cv2.magnitude(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)) / 8
    line = _line_strength(_without_spots(_relative(pixels[..., 1], copy.field)))
    return {
        "edges": float(np.percentile(steepness[copy.inside], 99)),
        "lines": float(np.percentile(line[copy.inside], 95)),
        "vessels": _traced_length((line > _LINE_STRENGTH) & copy.inside),
    }


def _relative(channel: Grey, field: Mask) -> Grey:
    """A channel over its local mean, less one: contrast as the eye sees it, whatever the light. Zero outside the field."""
    weight = field.astype(np.float32)
    mean = _local_mean(channel * weight) / np.maximum(_local_mean(weight), 1e-3)
    return np.where(field, channel / np.maximum(mean, 8) - 1, 0).astype(np.float32)


def _without_spots(relative: Grey) -> Grey:
    """Small bright spots levelled: exudates, asteroid bodies and reflections are no edges of things, and no lines run between them."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SPOT, _SPOT))
    return np.asarray(cv2.morphologyEx(relative, cv2.MORPH_OPEN, disc), np.float32)


def _local_mean(values: Grey) -> Grey:
    """A Gaussian mean of 15 px, taken on a quarter of the scale."""
    height, width = values.shape
    quarter = cv2.resize(values, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(quarter, (0, 0), 3.75), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _line_strength(relative: Grey) -> Grey:
    """How much each pixel lies on a dark line: the larger principal curvature less the size of the other, scale-normalised.

    Eigenvalues of the Hessian, as in Frangi et al. (MICCAI 1998), on one scale and without their exponentials.
    """
    smooth = cv2.GaussianBlur(relative, (0, 0), _LINE_SIGMA)
    xx, yy, xy = (cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) / 4 for dx, dy in ((2, 0), (0, 2), (1, 1)))
    mean, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return np.asarray(_LINE_SIGMA**2 * (mean + spread - np.abs(mean - spread)), np.float32)


def _traced_length(lines: Mask) -> float:
    """The length of all connected lines that are no specks, in field widths."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    extent = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1, initial=0)
    return float(stats[1:, cv2.CC_STAT_AREA][extent > _LINE_LENGTH].sum() / (_LINE_WIDTH * _SIDE))


def _visible_share(field: Mask) -> float:
    """The share of the round field that lies in the picture, by the circle through its rim; 1 where there is no round rim."""
    step = max(1, max(field.shape) // 512)
    small = field[::step, ::step]
    circle = rim_circle(small)
    if circle is None or circle[1] >= 0.02:
        return 1.0
    return min(1.0, int(small.sum()) / (math.pi * circle[0] ** 2))
