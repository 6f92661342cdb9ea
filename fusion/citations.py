"""Ids that a text cites, such as [HE-3] or (E4, HE-1): taken out before its claims are read, and checked for being there.

A citation is no part of a sentence's sense, and its letters are those of a lesion's abbreviation. What is cited decides no verdict: the
claim is judged by the evidence, and a citation of nothing is said to be one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fusion.parse_sentences import Span, sentences
from retinai.types import Claim

_ID = r"(?:(?:MA|HE|EX|SE|OD|IRMA|VB|NV|VH)-\d+|E\d+)"
_JOIN = r"\s*(?:,|;|/|&|and|to|-)\s*"
_GROUP = re.compile(rf"[\[(]\s*{_ID}(?:{_JOIN}{_ID})*(?:\s*(?:,|and)\s*\d+ more)?\s*[\])]")
_BARE = re.compile(rf"(?<![\w-]){_ID}(?![\w-])")
_FILLER = '"'
"""What the parser reads as a blank, and which still lets a full stop after it end a sentence."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One id and where it stands in the raw text, which is raw[span[0]:span[1]]."""

    id: str
    span: tuple[int, int]


def find_citations(text: str) -> tuple[Citation, ...]:
    """All ids of lesions and of evidence in the text, in order, bracketed or not."""
    return tuple(Citation(match.group(), match.span()) for match in _BARE.finditer(text))


def without_citations(text: str) -> str:
    """The text with every citation blanked out, letter for letter, so that spans stay what they are."""
    text = _GROUP.sub(lambda match: _FILLER * len(match.group()), text)
    return _BARE.sub(lambda match: _FILLER * len(match.group()), text)


Cited = Sequence[tuple[Span, tuple[str, ...]]]
"""The sentences of a text, each with the ids that it cites."""


def cited_by_sentence(text: str, citations: Iterable[Citation]) -> Cited:
    """Every sentence's span and ids. One sentence's claims share its citations: nothing tells which is whose."""
    left, cited = deque(citations), []
    for start, end in sentences(text):
        ids: dict[str, None] = {}
        while left and left[0].span[0] < end:
            each = left.popleft()
            if each.span[0] >= start:
                ids[each.id] = None
        cited.append(((start, end), tuple(ids)))
    return cited


def restored(claim: Claim, raw: str, cited: Cited) -> Claim:
    """The claim with its words as they stand in `raw`, and the ids that its sentence cites."""
    start, stop = claim.span
    place = bisect_right(cited, start, key=lambda each: each[0][0]) - 1
    (_, end), ids = cited[place] if place >= 0 else ((0, 0), ())
    ids = ids if start < end else ()
    return replace(claim, text=raw[start:stop], cited=ids)
