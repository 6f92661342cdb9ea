"""The explanation as plain text that is read in ten seconds: 80 columns, short sentences, deterministic.

First what matters, in a few lines: grade, agreement, what to do. Then what it rests on with its citations, what was withheld, and what
cannot be seen. Nothing is worded here but headings, that summary of the readings, and the request for another photograph: every finding
is an Evidence or a kept claim, printed with its citations, so the text cannot say what the record does not hold.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fusion.advice import LESIONS
from fusion.answer import Told, basis, chances
from fusion.rules import sources
from retinai.lesions import DISCLAIMER, GRADES
from retinai.types import (
    Advice,
    CheckedAnswer,
    Evidence,
    Explanation,
    Grade,
    GradeInterval,
    GradeSet,
    Landmarks,
    Quality,
    SaliencyTable,
    SecondOpinion,
)

WIDTH = 80
_CONTINUING = ("location", "count")
"""Kinds that go on in the paragraph of the class whose presence was told before."""
_MOST_LOOKED_AT = 3
NOTHING = Told()
"""What there is to tell without a language model."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is printed of one gradable photograph. answer and told: the language model's, None and empty without one."""

    landmarks: Landmarks
    evidence: Sequence[Evidence]
    interval: GradeInterval
    dme_risk: int | None
    advice: Advice
    unseen: Sequence[str]
    answer: CheckedAnswer | None = None
    told: Told = NOTHING
    saliency: SaliencyTable | None = None
    second: SecondOpinion | None = None

    @classmethod
    def of(cls, explanation: Explanation, told: Told = NOTHING) -> Page:
        """The page of an explanation, whose text need not be written yet. Raises ValueError for an ungradable photograph."""
        if explanation.interval is None or explanation.advice is None:
            raise ValueError(f"{explanation.image} is ungradable: nothing is said of it")
        return cls(
            explanation.landmarks,
            explanation.evidence,
            explanation.interval,
            explanation.dme_risk,
            explanation.advice,
            explanation.unseen,
            explanation.answer,
            told,
            explanation.saliency,
            explanation.second,
        )


def render(name: str, page: Page) -> str:
    """The whole explanation of one photograph, ending in a newline."""
    blocks = [f"{name} ({_eye(page.landmarks)})", wrapped(summary(page))]
    for heading, paragraphs in sections(page):
        if paragraphs:
            blocks.append(section(heading, paragraphs))
    return join(blocks)


def render_ungradable(name: str, quality: Quality) -> str:
    """What is wrong with the photograph. It gets no reading at all."""
    wrong = "; ".join(reason.rstrip(".") for reason in quality.reasons)
    advice = ["Please take another photograph.", f"What is wrong: {wrong}.", "Nothing was graded."]
    return join([name, section("Ungradable", advice)])


def summary(page: Page) -> list[str]:
    """The readings and what to do, one line each: 'GRADE 2 by the visible lesions, 2 by nano.', 'They agree.', ..."""
    visible, answer, advice = page.interval.visible, page.answer, page.advice
    others = []
    if answer:
        others.append(f"{answer.grade.level} by {answer.source}{_open(answer.grade)}" if answer.grade else f"none by {answer.source}")
    if page.second:
        others.append(f"{page.second.grade.level} by the second opinion{_open(page.second.grade)}")
    lines = [f"GRADE {visible} by the visible lesions, {', '.join(others) or GRADES[visible]}."]
    if others:
        lines.append("DISCORDANT, needs a human." if advice.human else _harmony(page))
    risk = "1 or 2" if page.dme_risk is None else page.dme_risk
    otherwise = "A human has to look first; otherwise re-examine" if advice.human else "Re-examine"
    what = "REFER to an ophthalmologist" if advice.refer else otherwise
    months = f"within {advice.months} month{'s' if advice.months > 1 else ''}"
    return [*lines, f"DME RISK {risk}. {what}, {months} ({advice.clause})."]


def _harmony(page: Page) -> str:
    """How the readings stand to each other where nothing calls for a human."""
    if page.second and page.second.grade.level != page.interval.visible:
        return "The second opinion differs, but not on referral."
    return "They agree, but the model was told the findings." if page.answer and page.answer.grounded else "They agree."


def _open(grade: Grade) -> str:
    """' (1 to 3 at 90%)': the grade set, where there is one."""
    return f" ({_levels(grade.conformal)} at {grade.conformal.rate:.0%})" if grade.conformal else ""


