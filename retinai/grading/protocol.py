"""What a grader is: photographs in, one reading each out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from retinai.types import FundusImage, Grade


@dataclass(frozen=True, slots=True)
class Reading:
    """What a grader says of one photograph.

    grade: None where it gives none, and then `reason` says why; text: its words, if it uses any;
    malformed: whether those words could only be read in part.
    """

    grade: Grade | None
    text: str = ""
    malformed: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.grade is None) != bool(self.reason):
            raise ValueError("a reading lacks a grade exactly when there is a reason")


class Grader(Protocol):
    """Anything that grades photographs."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What two runs must share to be one: 'name', and whatever else changes the grades, such as the weights' checksum."""
        ...

    def grade(self, images: Sequence[FundusImage]) -> list[Reading]:
        """One reading per photograph, in order. An ungradable photograph is a reading without a grade, no exception."""
        ...
