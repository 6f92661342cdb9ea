"""Grades in the words in which people write them."""

from __future__ import annotations

import re

_GRADES = {
    "0": 0, "no dr": 0, "nodr": 0, "normal": 0, "healthy": 0, "no diabetic retinopathy": 0, "no apparent retinopathy": 0,
    "1": 1, "mild": 1, "2": 2, "moderate": 2, "3": 3, "severe": 3,
    "4": 4, "proliferative": 4, "proliferate": 4, "pdr": 4,
}  # fmt: skip
_FILLERS = re.compile(r"\b(dr|npdr|non proliferative|nonproliferative|diabetic retinopathy|retinopathy|grade|class|level)\b")


def grade_in_words(text: str) -> int | None:
    """'2', 'Moderate', 'moderate_npdr', 'No_DR', 'Proliferate_DR', 'grade 4', '2 - Moderate' -> the ICDR grade; None for other words."""
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
    number, _, rest = words.partition(" ")
    if number.isdigit() and rest:
        return int(number) if str(grade_in_words(rest)) == number else None
    bare = " ".join(_FILLERS.sub(" ", words).split())
    return _GRADES.get(words, _GRADES.get(bare))
