"""The parts of an explanation in the order in which a page shows them: the lines of `retinai explain`, none worded here."""

from __future__ import annotations

from fusion.answer import Told, told
from fusion.rules import CLAUSES, Clause
from fusion.write import Page, sections
from fusion.write import headline as first_line
from fusion.write import readings as short_lines
from retinai.types import Explanation

WITHHELD, RULES, UNSEEN, SMALL_PRINT = "Withheld", "Rules", "Could not be assessed", "How sure the readings are"
"""How the headings begin that a page treats in a way of its own."""
UNGRADABLE = "Ungradable"


def headline(explanation: Explanation) -> str:
    """What to do, and why: 'Refer within 1 month. At least moderate NPDR (likely 2-4).'; or 'Ungradable'."""
    if not explanation.quality.gradable or explanation.interval is None:
        return UNGRADABLE
    return first_line(_page(explanation))


def in_short(explanation: Explanation) -> list[str]:
    """The three readings, one short line each, and whether a grader has to look."""
    return short_lines(_page(explanation))


def parts(explanation: Explanation) -> list[tuple[str, list[str]]]:
    """(heading, lines) of a gradable photograph, in reading order."""
    return [(heading, lines) for heading, lines in sections(_page(explanation)) if lines]


def clauses(explanation: Explanation) -> list[Clause]:
    """The rules that were applied or stay open, in the order of the table."""
    used = {item.clause for item in explanation.evidence} | set(explanation.interval.clauses if explanation.interval else ())
    used |= {explanation.advice.clause} if explanation.advice else set()
    return [clause for clause in CLAUSES.values() if clause.id in used]


def _page(explanation: Explanation) -> Page:
    return Page.of(explanation, told(explanation.answer, explanation.lesions) if explanation.answer else Told())
