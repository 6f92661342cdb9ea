"""Citations in a text: found, taken out without moving a letter, and given to the claims of their sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.citations import cited_by_sentence, find_citations, without_citations
from fusion.claims import label, read_claims
from tests.drawn_lesions import any_lesions


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Haemorrhages [HE-3].", ["HE-3"]),
        ("Exudates (EX-1, EX-2 and 4 more) near the fovea [E4].", ["EX-1", "EX-2", "E4"]),
        ("HE-1 and SE-2 are seen.", ["HE-1", "SE-2"]),
        ("[MA-1; HE-2]", ["MA-1", "HE-2"]),
        ("Grade 2, see E1.", ["E1"]),
        ("SCORE-3, HE-x, E4E2 and HE 3 are none.", []),
    ],
)
def test_ids_are_found(text: str, ids: list[str]) -> None:
    assert [each.id for each in find_citations(text)] == ids
    assert all(text[slice(*each.span)] == each.id for each in find_citations(text))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("There are 2 haemorrhages [HE-1, HE-2] in the superotemporal quadrant.", ["+HE #=2 @superotemporal"]),
        ("No exudates [E9]. Microaneurysms [MA-1] are present.", ["-EX", "+MA"]),
        ("Grade 2 [E1]; haemorrhages (HE-1 and 3 more).", ["grade 2", "+HE"]),
    ],
)
def test_a_citation_is_no_part_of_a_claim(text: str, labels: list[str]) -> None:
    assert [label(claim) for claim in read_claims(without_citations(text)).claims] == labels


def test_the_claims_of_a_sentence_share_its_citations() -> None:
    text = "Haemorrhages and exudates are seen [HE-1, EX-1]. No soft exudates [E10]."
    assert [ids for _, ids in cited_by_sentence(text, find_citations(text))] == [("HE-1", "EX-1"), ("E10",)]


@any_lesions
@given(st.text(alphabet="HEMAX-123 [](),.E and", max_size=60))
def test_no_letter_moves(text: str) -> None:
    plain = without_citations(text)
    assert len(plain) == len(text) and not find_citations(plain)
    assert all(a == b or b == '"' for a, b in zip(text, plain, strict=True))
