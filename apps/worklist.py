"""Many photographs as a list, the most urgent first."""

from __future__ import annotations

from typing import Any

from apps.cases import Case
from apps.session import Session
from apps.words import headline, in_short

_NEVER = 10_000


def urgency(case: Case) -> tuple[int, int, int, int]:
    """The sort key: what could not be read or graded first, since nobody has looked at it; then the shortest wait, the higher grade.

    A photograph over which the readings disagree comes before others with the same wait.
    """
    explanation = case.explanation
    if explanation is None or not explanation.quality.gradable:
        return (0, 0, 0, case.upload.number)
    advice, visible = explanation.advice, explanation.interval.visible if explanation.interval else 0
    if advice is None:
        return (_NEVER, 1, -visible, case.upload.number)
    return (advice.months, 0 if advice.human else 1, -max(advice.level, visible), case.upload.number)


def ordered(session: Session) -> list[Case]:
    """The cases, the most urgent first. While own grades come first those without one keep their order of arrival, at the end: the
    order would tell what the model thinks."""
    open_ones = sorted((c for c in session.cases if not session.hidden(c)), key=urgency)
    return open_ones + sorted((c for c in session.cases if session.hidden(c)), key=lambda case: case.upload.number)


def row(case: Case, hidden: bool) -> dict[str, Any]:
    """One line of the list."""
    return {"case": case.label, "file": case.upload.name, **_findings(case, hidden)}


def _findings(case: Case, hidden: bool) -> dict[str, Any]:
    explanation = case.explanation
    if explanation is None:
        return {"what to do": case.error, "readings": "could not be read"}
    if not explanation.quality.gradable:
        return {"what to do": "Take another photograph.", "readings": "ungradable"}
    if hidden:
        return {"what to do": "", "readings": "your grade first"}
    return {"what to do": headline(explanation), "readings": " ".join(in_short(explanation))}
