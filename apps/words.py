"""The parts of an explanation in the order in which a page shows them: the lines of `retinai explain`, none worded here."""

from __future__ import annotations

from fusion.answer import Told, told
from fusion.citations import without_citations
from fusion.claims import Passage, read_claims
from fusion.rules import CLAUSES, Clause
from fusion.write import Page, sections, summary
from retinai.lesions import GRADES
from retinai.types import CheckedAnswer, Explanation

WITHHELD, RULES, UNSEEN = "Withheld", "Rules", "Could not be assessed"
"""How the headings begin that a page treats in a way of its own."""
UNGRADABLE = "Ungradable"


def headline(explanation: Explanation) -> str:
    """'Grade 2: moderate non-proliferative diabetic retinopathy', by the visible lesions; or 'Ungradable'."""
    if not explanation.quality.gradable or explanation.interval is None:
        return UNGRADABLE
    return f"Grade {explanation.interval.visible}: {GRADES[explanation.interval.visible]}"


def in_short(explanation: Explanation) -> list[str]:
    """The readings and what to do, one line each."""
    return summary(_page(explanation))


def parts(explanation: Explanation) -> list[tuple[str, list[str]]]:
    """(heading, lines) of a gradable photograph, in reading order."""
    return [(heading, lines) for heading, lines in sections(_page(explanation)) if lines]


def clauses(explanation: Explanation) -> list[Clause]:
    """The rules that were applied or stay open, in the order of the table."""
    used = {item.clause for item in explanation.evidence} | set(explanation.interval.clauses if explanation.interval else ())
    used |= {explanation.advice.clause} if explanation.advice else set()
    return [clause for clause in CLAUSES.values() if clause.id in used]


def _page(explanation: Explanation) -> Page:
    return Page.of(explanation, _told(explanation, explanation.answer))


def _told(explanation: Explanation, answer: CheckedAnswer | None) -> Told:
    """The model's lines. Why a passage gave no claim is read again from the text: the record holds the passage alone."""
    if answer is None:
        return Told()
    unread = read_claims(without_citations(answer.text)).unread
    passages = [Passage(answer.text[slice(*each.span)], each.span, each.why) for each in unread]
    return told(answer, passages, explanation.lesions)
