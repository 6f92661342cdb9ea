"""The evidence as plain text that is read in ten seconds: 80 columns, short sentences, deterministic.

Nothing is worded here but headings and the request for another photograph: every finding is an Evidence, printed with
its citations, so the text cannot say what the record does not hold.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from fusion.rules import sources
from retinai.lesions import DISCLAIMER
from retinai.types import Evidence, Landmarks, Quality

WIDTH = 80
_SECTIONS = (
    ("Grade by visible lesions", ("grade",)),
    ("Risk of diabetic macular oedema (DME)", ("dme_risk",)),
    ("Follow-up", ("follow_up",)),
    ("Findings", ("presence", "absence", "location", "count")),
)
"""Headings and the kinds of evidence below them."""
_CONTINUING = ("location", "count")
"""Kinds that go on in the paragraph of the class whose presence was told before."""


def render(
    name: str,
    quality: Quality,
    landmarks: Landmarks,
    evidence: Sequence[Evidence],
    unseen: Sequence[str],
    answer: Sequence[str] = (),
) -> str:
    """The whole explanation of one photograph, ending in a newline. An ungradable one gets no reading at all.

    answer: the lines of `fusion.answer.told`, none without a language model.
    """
    if not quality.gradable:
        wrong = "; ".join(reason.rstrip(".") for reason in quality.reasons)
        advice = ["Please take another photograph.", f"What is wrong: {wrong}.", "Nothing was graded."]
        return _join([name, _section("Ungradable", advice)])
    blocks = [f"{name} ({_eye(landmarks)})"]
    for heading, kinds in _SECTIONS:
        chosen = [item for item in evidence if item.kind in kinds]
        if chosen:
            blocks.append(_section(heading, _paragraphs(chosen)))
    if answer:
        blocks.append(_section("Language model, checked against the lesions", answer))
    blocks.append(_section("Could not be assessed", unseen))
    blocks.append(_section("Rules", sources(item.clause for item in evidence if item.clause)))
    return _join(blocks)


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join([*blocks, DISCLAIMER]) + "\n"


def _eye(landmarks: Landmarks) -> str:
    if landmarks.eye is None:
        return "which eye: not known"
    return f"{landmarks.eye} eye" + (", judged by disc and fovea" if landmarks.fovea else "")


def _section(heading: str, paragraphs: Iterable[str]) -> str:
    """A heading and its paragraphs, each behind a dash and wrapped."""
    wrap = textwrap.TextWrapper(WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join([heading.upper(), *(wrap.fill(paragraph) for paragraph in paragraphs)])


def _paragraphs(evidence: Sequence[Evidence]) -> list[str]:
    """One paragraph for each reading, and one for each class of lesion with its places."""
    paragraphs: list[list[Evidence]] = []
    for item in evidence:
        if item.kind in _CONTINUING and paragraphs:
            paragraphs[-1].append(item)
        else:
            paragraphs.append([item])
    return [_paragraph(items) for items in paragraphs]


def _paragraph(items: Sequence[Evidence]) -> str:
    """Sentences with their citations and clauses; the same citation is not printed twice running."""
    sentences, cited = [], None
    for item in items:
        sentence = item.statement if item.lesions == cited else item.sentence
        cited = item.lesions
        sentences.append(f"{sentence} ({item.clause})" if item.clause else sentence)
    return " ".join(sentences)
