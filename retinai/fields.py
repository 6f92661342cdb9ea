"""How many round fields one picture holds: a page with both eyes is no photograph of one.

A field is a large part of the picture, brighter than its border, of a retina's colour and about as wide as high. Parts that touch are
taken apart where the picture narrows. A retina that a shadow cuts in two stays one: together its parts still fill a circle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retinai.fit import rim_circle

_SHARE = 0.08
"""Of the largest field: a smaller part is a logo, a stamp or a reflection."""
_WAIST = 0.7
"""Of the largest inscribed circle's radius: what hangs together only where it is narrower than that is two parts."""
_ROUND = 0.5
"""Share of a field that its largest inscribed circle fills: of a circle 1, of a picture of 3 by 2 0.52, of a line of print little."""
_REDDER = 1.1
"""A retina's red over its green and over its blue, in the median."""
_ONE_CIRCLE = 0.03
"""The error of one circle through the rim of all parts together, over its radius, below which they are one field."""

Part = NDArray[np.bool_]


def count_fields(small: NDArray[np.uint8], bright: NDArray[np.uint8]) -> int:
    """The number of fields, by a small copy and its bright parts (`retinai.fit.bright_parts`): 0 where nothing is like one."""
    parts = [part for part in _parts(bright) if _is_field(part, small)]
    largest = max((part.sum() for part in parts), default=0)
    parts = [part for part in parts if part.sum() >= _SHARE * largest]
    return 1 if len(parts) > 1 and _one_circle(parts) else len(parts)


def _parts(bright: NDArray[np.uint8]) -> Iterator[Part]:
    """The connected parts of a 0/1 mask without their holes, those with a waist taken apart."""
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        part = cv2.drawContours(np.zeros_like(bright), [contour], -1, 1, cv2.FILLED)
        depth = _depth(part)
        count, cores = cv2.connectedComponents((depth > _WAIST * depth.max()).astype(np.uint8))
        away = np.stack([cv2.distanceTransform((cores != core).astype(np.uint8), cv2.DIST_L2, 5) for core in range(1, count)])
        nearest = away.argmin(axis=0)
        yield from ((part > 0) & (nearest == core) for core in range(count - 1))


def _depth(part: NDArray[Any]) -> NDArray[Any]:
    """How far each pixel lies from the edge of its part; the picture's own edge counts as one."""
    framed = cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0.0,))
    return np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1])


def _is_field(part: Part, small: NDArray[np.uint8]) -> bool:
    red, green, blue = np.median(small[part], axis=0)
    inscribed = math.pi * float(_depth(part.astype(np.uint8)).max()) ** 2
    return red > _REDDER * green and red > _REDDER * blue and inscribed >= _ROUND * part.sum()


def _one_circle(parts: list[Part]) -> bool:
    """Whether the convex hull of all parts is a field as cameras cut it."""
    together = np.logical_or.reduce(parts).astype(np.uint8)
    points = cv2.findNonZero(together)
    hull = cv2.fillConvexPoly(np.zeros_like(together), cv2.convexHull(points), 1)
    circle = rim_circle(hull > 0)
    return circle is not None and circle[1] < _ONE_CIRCLE
