"""Where the two parts of IDRiD show the same eye, so that what one part holds out is not learnt from the other.

`segmentation_to_grading.csv` at the root of the data set (columns segmentation_image, grading_image; training numbers of
both parts) says which photographs are shared. It is no part of the official download: without it the numbers below hold.
They are those of the published set and are used on a listing of its size only. The training pairs were checked by
comparing the pictures (docs/data.md); the test ones are the photographs that were taken out of the development copy.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from retinai.readers.tables import read_rows

LINK_FILE = "segmentation_to_grading.csv"

_PUBLISHED = 300  # photographs; the published training part has 413, and a part of it or a drawn one has other numbers
_LINKED = {
    1: 102, 2: 366, 3: 369, 5: 82, 6: 196, 7: 29, 8: 207, 10: 224, 13: 231, 14: 232, 15: 236, 16: 237, 17: 239, 18: 132,
    19: 242, 20: 245, 21: 246, 23: 247, 24: 248, 27: 254, 28: 261, 29: 263, 33: 272, 34: 277, 35: 278, 36: 280, 37: 281,
    38: 185, 40: 282, 41: 283, 42: 284, 43: 294, 44: 300, 46: 306, 47: 64, 48: 53, 49: 308, 50: 48, 51: 310, 52: 311,
    53: 12, 54: 314,
}  # fmt: skip
_SAME_EYE = {26: 299, 39: 271}
"""Two more grading photographs are second exposures of eyes in the segmentation part (seen by eye)."""
_TEST = (20, 27, 28, 57, 58, 59, 66, 73, 128, 186, 309, 313, 328, 329, 356, 327, 375)
"""Grading training photographs that show a segmentation test photograph. The last two are copies of 28 and 73."""


def read_links(root: Path, names: Collection[str]) -> list[tuple[str, str]]:
    """(segmentation training photograph, grading training photograph) of one eye. names: of the grading photographs."""
    path = Path(root) / LINK_FILE
    if path.is_file():
        rows = read_rows(path, "segmentation_image", "grading_image")
        links = [(row["segmentation_image"], row["grading_image"]) for row in rows]
    else:
        links = _numbered(_LINKED) if len(names) > _PUBLISHED else []
    return links + (_numbered(_SAME_EYE) if len(names) > _PUBLISHED else [])


def copies_of_test(names: Collection[str]) -> set[str]:
    """Which of the grading training photographs show a segmentation test photograph."""
    return {f"IDRiD_{number:03d}" for number in _TEST} & set(names) if len(names) > _PUBLISHED else set()


def _numbered(pairs: dict[int, int]) -> list[tuple[str, str]]:
    return [(f"IDRiD_{first:02d}", f"IDRiD_{second:03d}") for first, second in pairs.items()]
