"""A small grammar from what is true of a photograph to an answer: the grade first, then the lesions.

The wording varies and the content does not: every sentence follows from the report. Words of lesions and grades
come from `retinai.lesions`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from retinai.lesions import CLASSES, GRADES
from vlm.findings import QUADRANTS, Finding, Report

GRADE_WORD = "Grade:"
UNGRADABLE = f"{GRADE_WORD} none. This is not a gradable fundus photograph."
MANY = 20
"""'More than 20' is the count that the ICDR scale asks for."""
NEAR_DD = 1.0
"""A hard exudate within one disc diameter of the macula's centre is IDRiD's DME risk 2."""

_GRADE = ("This is {name}.", "The photograph shows {name}.", "The eye has {name}.")
_PRESENT = ("{what} {are} seen{where}.", "There {are} {what}{where}.", "The retina shows {what}{where}.")
_ABSENT = ("No {what} are seen.", "There are no {what}.", "The retina shows no {what}.")
_NEAR = (
    "A hard exudate lies within one disc diameter of the fovea.",
    "There is a hard exudate within one disc diameter of the fovea.",
)
_FAR = (
    "No hard exudate lies within one disc diameter of the fovea.",
    "Every hard exudate is farther than one disc diameter from the fovea.",
)


def answer(report: Report, rng: random.Random | None = None) -> str:
    """The answer to a prompt. Without `rng` always the first wording."""
    if report.grade is None:
        return UNGRADABLE
    sentences = [f"{GRADE_WORD} {report.grade}.", _choose(_GRADE, rng).format(name=GRADES[report.grade])]
    for finding in report.findings or ():
        sentences.append(present(finding, rng))
    if report.absent:
        sentences.append(absent(report.absent, rng))
    if near := _near_fovea(report):
        sentences.append(_choose(near, rng))
    return " ".join(sentences)


def present(finding: Finding, rng: random.Random | None = None) -> str:
    """'Haemorrhages are seen in the superotemporal and inferonasal quadrants.'

    A count that spans quadrants has a sentence of its own: 'more than 20 in all four quadrants' would be read as so many in each.
    """
    words = CLASSES[finding.code]
    what, are, where = words.plural, "are", _where(finding.quadrants)
    if finding.count == 1:
        what, are = f"{_article(words.name)} {words.name}", "is"
    said = [_capital(_choose(_PRESENT, rng).format(what=what, are=are, where=where))]
    if finding.count is not None and finding.count > MANY:
        said.append(_capital(_choose(_PRESENT, rng).format(what=f"more than {MANY} {words.plural}", are="are", where="")))
    return " ".join(said if where else said[-1:])


def absent(codes: Sequence[str], rng: random.Random | None = None) -> str:
    """'No microaneurysms, haemorrhages or soft exudates are seen.'"""
    return _choose(_ABSENT, rng).format(what=_list([CLASSES[code].plural for code in codes], "or"))


def _where(quadrants: Sequence[str]) -> str:
    if not quadrants:
        return ""
    if len(quadrants) == len(QUADRANTS):
        return " in all four quadrants"
    return f" in the {_list(quadrants, 'and')} quadrant{'s' if len(quadrants) > 1 else ''}"


def _near_fovea(report: Report) -> tuple[str, ...]:
    """The wordings for hard exudates and the fovea; nothing where there are none or sources disagree."""
    if not any(finding.code == "EX" for finding in report.findings or ()):
        return ()
    if report.dme is not None:
        return _NEAR if report.dme == 2 else _FAR
    distance = next(finding.nearest_dd for finding in report.findings or () if finding.code == "EX")
    if distance is None:
        return ()
    return _NEAR if distance <= NEAR_DD else _FAR


def _choose(wordings: Sequence[str], rng: random.Random | None) -> str:
    return rng.choice(wordings) if rng else wordings[0]


def _list(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