def _left_open(grade: Grade) -> str:
    """' At 90% it leaves 1 to 3 open (set on 311 photographs; ...).'"""
    found = grade.conformal
    return f" At {found.rate:.0%} it leaves {_levels(found)} open ({basis(found)})." if found else ""


def _levels(found: GradeSet) -> str:
    low, high = found.levels[0], found.levels[-1]
    return f"{low}" if low == high else f"{low} to {high}"


def sections(page: Page) -> Iterator[tuple[str, list[str]]]:
    """(heading, paragraphs) in reading order; some have none."""
    grade = _of(page, "grade")
    yield "Grade", [*grade[:1], *page.told.grade, *_second(page.second), *_agreement(page), *grade[1:]]
    yield "Risk of diabetic macular oedema (DME)", _of(page, "dme_risk")
    yield "Follow-up", _follow_up(page)
    if page.answer:
        yield "Said by the language model and supported by the lesions", list(page.told.supported) or ["Nothing."]
    yield "Found by the lesion map", _of(page, "presence", "absence", "location", "count")
    yield "Withheld: said by the language model, not supported", list(page.told.withheld)
    yield "Where the language model looked", list(_looked(page.saliency))
    yield "Where the second opinion looked", list(_looked(page.second.saliency if page.second else None))
    yield "Could not be assessed", list(page.unseen)
    cited = [*(item.clause for item in page.evidence if item.clause), page.advice.clause]
    yield "Rules", list(sources(cited))


def _of(page: Page, *kinds: str) -> list[str]:
    return _paragraphs([item for item in page.evidence if item.kind in kinds])


def _agreement(page: Page) -> Iterator[str]:
    """Whether the readings fit each other, and why not."""
    if page.advice.human:
        yield f"Discordant, needs a human: {'; '.join(page.advice.human)}."
    elif page.answer:
        yield "The visible lesions fit the same grade."


def _second(opinion: SecondOpinion | None) -> Iterator[str]:
    """The second opinion in its words, with its probabilities and its set; one by lesions is no second witness of them."""
    if opinion is None:
        return
    same = " It reads the same lesion map." if opinion.from_lesions else ""
    yield f"Second opinion, {opinion.grade.source} ({chances(opinion.grade)}): {opinion.text}{same}{_left_open(opinion.grade)}"


def _follow_up(page: Page) -> list[str]:
    """By the worst consistent reading; where that is the model's, what the lesions alone would ask for stands below it."""
    lesions, advice = _of(page, "follow_up"), page.advice
    if advice.by == LESIONS or any(item.clause == advice.clause for item in page.evidence if item.kind == "follow_up"):
        return lesions
    return [f"{advice.text} ({advice.clause})", *(f"By the visible lesions alone: {line[0].lower()}{line[1:]}" for line in lesions)]


def _looked(table: SaliencyTable | None) -> Iterator[str]:
    """The shares of all lesions, and the few lesions most looked at."""
    if table is None:
        return
    cells = f", {table.cells} x {table.cells} cells" if table.cells else ""
    each = table.together
    most = "" if each.ceiling_share is None else f", {each.ceiling_share:.2f} of the most that so coarse a map can put there"
    what = f"{table.method} of {table.target}{cells}"
    yield f"{what}: the lesions found hold {each.mass_share:.1%} of it, {each.lift:.1f} times their share of the retina{most}."
    top = sorted(table.lesions, key=lambda row: -row.mass_share)[:_MOST_LOOKED_AT]
    yield f"Most on {', '.join(f'{row.lesion} ({row.mass_share:.1%})' for row in top)}. Where a model looked is no finding."


def join(blocks: Iterable[str]) -> str:
    return "\n\n".join([*blocks, DISCLAIMER]) + "\n"


def _eye(landmarks: Landmarks) -> str:
    if landmarks.eye is None:
        return "which eye: not known"
    return f"{landmarks.eye} eye" + (", judged by disc and fovea" if landmarks.fovea else "")


def wrapped(lines: Iterable[str]) -> str:
    """Lines without a dash."""
    wrap = textwrap.TextWrapper(WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(wrap.fill(line) for line in lines)


def section(heading: str, paragraphs: Iterable[str]) -> str:
    """A heading and its paragraphs, each behind a dash and wrapped. A word longer than the line is broken: it can only be a model's."""
    wrap = textwrap.TextWrapper(WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
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
