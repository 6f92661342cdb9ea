"""What a language model said of a photograph, taken apart and checked: kept, withheld, not read, left out.

Claims are told in words made from their fields, since the model's words carry more than was verified; its own are quoted
only where they gave no claim that could be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fusion.advice import disagreement
from fusion.citations import cited_by_sentence, find_citations, restored, without_citations
from fusion.claim_words import statement
from fusion.claims import Passage, read_claims
from fusion.verify import verify
from fusion.verify_facts import Facts, Thresholds
from retinai.lesions import CLASSES, GRADES, LESIONS
from retinai.types import Advice, Attribution, CheckedAnswer, Claim, Evidence, Grade, GradeInterval, GradeSet, Lesion, Verdict

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
    """The answer in plain lines. grade: its readings, which stand beside those of the lesions; supported: what was kept, and what it
    left out; withheld: what was not let through, with the reason."""

    grade: tuple[str, ...] = ()
    supported: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


def told(answer: CheckedAnswer, unread: Sequence[Passage], lesions: Sequence[Lesion]) -> Told:
    """What may be printed of an answer, each line once though the model repeat itself. unread: its passages without a claim, and why."""
    kept = [claim for claim in answer.claims if claim.kept and claim.kind != "grade"]
    supported = [_supported(claim) for claim in kept]
    supported += [_omitted(code, lesions) for code in answer.omitted]
    refused = [claim for claim in answer.claims if not claim.kept and claim.kind != "grade"]
    withheld = [_withheld(claim) for claim in sorted(refused, key=lambda claim: _WORST_FIRST.index(claim.verdict))]
    withheld += [f'Not read: "{_flat(passage.text)}"; {passage.why}.' for passage in unread]
    withheld += _citations(answer)
    return Told(tuple(_graded(answer)), tuple(dict.fromkeys(supported)), tuple(dict.fromkeys(withheld)))


def agreement(level: int, interval: GradeInterval) -> str:
    """How the model's grade stands to the grade that the visible lesions fit: one sentence."""
    wrong = disagreement(level, interval)
    return f"Discordant, needs a human: {wrong}." if wrong else "The visible lesions fit the same grade."


def _graded(answer: CheckedAnswer) -> Iterator[str]:
    grade = answer.grade
    if grade is None:
        yield f"{answer.source} gave no grade."
        return
    yield f"{answer.source} says grade {grade.level}, {GRADES[grade.level]} ({chances(grade)})."
    yield from _set(grade)
    if answer.grounded:
        yield "It was told the findings before it answered: its agreement is no second opinion."
    other = [claim for claim in answer.claims if claim.kind == "grade" and grade.level not in claim.levels and claim.polarity == "present"]
    if other:
        yield f"Its text names another grade: {statement(other[0]).rstrip('.').lower()}."


def chances(grade: Grade) -> str:
    """'0: 0.02, 1: 0.05, ...': the probability of each grade."""
    return ", ".join(f"{level}: {p:.2f}" for level, p in enumerate(grade.probs))


def _set(grade: Grade) -> Iterator[str]:
    """The conformal set, where the model has one."""
    if grade.conformal is None:
        return
    low, high = grade.conformal.levels[0], grade.conformal.levels[-1]
    levels = f"grade {low} alone" if low == high else f"grades {low} to {high}"
    yield f"At {grade.conformal.rate:.0%} its answer leaves {levels} open ({basis(grade.conformal)})."


def basis(found: GradeSet) -> str:
    """On what a set's rate rests. Of another camera's photographs such sets held fewer (docs/grading.md)."""
    return f"set on {found.cases} photographs; another camera may need more grades"


def _supported(claim: Claim) -> str:
    sentence = Evidence("", claim.kind, statement(claim), claim.evidence).sentence
    return f"{sentence}{_looked(claim.attribution)}"


def _looked(attribution: Attribution | None) -> str:
    """' (saliency 12 %, lift 3.4, 0.31 of its ceiling)'."""
    if attribution is None:
        return ""
    ceiling = "" if attribution.ceiling_share is None else f", {attribution.ceiling_share:.2f} of its ceiling"
    return f" (saliency {attribution.mass_share:.1%}, lift {attribution.lift:.1f}{ceiling})"


def _omitted(code: str, lesions: Sequence[Lesion]) -> str:
    ids = tuple(lesion.id for lesion in lesions if lesion.code == code)
    return f"Not mentioned by the model: {Evidence('', 'presence', f'{len(ids)} {_words(code, len(ids))}.', ids).sentence}"


def _withheld(claim: Claim) -> str:
    verdict = (claim.verdict or "").replace("_", " ").capitalize()
    return f"{verdict}: the model said {_said(claim)}; {claim.reason}."


def _citations(answer: CheckedAnswer) -> Iterator[str]:
    """Citations of what does not exist, and of lesions of another class than the claim's."""
    if answer.invented:
        verb = "do not exist" if len(answer.invented) > 1 else "does not exist"
        yield f"Invented: the model cites {', '.join(answer.invented)}, which {verb}."
    for claim in answer.claims:
        lesions = [id for id in claim.cited if "-" in id and id not in answer.invented]
        if claim.lesion and lesions and not any(id.startswith(f"{claim.lesion}-") for id in lesions):
            yield f"Cited wrongly: the model cites {', '.join(lesions)} for {CLASSES[claim.lesion].plural}."


def _said(claim: Claim) -> str:
    """The claim as it was understood, negation included, which its own few words may not carry."""
    return f'"{_flat(claim.text)}"' if claim.kind == "other" else f'"{statement(claim).rstrip(".")}"'


def _words(code: str, count: int) -> str:
    return CLASSES[code].name if count == 1 else CLASSES[code].plural


def _flat(text: str, most: int = 120) -> str:
    """On one line, no longer than a reader bears, and without what would move a terminal's cursor."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 3]}..."
