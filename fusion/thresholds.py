"""What a lesion's confidence is worth: the operating points of a class, and the one definition of low confidence.

    outline   a part of the map is a candidate from here on        (`fusion.regions`)
    report    a candidate is a lesion that the page marks          (`low`)
    support   a marked lesion is sure enough to bear out a claim   (`high`)

The support point is None where none could be set on validation; cards from before say 1.0 for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from retinai.lesions import LESIONS
from retinai.types import Lesion


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Per lesion class: `low`, the report point, below which a lesion does not count at all; `high`, the support point, None where none
    could be set. 0 <= low <= high < 1; a `high` of 1 or more becomes None. Raises ValueError where they do not rise."""

    low: Mapping[str, float]
    high: Mapping[str, float | None]

    def __post_init__(self) -> None:
        object.__setattr__(self, "high", {code: _established(self.high.get(code)) for code in LESIONS})
        for code in LESIONS:
            low, high = self.low.get(code, -1), self.high[code]
            if not 0 <= low <= (1 if high is None else high) <= 1:
                raise ValueError(f"{code}: thresholds {low} and {high} must rise within 0..1")

    def low_confidence(self, lesion: Lesion) -> bool:
        """Whether a lesion falls short of its class's support point, or that was never established for the class."""
        high = self.high[lesion.code]
        return high is None or lesion.confidence < high

    def possible(self, lesions: Iterable[Lesion]) -> frozenset[str]:
        """The ids of the lesions of low confidence. A reader meets them as possible lesions."""
        return frozenset(lesion.id for lesion in lesions if self.low_confidence(lesion))


def _established(point: float | None) -> float | None:
    """A confidence of 1 stands for "never" in older cards, and a saturated map would reach it."""
    return None if point is None or point >= 1 else point
