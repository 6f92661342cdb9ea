"""The words of an audit report that its page and its Markdown share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "Audit of an explainer"
ABOUT = (
    "Every figure is read between what knows nothing (the nulls) and the best possible (the oracle). An explainer that is no better than a "
    "null has not been shown to explain anything, however high its figure."
)
ROWS = {
    1: "Claims against the true masks",
    2: "Cited pixels against the true masks",
    3: "What is made up, and what is left out",
    4: "Counts and places",
    5: "The grade",
    6: "Does the model look at the photograph?",
    7: "Does the grade depend on the cited lesions?",
    8: "Does the saliency lie on lesions?",
    9: "Does the grade go with the salient pixels?",
    10: "Does the saliency come from the model?",
    11: "Does it say the same again?",
    12: "Can its probabilities be believed?",
}
WRONG = ("contradicted", "unsupported")
"""Verdicts by the true masks that make a sentence an error."""


def heading(document: Mapping[str, Any]) -> str:
    return f"{TITLE}: {document['explainer']}"


def closed(figure: Mapping[str, Any]) -> str:
    """'71 %'; '-' where there is no gap to close."""
    return "-" if figure["closed"] is None else f"{100 * figure['closed']:.0f} %"


def no_value(figures: Sequence[Mapping[str, Any]]) -> str:
    """Which figures have no value, in one line."""
    return f"Not measured here: {', '.join(figure['name'] for figure in figures if figure['value'] is None)}."
