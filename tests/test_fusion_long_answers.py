"""Answers that no report is: 40 KB of anything is read in linear time, as far as it goes, and the rest is said to be left out."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from fusion.citations import cited_by_sentence, find_citations, restored, without_citations
from fusion.claims import LONG_SENTENCE, LONG_TEXT, MOST_LETTERS, MOST_OF_A_SENTENCE, read_claims
from fusion.parse_sentences import sentences
from vlm.parse import parse_answer

UNITS = (
    "a ",
    "  ",
    "- ",
    "1. ",
    "dr. ",
    "E1. ",
    "[HE-1, ",
    "(",
    "a\n",
    "MA at SN, ",
    "no haemorrhages, ",
    "no exudates. ",
    "if would ",
    "? ",
    "x",
)
SECONDS = 5.0
"""Of the processor, for one text of 40 KB: thirty times what it takes, a third of what it took."""


@pytest.mark.parametrize("unit", UNITS)
def test_40_kilobytes_are_read_soon(unit: str) -> None:
    text, begun = (unit * 40_000)[:40_000], time.process_time()
    reading, citations = read_claims(without_citations(text)), find_citations(text)
    cited = cited_by_sentence(text, citations)
    for claim in reading.claims:
        restored(claim, text, cited)
    parse_answer(text)
    assert time.process_time() - begun < SECONDS


def test_what_lies_beyond_is_left_out_and_said_to_be() -> None:
    sentence = "There are no haemorrhages in the macula. "
    reading = read_claims(sentence * 1000)
    (passage,) = reading.unread
    assert passage.why == LONG_TEXT == "the answer has more than 10,000 letters, and this part of it was left out"
    assert passage.span[1] == 1000 * len(sentence) and passage.text.startswith("There are no haemorrhages")
    assert len(reading.claims) == passage.span[0] // len(sentence) and all(claim.polarity == "absent" for claim in reading.claims)


def test_a_sentence_that_the_end_cuts_is_not_read_without_its_denial() -> None:
    """What follows the last whole sentence may be half of one: "haemorrhages ..., which are not there"."""
    start = "x. " * (MOST_LETTERS // 3 - 5)
    text = start + "Haemorrhages are, as far as I can see, not present at all in this eye."
    assert len(start) < MOST_LETTERS < len(text)
    reading = read_claims(text)
    assert reading.claims == () and reading.unread[-1].text == text[len(start) :] and reading.unread[-1].why == LONG_TEXT


def test_a_sentence_without_a_full_stop_is_handed_back_whole() -> None:
    long = "there are haemorrhages and " * (MOST_OF_A_SENTENCE // 27 + 1)
    reading = read_claims(f"No exudates. {long}no more. Two microaneurysms.")
    assert [claim.lesion for claim in reading.claims] == ["EX", "MA"]
    (passage,) = reading.unread
    assert passage.why == LONG_SENTENCE and passage.text == f"{long}no more."


def test_an_answer_of_ordinary_length_is_read_to_its_end() -> None:
    text = "No haemorrhages. " * 500
    assert len(text) < MOST_LETTERS and len(read_claims(text).claims) == 500


def test_abbreviations_and_numbers_still_end_no_sentence() -> None:
    text = "Approx. 3 dots. 1. Fundus of Dr. X. 12) No exudates e.g. hard ones.\n 2. MA seen."
    assert [text[a:b] for a, b in sentences(text)] == [
        "Approx. 3 dots.", "1.", "Fundus of Dr. X.", "12) No exudates e.g. hard ones.", "MA seen."
    ]  # fmt: skip


def test_citations_go_to_the_sentence_in_which_they_stand() -> None:
    text = "Seen [HE-1] and HE-2. Nothing here. Again HE-1 (E4)."
    cited = cited_by_sentence(text, find_citations(text))
    assert [ids for _, ids in cited] == [("HE-1", "HE-2"), (), ("HE-1", "E4")]
    assert all(a[0][1] <= b[0][0] for a, b in pairwise(cited))


@pytest.mark.parametrize(
    ("text", "whole", "left"),
    [
        ("Grade: 2. One. Two! Three?", ("One.", "Two!", "Three?"), ""),
        ("Grade: 2. At 3.5 DD. And on", ("5 DD.",), "At 3. And on"),
        ("Grade: 2. Wait... what.", ("what.",), "Wait..."),
        ("Grade: 2. ...", (), ""),
    ],
)
def test_whole_sentences_of_an_answer(text: str, whole: tuple[str, ...], left: str) -> None:
    parsed = parse_answer(text)
    assert parsed.problems == ((f"unfinished sentence {left!r}",) if left else ())
    assert parsed.sentences == whole
