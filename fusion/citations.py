"""Ids that a text cites, such as [HE-3] or (E4, HE-1): taken out before its claims are read, and checked for being there.

A citation is no part of a sentence's sense, and its letters are those of a lesion's abbreviation. What is cited decides no verdict: the
claim is judged by the evidence, and a citation of nothing is said to be one.
"""

from __future__ import annotations

import re
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
    found = list(citations)
    return [
        ((start, end), tuple(dict.fromkeys(each.id for each in found if start <= each.span[0] < end))) for start, end in sentences(text)
    ]


def restored(claim: Claim, raw: str, cited: Cited) -> Claim:
    """The claim with its words as they stand in `raw`, and the ids that its sentence cites."""
    start, stop = claim.span
    ids = next((ids for (first, end), ids in cited if first <= start < end), ())
    return replace(claim, text=raw[start:stop], cited=ids)
