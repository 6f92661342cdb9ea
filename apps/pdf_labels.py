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
Area = tuple[float, float, float, float]
"""Left, top, right, bottom, px of the picture."""
_WIDE = 0.68  # of a letter's size: how wide one is


@dataclass(frozen=True, slots=True)
class Label:
    """text: a lesion's id; at: the label's centre; lesion: the lesion's; width, height: of the label; edge: where its line
    ends, on the lesion's box. All in px of the picture."""

    text: str
    at: Point
    lesion: Point
    width: float
    height: float
    edge: Point

    def meets(self, other: Label) -> bool:
        """Whether two labels overlap."""
        near_x = abs(self.at[0] - other.at[0]) < (self.width + other.width) / 2
        return near_x and abs(self.at[1] - other.at[1]) < (self.height + other.height) / 2

    def covers(self, point: Point) -> bool:
        """Whether the label hides a point."""
        return abs(self.at[0] - point[0]) < self.width / 2 and abs(self.at[1] - point[1]) < self.height / 2

    def touches(self, area: Area) -> bool:
        """Whether the label lies over a part of an area."""
        (x, y), right, down = self.at, self.width / 2, self.height / 2
        return x + right > area[0] and x - right < area[2] and y + down > area[1] and y - down < area[3]


def cited_ids(lines: Iterable[str]) -> list[str]:
    """The ids that stand in the text, each once, in order."""
    return list(dict.fromkeys(found for line in lines for found in _ID.findall(line)))


def place_labels(
    lesions: Sequence[Lesion], scale: float, size: tuple[float, float], letter: float, others: Iterable[Lesion] = ()
) -> list[Label]:
    """A label for each lesion where it meets no other label and stays in the picture: the nearest place that touches no lesion's box, or
    else one that hides no cited lesion's centre, or else the first.

    scale: picture px per native px; size: (width, height) of the photograph on the picture; letter: height of a letter, px; others:
    lesions that are outlined without a label.
    """
    centres = [(lesion.place.centre[0] * scale, lesion.place.centre[1] * scale) for lesion in lesions]
    areas = [_area(lesion, scale, letter / 4) for lesion in (*lesions, *others)]
    placed: list[Label] = []
    for lesion, centre in zip(lesions, centres, strict=True):
        tried = list(_places(lesion, centre, scale, size, letter))
        free = [each for each in tried if not any(map(each.meets, placed))]
        clear = (each for each in free if not any(map(each.touches, areas)))
        shown = (each for each in free if not any(map(each.covers, centres)))
        placed.append(next(clear, next(shown, tried[0])))
    return placed


def _area(lesion: Lesion, scale: float, margin: float = 0.0) -> Area:
    left, top, width, height = (side * scale for side in lesion.box)
    return left - margin, top - margin, left + width + margin, top + height + margin


def _places(lesion: Lesion, centre: Point, scale: float, size: tuple[float, float], letter: float) -> Iterable[Label]:
    width, height = letter * (_WIDE * len(lesion.id) + 0.4), letter * 1.3
    left, top, right, bottom = _area(lesion, scale)
    reach_x, reach_y = (right - left + width) / 2, (bottom - top + height) / 2
    for away in _AWAY:
        for east, south in _AROUND:
            x = (left + right) / 2 + east * (reach_x + away * letter * 0.6)
            y = (top + bottom) / 2 + south * (reach_y + away * letter * 0.6)
            x, y = _within(x, width / 2, size[0] - width / 2), _within(y, height / 2, size[1] - height / 2)
            yield Label(lesion.id, (x, y), centre, width, height, (_within(x, left, right), _within(y, top, bottom)))


def _within(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def draw_labels(axes: Axes, labels: Iterable[Label], points: float) -> None:
    """Write them with a thin line to their lesion, light on a dark halo. points: size of the letters.

    A halo turns letters into shapes, so they are written once more without one: that text can be searched and copied.
    """
    from matplotlib.patheffects import withStroke

    for label in labels:
        axes.annotate(
            label.text, label.edge, label.at, fontsize=points, color="white", ha="center", va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": "white", "shrinkA": 0, "shrinkB": 0},
            path_effects=[withStroke(linewidth=1.2, foreground="black")], annotation_clip=False,
        )  # fmt: skip
        axes.text(*label.at, label.text, fontsize=points, color="white", ha="center", va="center")
