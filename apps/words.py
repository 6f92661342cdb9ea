"""The parts of an explanation in the order in which a page shows them. Findings are the evidence's own sentences; none is worded here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fusion.answer import agreement
from fusion.claim_words import statement
from fusion.rules import CLAUSES, Clause
from retinai.lesions import CLASSES, GRADES, LESIONS
from retinai.types import CheckedAnswer, Claim, Evidence, Explanation

_SECTIONS = {"grade": "Grade by visible lesions", "dme_risk": "Risk of diabetic macular oedema (DME)", "follow_up": "Follow-up"}
_FINDINGS = "Findings"


def headline(explanation: Explanation) -> str:
    """'Grade 2 by visible lesions: moderate ...', or 'Ungradable'."""
    if not explanation.quality.gradable or explanation.interval is None:
        return "Ungradable"
    return f"Grade {explanation.interval.visible} by visible lesions: {GRADES[explanation.interval.visible]}"


def sentences(explanation: Explanation) -> list[tuple[str, list[Evidence]]]:
    """(heading, evidence) in reading order: the grade, the risk, what to do, what was found."""
    headings = dict.fromkeys([*_SECTIONS.values(), _FINDINGS])
    found = {heading: [e for e in explanation.evidence if _SECTIONS.get(e.kind, _FINDINGS) == heading] for heading in headings}
    return [(heading, items) for heading, items in found.items() if items]


def clauses(explanation: Explanation) -> list[Clause]:
    """The rules that were applied or stay open, in the order of the table."""
    used = {item.clause for item in explanation.evidence} | set(explanation.interval.clauses if explanation.interval else ())
    return [clause for clause in CLAUSES.values() if clause.id in used]


@dataclass(frozen=True, slots=True)
class ModelLines:
    """grade: what the language model says and how it stands to the lesions; supported: kept claims in our words; omitted: what was found
    and not mentioned; withheld: each with its verdict and reason."""

    grade: tuple[str, ...]
    supported: tuple[Evidence, ...]
    omitted: tuple[Evidence, ...]
    withheld: tuple[str, ...]


def model_lines(explanation: Explanation) -> ModelLines:
    """The language model's part. Raises ValueError where none was asked."""
    answer = explanation.answer
    if answer is None:
        raise ValueError("no language model was asked")
    claims = [claim for claim in answer.claims if claim.kind != "grade"]
    supported = tuple(Evidence(claim.id, claim.kind, statement(claim), claim.evidence) for claim in claims if claim.kept)
    withheld = [_withheld(claim) for claim in claims if not claim.kept] + [f'not read: "{_flat(text)}"' for text in answer.unread]
    return ModelLines(tuple(_grade(explanation, answer)), supported, tuple(_omitted(explanation, answer)), tuple(withheld))


def _grade(explanation: Explanation, answer: CheckedAnswer) -> Iterator[str]:
    if answer.grade is None:
        yield f"{answer.source} gave no grade: it holds the photograph for ungradable."
        return
    level = answer.grade.level
    yield f"{answer.source} says grade {level}, {GRADES[level]}."
    if explanation.interval:
        yield agreement(level, explanation.interval)
    if answer.grounded:
        yield "It was told the findings before it answered, so its agreement is no second opinion."


def _omitted(explanation: Explanation, answer: CheckedAnswer) -> Iterator[Evidence]:
    for code in (code for code in LESIONS if code in answer.omitted):
        ids = tuple(lesion.id for lesion in explanation.lesions if lesion.code == code)
        name = CLASSES[code].name if len(ids) == 1 else CLASSES[code].plural
        yield Evidence("", "presence", f"Not mentioned by the model: {len(ids)} {name}.", ids)


def _withheld(claim: Claim) -> str:
    said = _flat(claim.text) if claim.kind == "other" else statement(claim).rstrip(".")
    return f'{(claim.verdict or "").replace("_", " ")}: the model said "{said}"; {claim.reason}'


def _flat(text: str, most: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
