"""What a language model said of a photograph, taken apart and checked: kept, withheld, not read, left out.

Claims are told in words made from their fields, since the model's words carry more than was verified; its own are quoted
only where they gave no claim that could be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fusion.claim_words import statement
from fusion.claims import Passage, read_claims
from fusion.verify import verify
from fusion.verify_facts import Facts, Thresholds
from retinai.lesions import CLASSES, GRADES, LESIONS
from retinai.types import Claim, Evidence, Grade, GradeInterval, Lesion


@dataclass(frozen=True, slots=True)
class Checked:
    """claims: each with its verdict; unread: passages that gave no claim; omitted: lesion classes found and never mentioned."""

    claims: tuple[Claim, ...]
    unread: tuple[Passage, ...]
    omitted: tuple[str, ...]


def check(text: str, facts: Facts, thresholds: Thresholds) -> Checked:
    """Take `text` apart and judge every claim by the facts of the photograph."""
    reading = read_claims(text)
    claims = verify(reading.claims, facts, thresholds)
    mentioned = {claim.lesion for claim in claims}
    found = {lesion.code for lesion in facts.lesions}
    return Checked(claims, reading.unread, tuple(code for code in LESIONS if code in found and code not in mentioned))


def told(source: str, grade: Grade | None, checked: Checked, interval: GradeInterval, lesions: Sequence[Lesion]) -> Iterator[str]:
    """The lines of the section on the model's answer, each a plain sentence or two."""
    yield _graded(source, grade, interval)
    for claim in checked.claims:
        if claim.kept and claim.kind != "grade":
            yield f"Supported: {Evidence('', claim.kind, statement(claim), claim.evidence).sentence}"
    for code in checked.omitted:
        ids = tuple(lesion.id for lesion in lesions if lesion.code == code)
        yield f"Not mentioned by the model: {Evidence('', 'presence', f'{len(ids)} {_words(code, len(ids))}.', ids).sentence}"
    for claim in checked.claims:
        if not claim.kept and claim.kind != "grade":
            verdict = (claim.verdict or "").replace("_", " ")
            yield f"Withheld, {verdict}: the model said {_said(claim)}; {claim.reason}."
    for passage in checked.unread:
        yield f'Withheld, not read: "{_flat(passage.text)}"; {passage.why}.'


def agreement(level: int, interval: GradeInterval) -> str:
    """How the model's grade stands to the grade that the visible lesions fit: one sentence."""
    if level == interval.visible:
        return "The visible lesions fit the same grade."
    if level > interval.visible:
        return f"Discordant, needs a human: the visible lesions fit grade {interval.visible}; what would make it {level} was not seen here."
    if level >= interval.low:
        return f"Discordant, needs a human: with the doubtful lesions it is grade {interval.visible}."
    return f"Discordant, needs a human: the visible lesions are at least grade {interval.low}."


def _graded(source: str, grade: Grade | None, interval: GradeInterval) -> str:
    if grade is None:
        return f"{source} gave no grade: it holds the photograph for ungradable."
    probs = ", ".join(f"{level}: {p:.2f}" for level, p in enumerate(grade.probs))
    return f"{source} says grade {grade.level}, {GRADES[grade.level]} ({probs}). {agreement(grade.level, interval)}"


def _said(claim: Claim) -> str:
    """The claim as it was understood, negation included, which its own few words may not carry."""
    return f'"{_flat(claim.text)}"' if claim.kind == "other" else f'"{statement(claim).rstrip(".")}"'


def _words(code: str, count: int) -> str:
    return CLASSES[code].name if count == 1 else CLASSES[code].plural


def _flat(text: str, most: int = 120) -> str:
    """On one line, and no longer than a reader bears."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
