"""What a text says, as claims sentence by sentence: the model's raw answer, and the sentences that are printed of an explanation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fusion.claim_words import statement
from fusion.claims import read_claims
from fusion.parse_sentences import sentences
from retinai.lesions import CLASSES
from retinai.types import Claim, Evidence, Explanation

Text = tuple[tuple[Claim, ...], ...]
"""One tuple of claims for each sentence that makes any."""
_FINDINGS = ("presence", "absence", "count", "location")
_PLACED = re.compile(r"\b((?:supero|infero)(?:temporal|nasal))(?: (\d+))?")


def raw_text(text: str) -> Text:
    """The claims of a text as it was generated."""
    claims = read_claims(text).claims
    found = (tuple(claim for claim in claims if start <= claim.span[0] < end) for start, end in sentences(text))
    return tuple(sentence for sentence in found if sentence)


def rendered_text(explanation: Explanation) -> Text:
    """The findings that are printed: what the evidence says, and the model's claims that were kept."""
    printed = [_read(words) for item in explanation.evidence if item.kind in _FINDINGS for words in _worded(item)]
    kept = [claim for claim in (explanation.answer.claims if explanation.answer else ()) if claim.kept and claim.kind in _FINDINGS]
    return tuple(sentence for sentence in [*printed, *(_read(statement(claim)) for claim in kept)] if sentence)


def _read(words: str) -> tuple[Claim, ...]:
    return read_claims(words).claims


def _worded(item: Evidence) -> Iterator[str]:
    """The statement; a sentence that goes on from the one before it ('By quadrant: superotemporal 4') with its lesions named.

    The distance of the nearest lesion is a measurement that the claims cannot carry, and is left out.
    """
    if item.kind not in ("location", "count"):
        yield item.statement
        return
    kind = CLASSES[item.lesions[0].partition("-")[0]]
    for quadrant, count in _PLACED.findall(item.statement):
        yield f"{count or 1} {kind.name if (count or '1') == '1' else kind.plural} in the {quadrant} quadrant."
