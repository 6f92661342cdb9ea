"""Five grade probabilities out of what an OpenAI-compatible server tells of its tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from retinai.lesions import GRADES

_ROUNDING = 1e-3  # by which a logarithm of a probability may lie above zero
_GRADE = re.compile(r"grade[^0-9]{0,20}([0-4])(?![0-9])", re.IGNORECASE)


def grade_probs(tokens: Sequence[dict[str, Any]]) -> tuple[int, tuple[float, ...]] | None:
    """The grade that the answer names and its five probabilities; None where it names none.

    tokens: `logprobs.content` of a chat completion. ' 2' and '2' are the same grade and are added up. A grade that is
    not listed at that place is less likely than every token that is, and shares what they leave: it gets the lesser
    of the last listed probability and its part of the remainder. Then the five are made to sum to one.
    Raises LookupError, TypeError, AttributeError or ValueError where the tokens are not of that form.
    """
    match = _GRADE.search("".join(token["token"] for token in tokens))
    if match is None:
        return None
    listed = _listed(_token_at(tokens, match.start(1)))
    probs = [sum(p for word, p in listed if word == str(level)) for level in range(len(GRADES))]
    unlisted = probs.count(0.0)
    if unlisted:
        rest = max(0.0, 1 - sum(p for _, p in listed)) / unlisted
        probs = [p or min(rest, min(p for _, p in listed)) for p in probs]
    total = sum(probs)
    return (int(match[1]), tuple(p / total for p in probs)) if total > 0 else None


def _token_at(tokens: Sequence[dict[str, Any]], place: int) -> dict[str, Any]:
    """The token that holds character `place` of the joined text."""
    for token in tokens:
        place -= len(token["token"])
        if place < 0:
            return token
    raise IndexError("the place lies behind the last token")


def _listed(token: dict[str, Any]) -> list[tuple[str, float]]:
    """(word without spaces, probability) of the likeliest tokens at a place, the chosen one among them."""
    rows = token["top_logprobs"]
    if not rows:
        raise ValueError("no alternatives are listed beside the grade")
    if all(row["token"] != token["token"] for row in rows):
        rows = [*rows, token]
    return [(row["token"].strip(), _chance(row["logprob"])) for row in rows]


def _chance(logprob: float) -> float:
    if logprob > _ROUNDING:
        raise ValueError("a probability above one")
    return math.exp(min(0.0, logprob))
