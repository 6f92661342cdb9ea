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
    plain = clean(text)
    claims: list[Claim] = []
    unread: list[Passage] = []
    memory: list[Finding] = []
    for start, end in sentences(text):
        line = Line.of(plain[start:end])
        why = dismissal(line)
        found = [] if why else list(_Sentence(text, start, line, memory).claims())
        claims += found
        spans = [(start, end)] if not found else [(start + a, start + b) for a, b in unknown_words(line)]
        why = why or (WORDS if found else CONDITION if any(mark.kind in ("lesion", "dme", "grade") for mark in line.marks) else NOTHING)
        unread += [Passage(text[a:b], (a, b), why) for a, b in spans]
    return Reading(tuple(replace(claim, id=f"C-{number}") for number, claim in enumerate(claims, start=1)), tuple(unread))


def label(claim: Claim) -> str:
    """A claim in the short notation of the corpus, `tests/claims/GUIDE.md`: '+HE #>20 @all4', '-dme 1-2', 'follow 6'."""
    sign = {"present": "+", "absent": "-", "uncertain": "?"}[claim.polarity]
    bare = sign.replace("+", "")
    if claim.kind in ("grade", "dme_risk"):
        levels = f"{claim.levels[0]}-{claim.levels[-1]}" if len(claim.levels) > 1 else str(claim.levels[0])
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
        self.findings = Scope(line, memory).read()
        if any(finding.code for finding in self.findings):
            memory[:] = [finding for finding in self.findings if finding.code]

    def claims(self) -> Iterator[Claim]:
        """In the order in which they stand in the text, none twice."""
        found = [*self._lesions(), *self._grades(), *self._dme(), *self._referral(), *self._quality(), *self._others()]
        if not found and not self._hypothetical() and EYE.search(self.line.text):
            found = [self._claim("other", "present", self.line.marks, whole=True)]
        seen: dict[tuple[Any, ...], Claim] = {}
        for claim in sorted(found, key=lambda c: c.span):
            seen.setdefault((claim.kind, claim.polarity, claim.lesion, claim.count, claim.region, claim.levels, claim.months), claim)
        return iter(seen.values())

    def _claim(self, kind: str, polarity: str, marks: Iterable[Mark], whole: bool = False, **fields: Any) -> Claim:
        spans = [(mark.start, mark.end) for mark in marks]
        start, end = (0, len(self.line.text)) if whole else (min(a for a, _ in spans), max(b for _, b in spans))
        start, end = start + self.offset, end + self.offset
        return Claim("", self.raw[start:end], (start, end), kind, polarity, **fields)  # type: ignore[arg-type]

    def _hypothetical(self) -> bool:
        return not self.findings and any(mark.kind in ("condition", "suppose") for mark in self.line.marks)

    def _lesions(self) -> Iterator[Claim]:
        for finding in self.findings:
            if finding.code:
                for region in _regions(finding.places):
                    kind = "count" if finding.count else "location" if region else "presence"
                    yield self._claim(
                        kind, finding.polarity, finding.marks, lesion=finding.code, count=finding.count, region=region
                    )

    def _grades(self) -> Iterator[Claim]:
        told = any(finding.mark.kind == "grade" for finding in self.findings)
        for finding in self.findings:
            kind, absent = finding.mark.kind, finding.polarity == "absent"
            if kind == "grade" or (kind == "any_dr" and not absent and not told):
                yield self._claim("grade", finding.polarity, finding.marks, levels=finding.mark.value)
            elif (kind == "any_dr" and absent) or (kind == "normal" and not absent) or (kind == "findings" and absent and not finding.places):
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
            months = interval[0].value if interval else (12, 12) if self.line.words(found[0].mark).startswith(("annual", "yearly")) else None
            yield self._claim("referral", polarity, [*found[0].marks, *interval], months=months)

    def _quality(self) -> Iterator[Claim]:
        """The last word on quality counts: 'blurred but gradable'."""
        found = [finding for finding in self.findings if finding.mark.kind == "quality"]
        if found:
            polarity = found[-1].mark.value
            if found[-1].polarity == "absent":
                polarity = {"present": "absent", "absent": "present"}.get(polarity, polarity)
            yield self._claim("quality", polarity, found[-1].marks)

    def _others(self) -> Iterator[Claim]:
        for finding in self.findings:
            kind, absent = finding.mark.kind, finding.polarity == "absent"
            if kind == "other" or (kind == "normal" and absent) or (kind == "findings" and absent and finding.places):
                yield self._claim("other", finding.polarity, finding.marks)


def _regions(places: list[Region]) -> list[Region | None]:
    """One region per frame and origin, with the values in order; a single None where no place was named."""
    if not places:
        return [None]
    values: dict[tuple[Any, Any], list[str]] = {}
    for place in places:
        values.setdefault((place.frame, place.origin), []).extend(place.values)
    return [Region(frame, tuple(sorted(set(names))), origin) for (frame, origin), names in values.items()]
