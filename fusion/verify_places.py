"""Whether a lesion lies in a place that a text names, as far as the landmarks tell.

Distances to the fovea are those of the lesion's nearest pixel (`Place.distance_dd`); distances to the disc are measured from the disc's
centre to the nearest point of the lesion's box. The macula is the ETDRS grid (radius 3 mm, two disc diameters), its centre the
central circle (radius 0.5 mm, a third of a disc diameter): ETDRS report 10. The posterior pole is taken as a radius of three disc
diameters around the fovea, which reaches the disc's nasal side. Arcades, vessels and the retina's periphery are on no map here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot

from fusion.regions import quadrant_of
from retinai.types import Landmarks, Lesion, Point, Region

LANDMARK = "landmark not found"
OUTSIDE = "outside the field"
UNMAPPED = "place that no map shows"
MACULA_DD = 2.0
CENTRE_DD = 1 / 3
POLE_DD = 3.0

Test = Callable[[Lesion], bool]


@dataclass(frozen=True, slots=True)
class Places:
    """Tests of places on one photograph. middle: the centre of the field, for 'the upper left of the image'."""

    landmarks: Landmarks
    middle: Point | None = None

    def tests(self, region: Region) -> list[Test] | str:
        """One test for each value of the region, or why there is none: LANDMARK, OUTSIDE or UNMAPPED."""
        found = [self._test(region, value) for value in region.values]
        missing = [test for test in found if isinstance(test, str)]
        return missing[0] if missing else [test for test in found if not isinstance(test, str)]

    def _test(self, region: Region, value: str) -> Test | str:
        make = {
            "quadrant": self._around,
            "hemifield": self._around,
            "dd_ring": self._ring,
            "etdrs9": self._macula,
            "area": self._area,
            "image": self._image,
        }[region.frame]
        return make(value, region.origin)

    def _around(self, value: str, origin: str) -> Test | str:
        """A quadrant or a half around the fovea or the disc."""
        point = self.landmarks.fovea if origin == "fovea" else self.landmarks.disc
        eye = self.landmarks.eye
        if point is None or eye is None:
            return LANDMARK
        part = value if value not in ("superior", "inferior") else f"{value[:5]}o"
        return lambda lesion: part in (quadrant_of(lesion.place.centre, point, eye) or "")

    def _ring(self, value: str, origin: str) -> Test | str:
        """'<=1' or '>2' disc diameters from the fovea or from the disc's centre."""
        within, limit = value.startswith("<="), float(value.lstrip("<=>"))
        measure = self._from_fovea if origin == "fovea" else self._from_disc
        if self.landmarks.disc_diameter_px is None or (origin == "fovea" and self.landmarks.fovea is None):
            return LANDMARK
        return lambda lesion: (distance := measure(lesion)) is not None and (distance <= limit) == within

    def _macula(self, value: str, origin: str) -> Test | str:
        """'macula', 'centre', or a part of the macula: 'temporal macula'."""
        near = self._ring(f"<={CENTRE_DD if value == 'centre' else MACULA_DD}", "fovea")
        side = self._around(value.partition(" ")[0], "fovea") if " " in value else None
        if isinstance(near, str) or side is None:
            return near
        if isinstance(side, str):
            return side
        return lambda lesion: near(lesion) and side(lesion)

    def _area(self, value: str, origin: str) -> Test | str:
        if value == "posterior pole":
            return self._ring(f"<={POLE_DD}", "fovea")
        return OUTSIDE if "periphery" in value else UNMAPPED

    def _image(self, value: str, origin: str) -> Test | str:
        """Halves and quarters of the picture."""
        if self.middle is None or value == "centre":
            return UNMAPPED
        x, y = self.middle
        halves: dict[str, Test] = {
            "left": lambda lesion: lesion.place.centre[0] < x,
            "right": lambda lesion: lesion.place.centre[0] >= x,
            "upper": lambda lesion: lesion.place.centre[1] < y,
            "lower": lambda lesion: lesion.place.centre[1] >= y,
        }
        return lambda lesion: all(halves[word](lesion) for word in value.split())

    def _from_fovea(self, lesion: Lesion) -> float | None:
        return lesion.place.distance_dd

    def _from_disc(self, lesion: Lesion) -> float | None:
        left, top, width, height = lesion.box
        disc, diameter = self.landmarks.disc, self.landmarks.disc_diameter_px
        if disc is None or diameter is None:
            return None
        x = min(max(disc[0], left), left + width - 1)
        y = min(max(disc[1], top), top + height - 1)
        return hypot(x - disc[0], y - disc[1]) / diameter
