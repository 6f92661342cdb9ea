"""Lesions made by hand or by Hypothesis, for the tests of rules, evidence and text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from fusion.regions import QUADRANTS
from retinai.lesions import LESIONS
from retinai.types import Landmarks, Lesion, Place

any_lesions = settings(max_examples=50, deadline=None)  # a busy machine is no failure
FOUND = Landmarks((900.0, 500.0), 100.0, 0.9, (640.0, 520.0), 0.8, "right")


def lesion(code: str, number: int = 1, quadrant: str | None = None, distance_dd: float | None = None, confidence: float = 0.9) -> Lesion:
    return Lesion(f"{code}-{number}", code, (10, 10, 4, 4), 16, confidence, Place((11.5, 11.5), quadrant, distance_dd))


def haemorrhages(counts: tuple[int, int, int, int]) -> list[Lesion]:
    """So many in each of the four quadrants, two disc diameters from the fovea."""
    places = [quadrant for quadrant, count in zip(QUADRANTS, counts, strict=True) for _ in range(count)]
    return [lesion("HE", number, quadrant, 2.0) for number, quadrant in enumerate(places, start=1)]


def _number(made: list[Lesion]) -> list[Lesion]:
    """Numbered as `find_regions` does it."""
    numbered = []
    for code in LESIONS:
        of_class = sorted((item for item in made if item.code == code), key=lambda item: -item.confidence)
        numbered += [replace(item, id=f"{code}-{number}") for number, item in enumerate(of_class, start=1)]
    return numbered


def lesion_lists(placed: bool, most: int = 40) -> st.SearchStrategy[list[Lesion]]:
    """Any lesions of one photograph, with places or without."""
    quadrants = st.sampled_from(QUADRANTS) if placed else st.none()
    distances = st.floats(0, 6) if placed else st.none()
    one = st.builds(lesion, st.sampled_from(LESIONS), st.just(1), quadrants, distances, st.floats(0.01, 1))
    return st.lists(one, max_size=most).map(_number)
