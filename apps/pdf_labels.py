"""The names of cited lesions on the report's picture, so that a citation in the text can be found: 'HE-3' beside lesion HE-3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retinai.types import Lesion, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ID = re.compile(r"\b(?:MA|HE|EX|SE)-\d+\b")
_AWAY = (1.2, 2.0, 3.0, 4.5, 6.5)  # label heights from the lesion's edge, the nearest that is free
_AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_WIDE = 0.68  # of a letter's size: how wide one is


@dataclass(frozen=True, slots=True)
class Label:
    """text: a lesion's id; at: the label's centre; lesion: the lesion's; width, height: of the label. All in px of the picture."""

    text: str
    at: Point
    lesion: Point
    width: float
    height: float

    def meets(self, other: Label) -> bool:
        """Whether two labels overlap."""
        near_x = abs(self.at[0] - other.at[0]) < (self.width + other.width) / 2
        return near_x and abs(self.at[1] - other.at[1]) < (self.height + other.height) / 2

    def covers(self, point: Point) -> bool:
        """Whether the label hides a point."""
        return abs(self.at[0] - point[0]) < self.width / 2 and abs(self.at[1] - point[1]) < self.height / 2


def cited_ids(lines: Iterable[str]) -> list[str]:
    """The ids that stand in the text, each once, in order."""
    return list(dict.fromkeys(found for line in lines for found in _ID.findall(line)))


def place_labels(lesions: Sequence[Lesion], scale: float, size: tuple[float, float], letter: float) -> list[Label]:
    """A label for each lesion where it meets no other, hides no lesion and stays in the picture; the nearest such place, or else the first.

    scale: picture px per native px; size: (width, height) of the photograph on the picture; letter: height of a letter, px.
    """
    centres = [(lesion.place.centre[0] * scale, lesion.place.centre[1] * scale) for lesion in lesions]
    placed: list[Label] = []
    for lesion, centre in zip(lesions, centres, strict=True):
        tried = list(_places(lesion, centre, scale, size, letter))
        free = (each for each in tried if not any(map(each.meets, placed)) and not any(map(each.covers, centres)))
        placed.append(next(free, tried[0]))
    return placed


def _places(lesion: Lesion, centre: Point, scale: float, size: tuple[float, float], letter: float) -> Iterable[Label]:
    width, height = letter * (_WIDE * len(lesion.id) + 0.4), letter * 1.3
    reach_x, reach_y = lesion.box[2] * scale / 2 + width / 2, lesion.box[3] * scale / 2 + height / 2
    for away in _AWAY:
        for right, down in _AROUND:
            x = centre[0] + right * (reach_x + away * letter * 0.6)
            y = centre[1] + down * (reach_y + away * letter * 0.6)
            inside = min(max(x, width / 2), size[0] - width / 2), min(max(y, height / 2), size[1] - height / 2)
            yield Label(lesion.id, inside, centre, width, height)


def draw_labels(axes: Axes, labels: Iterable[Label], points: float) -> None:
    """Write them with a thin line to their lesion, light on a dark halo. points: size of the letters."""
    from matplotlib.patheffects import withStroke

    for label in labels:
        axes.annotate(
            label.text, label.lesion, label.at, fontsize=points, color="white", ha="center", va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": "white", "shrinkA": 0, "shrinkB": 0},
            path_effects=[withStroke(linewidth=1.2, foreground="black")], annotation_clip=False,
        )  # fmt: skip
