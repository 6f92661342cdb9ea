"""What was found: landmarks, lesions, and the facts that may be cited."""

from __future__ import annotations

from dataclasses import dataclass

from retinai.types.photograph import Eye

Point = tuple[float, float]
Box = tuple[int, int, int, int]
CITED = 6
"""Lesion ids printed after a sentence; beyond these the reader is told how many more there are."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Anatomy in native pixels. Whatever was not found is None, never guessed.

    confidences are 0..1; eye is 'right' when the disc lies on the image's right of the fovea; inverted: the fovea lies above the disc's
    centre, so that the photograph may be upside down and neither eye nor quadrant is known.
    """

    disc: Point | None = None
    disc_diameter_px: float | None = None
    disc_confidence: float = 0.0
    fovea: Point | None = None
    fovea_confidence: float = 0.0
    eye: Eye | None = None
    inverted: bool = False

    def __post_init__(self) -> None:
        if (self.disc is None) != (self.disc_diameter_px is None):
            raise ValueError("disc and disc_diameter_px come together")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lesion lies. quadrant: 'superotemporal', ... around the fovea, None without fovea and eye;
    distance_dd: from the lesion's nearest pixel to the fovea, None without landmarks."""

    centre: Point
    quadrant: str | None = None
    distance_dd: float | None = None


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected lesion. id: 'HE-3', numbered from the most confident; confidence: highest probability inside."""

    id: str
    code: str
    box: Box
    area_px: int
    confidence: float
    place: Place

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0 or self.area_px < 1:
            raise ValueError(f"{self.id}: confidence {self.confidence} and area {self.area_px} must be in 0..1 and at least 1")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A citable fact. kind: presence, absence, location, count, dme_risk, grade, follow_up;
    statement: one plain English sentence without citations; lesions: the ids that show it; clause: the rule applied."""

    id: str
    kind: str
    statement: str
    lesions: tuple[str, ...] = ()
    clause: str | None = None

    @property
    def sentence(self) -> str:
        """The statement with its citations: 'Hard exudates within one disc diameter of the fovea [EX-1, EX-4].'

        They stand before the first semicolon, else at the end. No more than `CITED` ids are printed, the rest as a number; `lesions`
        holds them all.
        """
        if not self.lesions:
            return self.statement
        rest = len(self.lesions) - CITED
        more = f" and {rest} more" if rest > 0 else ""
        said, semicolon, rest_of_it = self.statement.rstrip(".").partition(";")
        return f"{said} [{', '.join(self.lesions[:CITED])}{more}]{semicolon}{rest_of_it}."
