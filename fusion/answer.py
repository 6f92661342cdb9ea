"""What a language model said of a photograph, taken apart and checked: kept, withheld, not read, left out.

Claims are told in words made from their fields, since the model's words carry more than was verified; its own are quoted
only where they gave no claim that could be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fusion.citations import cited_by_sentence, find_citations, restored, without_citations
from fusion.claim_words import statement
from fusion.claims import Passage, read_claims
from fusion.thresholds import Thresholds
from fusion.verify import verify
from fusion.verify_facts import Facts
from retinai.lesions import CLASSES, GRADES, LESIONS
from retinai.types import Advice, CheckedAnswer, Claim, Evidence, Grade, GradeSet, Lesion, Verdict

_VERDICTS: dict[Verdict, str] = {
    "contradicted": "Contradicted",
    "unsupported": "Not confirmed",
    "not_assessable": "Not assessable",
    "supported": "Not cited",
}
"""How a verdict is said of a claim that was withheld; a supported one lacks a lesion to cite."""
_WORST_FIRST: tuple[Verdict | None, ...] = ("contradicted", "unsupported", "not_assessable", "supported", None)
"""The order in which what was withheld is told."""


@dataclass(frozen=True, slots=True)
class Checked:
    """claims: each with its verdict; unread: passages that gave no claim; omitted: lesion classes found and never mentioned;
    invented: ids cited that do not exist."""

    claims: tuple[Claim, ...]
    unread: tuple[Passage, ...]
    omitted: tuple[str, ...]
    invented: tuple[str, ...] = ()


def check(text: str, facts: Facts, thresholds: Thresholds, advice: Advice | None = None) -> Checked:
    """Take `text` apart and judge every claim by the facts of the photograph.

    advice: what the readings together ask for; a longer wait is not kept, even where the lesions alone would bear it.
    """
    reading = read_claims(without_citations(text))
    citations = find_citations(text)
    cited = cited_by_sentence(text, citations)
    verdicts = verify((restored(claim, text, cited) for claim in reading.claims), facts, thresholds)
    claims = tuple(_soon_enough(claim, advice) for claim in verdicts)
    unread = tuple(Passage(text[slice(*passage.span)], passage.span, passage.why) for passage in reading.unread)
    mentioned = {claim.lesion for claim in claims}
    found = {lesion.code for lesion in facts.lesions}
    known = {lesion.id for lesion in facts.lesions} | {item.id for item in facts.evidence}
    invented = tuple(dict.fromkeys(each.id for each in citations if each.id not in known))
    return Checked(claims, unread, tuple(code for code in LESIONS if code in found and code not in mentioned), invented)


def _soon_enough(claim: Claim, advice: Advice | None) -> Claim:
    if not (claim.kept and claim.kind == "referral" and claim.months and advice and claim.months[1] > advice.months):
        return claim
    reason = f"the worst consistent reading, {advice.by}, asks for an examination within {advice.months} month"
    return replace(claim, verdict="unsupported", kept=False, reason=reason if advice.months == 1 else f"{reason}s")


@dataclass(frozen=True, slots=True)
class Told:
    """The answer in plain lines. grade: its reading, which stands beside those of the lesions; supported: what was kept, and what it
    left out; withheld: what was not let through, with the reason."""

    grade: tuple[str, ...] = ()
    supported: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


_OURS = ("grade", "referral")
"""Kinds of claims that are not printed where they are kept: the page gives its own grade, and one follow-up."""


def told(answer: CheckedAnswer, lesions: Sequence[Lesion]) -> Told:
    """What may be printed of an answer, each line once though the model repeat itself."""
    supported = [_supported(claim) for claim in answer.claims if claim.kept and claim.kind not in _OURS]
    supported += [_omitted(code, lesions) for code in answer.omitted]
    refused = [claim for claim in answer.claims if not claim.kept and claim.kind != "grade"]
    withheld = [_withheld(claim) for claim in sorted(refused, key=lambda claim: _WORST_FIRST.index(claim.verdict))]
    withheld += _citations(answer)
    return Told(tuple(_graded(answer)), tuple(dict.fromkeys(supported)), (*dict.fromkeys(withheld), *_unread(answer)))


def _graded(answer: CheckedAnswer) -> Iterator[str]:
    grade = answer.grade
    if grade is None:
        yield "The language model gave no grade."
        return
    yield f"The language model says grade {grade.level}, {GRADES[grade.level]}{likely(grade)}."
    if answer.grounded:
        yield "It was told the findings before it answered, so its agreement counts for little."
    other = [claim for claim in answer.claims if claim.kind == "grade" and grade.level not in claim.levels and claim.polarity == "present"]
    if other:
        yield f"Its text names another grade: {statement(other[0]).rstrip('.').lower()}."


def likely(grade: Grade) -> str:
    """' (likely 2-3)': the grades that stay open, where that was fitted."""
    return f" (likely {levels(grade.conformal.levels)})" if grade.conformal else ""


def levels(some: Sequence[int]) -> str:
    """'2' or '2-3'."""
    return f"{some[0]}" if some[0] == some[-1] else f"{some[0]}-{some[-1]}"


def how_sure(name: str, grade: Grade) -> str:
    """The numbers behind a grade, which give that grade: the chances of which it is the greatest, or the mean on which it is cut."""
    if grade.cuts is None:
        chances = ", ".join(f"{level} ({p:.0%})" for level, p in enumerate(grade.probs))
        numbers = f"{name}, chance of each grade: {chances}."
    else:
        least = 0 if grade.level == 0 else grade.cuts[grade.level - 1]
        numbers = f"{name}: its mean grade is {grade.mean:.2f} on the scale from 0 to 4; from {least:.2f} on it says {grade.level}."
    return numbers + (f" {basis(grade.conformal)}" if grade.conformal else "")


def basis(found: GradeSet) -> str:
    """On what a set's rate rests. Of another camera's photographs such sets held fewer (docs/grading.md)."""
    where = f"set on {found.cases} photographs; in fewer with another camera"
    return f"The likely grades hold the true one in {found.rate:.0%} of cases ({where})."


def _supported(claim: Claim) -> str:
    return Evidence("", claim.kind, statement(claim), claim.evidence).sentence


def _omitted(code: str, lesions: Sequence[Lesion]) -> str:
    ids = tuple(lesion.id for lesion in lesions if lesion.code == code)
    return f"Not mentioned by the language model: {Evidence('', 'presence', f'{len(ids)} marked {_words(code, len(ids))}.', ids).sentence}"


def _withheld(claim: Claim) -> str:
    verdict = _VERDICTS[claim.verdict or "unsupported"]
    return f"{verdict}: the language model said {_said(claim)}; {claim.reason}."


def _unread(answer: CheckedAnswer) -> Iterator[str]:
    """How much of the answer gave no claim. The words themselves stay in the record."""
    if len(answer.unread) == 1:
        yield "1 passage of the language model could not be checked and is left out."
    elif answer.unread:
        yield f"{len(answer.unread)} passages of the language model could not be checked and are left out."


def _citations(answer: CheckedAnswer) -> Iterator[str]:
    """Citations of what does not exist, and of lesions of another class than the claim's."""
    if answer.invented:
        verb = "do not exist" if len(answer.invented) > 1 else "does not exist"
        yield f"Invented: the language model cites {', '.join(answer.invented)}, which {verb}."
    for claim in answer.claims:
        lesions = [id for id in claim.cited if "-" in id and id not in answer.invented]
        if claim.lesion and lesions and not any(id.startswith(f"{claim.lesion}-") for id in lesions):
            yield f"Cited wrongly: the language model cites {', '.join(lesions)} for {CLASSES[claim.lesion].plural}."


def _said(claim: Claim) -> str:
    """The claim as it was understood, negation included, which its own few words may not carry."""
    return f'"{_flat(claim.text)}"' if claim.kind == "other" else f'"{statement(claim).rstrip(".")}"'


def _words(code: str, count: int) -> str:
    return CLASSES[code].name if count == 1 else CLASSES[code].plural


def _flat(text: str, most: int = 120) -> str:
    """On one line, no longer than a reader bears, and without what would move a terminal's cursor."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 3]}..."
