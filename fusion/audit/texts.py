"""What a text says, as claims sentence by sentence: the model's raw answer, and the sentences that are printed of an explanation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fusion.claim_words import statement
from fusion.claims import read_claims
from fusion.parse_sentences import sentences
from retinai.lesions import CLASSES
from retinai.types import Claim, Evidence, Explanation

Text = tuple[tuple[Claim, ...], ...]
"""One tuple of claims for each sentence that makes any."""
_FINDINGS = ("presence", "absence", "count", "location")
_HEDGE = re.compile(r"\bpossible |, \d+ of them with low confidence")
_PLACED = re.compile(r"\b((?:supero|infero)(?:temporal|nasal))(?: (\d+))?")


def raw_text(text: str) -> Text:
    """The claims of a text as it was generated."""
    claims = read_claims(text).claims
    found = (tuple(claim for claim in claims if start <= claim.span[0] < end) for start, end in sentences(text))
    return tuple(sentence for sentence in found if sentence)


def rendered_text(explanation: Explanation) -> Text:
    """The findings that are printed: what the evidence says, and the model's claims that were kept."""
    kept = [claim for claim in (explanation.answer.claims if explanation.answer else ()) if claim.kept and claim.kind in _FINDINGS]
    return written(explanation.evidence) + read_sentences(statement(claim) for claim in kept)


def written(evidence: Iterable[Evidence]) -> Text:
    """The findings of some evidence, as they are printed. From the evidence of the true masks this is the oracle's report."""
    return read_sentences(words for item in evidence if item.kind in _FINDINGS for words in _worded(item))


def read_sentences(lines: Iterable[str]) -> Text:
    """Each line one sentence; those without a claim are left out."""
    return tuple(claims for words in lines if (claims := read_claims(words).claims))


def _worded(item: Evidence) -> Iterator[str]:
    """What is marked, read as a finding, hedged or not, with each count as the least count that the explanation declares it to be; a
    sentence that goes on from the one before it ('By quadrant: superotemporal 4') with its lesions named.

    The distance of the nearest lesion is a measurement that the claims cannot carry, and is left out.
    """
    if item.kind not in ("location", "count"):
        said = _HEDGE.sub("", item.statement.partition(";")[0].rstrip(".")) + "."
        yield f"At least {said}" if said[:1].isdigit() else said
        return
    kind = CLASSES[item.lesions[0].partition("-")[0]]
    for quadrant, count in _PLACED.findall(item.statement):
        yield f"At least {count or 1} {kind.name if (count or '1') == '1' else kind.plural} in the {quadrant} quadrant."
