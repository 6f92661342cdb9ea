"""Free English about an eye -> claims that can be checked one by one.

The parser is deterministic and knows no model: words are looked up (`lexicon`, `parse_places`, `parse_grades`, `parse_cues`), scopes are
worked out (`parse_scope`), and what was not understood is handed back as passages, never dropped and never guessed. `docs/claims.md`
says what is read and how well; the claims are judged in `verify`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fusion.lexicon import Mark
from fusion.parse_dismiss import dismissal
from fusion.parse_line import Line
from fusion.parse_places import EVERYWHERE
from fusion.parse_scope import Finding, Scope
from fusion.parse_sentences import Span, clean, sentences
from fusion.parse_words import EYE, unknown_words
from retinai.types import Claim, Region

NOTHING = "nothing was understood"
CONDITION = "a condition or an intention"
MOST_LETTERS = 10_000
MOST_OF_A_SENTENCE = 1_500
"""What is read of an answer and of one sentence, letters: several times what a report has, so that reading always ends soon."""
LONG_TEXT = f"the answer has more than {MOST_LETTERS:,} letters, and this part of it was left out"
LONG_SENTENCE = f"a sentence of more than {MOST_OF_A_SENTENCE:,} letters"
WORDS = "words that were not understood"


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the raw text, raw[span[0]:span[1]], that gave no claim. why: a few plain words."""

    text: str
    span: Span
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. claims: in reading order, ids 'C-1', 'C-2', ...; unread: what gave no claim, to be withheld."""

    claims: tuple[Claim, ...]
    unread: tuple[Passage, ...]


def read_claims(text: str) -> Reading:
    """All claims of `text`. Any text is taken, in any language; one that says nothing of an eye gives no claims."""
    plain = clean(text[:MOST_LETTERS])
    claims: list[Claim] = []
    unread: list[Passage] = []
    memory: list[Finding] = []
    spans, rest = _within_reach(text)
    for start, end in spans:
        if end - start > MOST_OF_A_SENTENCE:
            unread.append(Passage(text[start:end], (start, end), LONG_SENTENCE))
            continue
        line = Line.of(plain[start:end])
        why = dismissal(line)
        sentence = None if why else _Sentence(text, start, line, memory)
        found = sentence.claims() if sentence else []
        claims += found
        unread += [Passage(text[a:b], (a, b), reason) for (a, b), reason in _unread((start, end), why, sentence, found)]
    if rest:
        unread.append(Passage(text[slice(*rest)], rest, LONG_TEXT))
    numbered = tuple(replace(claim, id=f"C-{number}") for number, claim in enumerate(claims, start=1))
    return Reading(numbered, tuple(unread))


def _within_reach(text: str) -> tuple[list[Span], Span | None]:
    """The sentences that are read, and the span of what comes after them: a sentence that is cut in two could lose its negation."""
    spans = sentences(text[:MOST_LETTERS])
    if len(text) <= MOST_LETTERS:
        return spans, None
    last = spans.pop()[0] if spans else 0
    return spans, (last, len(text))


def _unread(span: Span, why: str | None, sentence: _Sentence | None, found: list[Claim]) -> list[tuple[Span, str]]:
    """The passages of one sentence that gave no claim: all of it, or what its claims leave."""
    if sentence is None or not found:
        return [(span, why or (CONDITION if sentence and sentence.supposed else NOTHING))]
    return sentence.unread()


def label(claim: Claim) -> str:
    """A claim in the short notation of the corpus, `tests/claims/GUIDE.md`: '+HE #>20 @all4', '-dme 1-2', 'follow 6'."""
    sign = {"present": "+", "absent": "-", "uncertain": "?"}[claim.polarity]
    bare = sign.replace("+", "")
    if claim.kind in ("grade", "dme_risk"):
        low, high = claim.levels[0], claim.levels[-1]
        levels = str(low) if low == high else f"{low}-{high}"
        return f"{bare}{'grade' if claim.kind == 'grade' else 'dme'} {levels}"
    if claim.kind == "referral":
        return bare + ("refer" if claim.months is None else "follow " + "-".join(str(m) for m in dict.fromkeys(claim.months)))
    if claim.kind in ("quality", "other"):
        return claim.kind + (sign if claim.kind == "quality" else "")
    count = f" #{claim.count.op}{claim.count.n}" if claim.count else ""
    return f"{sign}{claim.lesion}{count}{' @' + _place(claim.region) if claim.region else ''}"


def _place(region: Region) -> str:
    if set(region.values) == set(EVERYWHERE.values):
        return "all4"
    frame = {"dd_ring": "dd", "image": "image."}.get(region.frame, "")
    return "&".join(sorted(f"{'disc.' if region.origin == 'disc' else ''}{frame}{value}" for value in region.values))


class _Sentence:
    """The findings of one sentence as claims, with spans into the raw text; `memory` is carried on to the next sentence."""

    def __init__(self, raw: str, offset: int, line: Line, memory: list[Finding]) -> None:
        self.raw, self.offset, self.line = raw, offset, line
        read = Scope(line, memory).read()
        self.findings = [finding for finding in read if not finding.supposed]
        self.supposed = [finding for finding in read if finding.supposed]
        if any(finding.code for finding in self.findings):
            memory[:] = [finding for finding in self.findings if finding.code]

    def unread(self) -> list[tuple[Span, str]]:
        """What a sentence with claims holds beside them: suppositions, and words that nothing explains."""
        supposed = [(finding.mark.start, finding.mark.end) for finding in self.supposed]
        found = [(span, CONDITION) for span in supposed] + [(span, WORDS) for span in unknown_words(self.line)]
        return [((self.offset + a, self.offset + b), why) for (a, b), why in sorted(found)]

    def claims(self) -> list[Claim]:
        """In the order in which they stand in the text, none twice."""
        found = [*self._lesions(), *self._grades(), *self._dme(), *self._referral(), *self._quality(), *self._others()]
        if not found and not self._hypothetical() and EYE.search(self.line.text):
            found = [self._claim("other", "present", self.line.marks, whole=True)]
        seen: dict[str, Claim] = {}
        for claim in sorted(found, key=lambda c: c.span):
            seen.setdefault(label(claim) + claim.polarity, claim)
        return list(seen.values())

    def _claim(self, kind: str, polarity: str, marks: Iterable[Mark], whole: bool = False, **fields: Any) -> Claim:
        spans = [(mark.start, mark.end) for mark in marks]
        start, end = (0, len(self.line.text)) if whole else (min(a for a, _ in spans), max(b for _, b in spans))
        start, end = start + self.offset, end + self.offset
        return Claim("", self.raw[start:end], (start, end), kind, polarity, **fields)  # type: ignore[arg-type]

    def _hypothetical(self) -> bool:
        return bool(self.supposed) and not self.findings

    def _lesions(self) -> Iterator[Claim]:
        for finding in self.findings:
            if finding.code:
                for region in _regions(finding.places):
                    kind = "count" if finding.count else "location" if region else "presence"
                    yield self._claim(kind, finding.polarity, finding.marks, lesion=finding.code, count=finding.count, region=region)

    def _grades(self) -> Iterator[Claim]:
        told = any(finding.mark.kind == "grade" for finding in self.findings)
        for finding in self.findings:
            kind = finding.mark.kind
            if kind == "grade" or (kind == "any_dr" and finding.polarity != "absent" and not told):
                yield self._claim("grade", finding.polarity, finding.marks, levels=finding.mark.value)
            elif _is_none(finding):
                polarity = "uncertain" if finding.polarity == "uncertain" else "present"
                yield self._claim("grade", polarity, finding.marks, levels=(0,))

    def _dme(self) -> Iterator[Claim]:
        found = [finding for finding in self.findings if finding.mark.kind in ("dme", "no_dme")]
        exact = any(finding.mark.value != (1, 2) for finding in found)
        for finding in found:
            if not (exact and finding.mark.value == (1, 2) and finding.polarity == "present"):  # "maculopathy grade M0"
                polarity = "absent" if finding.mark.kind == "no_dme" else finding.polarity
                yield self._claim("dme_risk", polarity, finding.marks, levels=finding.mark.value)

    def _referral(self) -> Iterator[Claim]:
        found = [finding for finding in self.findings if finding.mark.kind == "refer"]
        if found:
            interval = [mark for mark in self.line.marks if mark.kind == "interval"][:1]
            polarity = "absent" if found[0].mark.value == "deny" else found[0].polarity
            yearly = self.line.words(found[0].mark).startswith(("annual", "yearly"))
            months = interval[0].value if interval else (12, 12) if yearly else None
            yield self._claim("referral", polarity, [*found[0].marks, *interval], months=months)

    def _quality(self) -> Iterator[Claim]:
        """The last word on quality counts: 'blurred but gradable'."""
        found = [finding for finding in self.findings if finding.mark.kind == "quality"]
        if found:
            said = str(found[-1].mark.value)
            opposite = {"present": "absent", "absent": "present"}.get(said, said)
            yield self._claim("quality", opposite if found[-1].polarity == "absent" else said, found[-1].marks)

    def _others(self) -> Iterator[Claim]:
        for finding in self.findings:
            kind, absent = finding.mark.kind, finding.polarity == "absent"
            if kind == "other" or (kind == "normal" and absent) or (kind == "findings" and absent and finding.places):
                yield self._claim("other", finding.polarity, finding.marks)


def _is_none(finding: Finding) -> bool:
    """Whether a finding says that there is nothing: 'no retinopathy', 'a normal fundus', 'no lesions'."""
    kind, absent = finding.mark.kind, finding.polarity == "absent"
    return (kind == "any_dr" and absent) or (kind == "normal" and not absent) or (kind == "findings" and absent and not finding.places)


def _regions(places: list[Region]) -> list[Region | None]:
    """One region per frame and origin, with the values in order; a single None where no place was named."""
    if not places:
        return [None]
    values: dict[tuple[Any, Any], list[str]] = {}
    for place in places:
        values.setdefault((place.frame, place.origin), []).extend(place.values)
    return [Region(frame, _distinct(names), origin) for (frame, origin), names in values.items()]


def _distinct(values: list[str]) -> tuple[str, ...]:
    """The values in order; 'in two quadrants, superotemporal and inferotemporal' names them, so the number goes."""
    named = {value for value in values if not value.startswith("any")}
    return tuple(sorted(named or set(values)))
