"""The explanation as plain text that is read in ten seconds: 80 columns, short sentences, deterministic.

First what to do, then the three readings in three short lines, and whether a grader has to look. Then what they rest on with the
citations, what was withheld, and what cannot be seen. Nothing is worded here but headings, that head, and the request for another
photograph: every finding is an Evidence or a kept claim, printed with its citations, so the text cannot say what the record does not
hold. Where a model looked, and what of its text could not be read, stays in the record.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fusion.answer import Told, how_sure, levels, likely
from fusion.rules import sources
from retinai.lesions import DISCLAIMER, GRADES
from retinai.types import (
    Advice,
    CheckedAnswer,
    Evidence,
    Explanation,
    Grade,
    GradeInterval,
    Landmarks,
    Quality,
    SecondOpinion,
)

WIDTH = 80
_CONTINUING = ("location", "count")
"""Kinds that go on in the paragraph of the class whose presence was told before."""
NOTHING = Told()
"""What there is to tell without a language model."""
SHORT = ("no retinopathy", "mild NPDR", "moderate NPDR", "severe NPDR", "proliferative retinopathy")
"""The ICDR grades in the head of the page. NPDR: non-proliferative diabetic retinopathy."""


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
            explanation.second,
        )


def render(name: str, page: Page) -> str:
    """The whole explanation of one photograph, ending in a newline."""
    blocks = [f"{name} ({_eye(page.landmarks)})", wrapped([headline(page)]) + "\n" + wrapped(readings(page), "  ")]
    for heading, paragraphs in sections(page):
        if paragraphs:
            blocks.append(section(heading, paragraphs))
    return join(blocks)


def render_ungradable(name: str, quality: Quality) -> str:
    """What is wrong with the photograph. It gets no reading at all."""
    wrong = "; ".join(reason.rstrip(".") for reason in quality.reasons)
    advice = ["Please take another photograph.", f"What is wrong: {wrong}.", "Nothing was graded."]
    return join([name, section("Ungradable", advice)])


def headline(page: Page) -> str:
    """What to do, and why: 'Refer within 1 month. At least moderate NPDR (likely 2-4).' Never the least sensitive reading alone."""
    return f"{to_do(page.advice)} {_finding(page)}"


def to_do(advice: Advice) -> str:
    """'Refer within 1 month.', 'Re-examine within 12 months.', or that a grader has to look before so long a wait is given."""
    when = f"within {advice.months} month{'s' if advice.months > 1 else ''}"
    if advice.refer:
        return f"Refer {when}."
    return f"Have a grader look first; otherwise re-examine {when}." if advice.human else f"Re-examine {when}."


def _finding(page: Page) -> str:
    """'At least moderate NPDR (likely 2-4).': the grade that is proven from below, and those that all readings leave open."""
    interval, open_ = page.interval, _likely(page)
    look = page.advice.look or ""
    if look and len(interval.lesions) == 1:
        return look + (f" Likely grade {open_}." if open_ else "")
    if not interval.visible:
        return "No lesions are marked" + (f" (likely grade {open_})." if open_ else ".")
    least = "At least" if interval.low == interval.visible else "Probably at least"
    grade = f"{least} {SHORT[interval.visible]}" + (f" (likely {open_})." if open_ else ".")
    return f"{grade} {look}".rstrip()


def _likely(page: Page) -> str | None:
    """From the lowest to the highest grade that any reading holds for likely, none below what is proven; None with the lesions alone."""
    grades = [page.answer.grade if page.answer else None, page.second.grade if page.second else None]
    found = [level for grade in grades if grade for level in (grade.conformal.levels if grade.conformal else (grade.level,))]
    if not found:
        return None
    every = [max(level, page.interval.low) for level in (*found, page.interval.visible)]
    return levels((min(every), max(every)))


def readings(page: Page) -> list[str]:
    """The three readings, a short line each, and whether a grader has to look at the photograph."""
    visible = page.interval.visible
    grade = f"grade {visible}, {SHORT[visible]}, or higher" if visible else "nothing marked"
    risk = "not known" if page.dme_risk is None else page.dme_risk
    lines = [f"By visible lesions: {grade}; DME risk {risk}."]
    if page.answer:
        lines.append(f"Language model: {_short(page.answer.grade)}.")
    if page.second:
        lines.append(f"Auxiliary grader: {_short(page.second.grade)}.")
    return [*lines, "Needs review by a grader."] if page.advice.human else lines


def _short(grade: Grade | None) -> str:
    """'grade 3, severe NPDR (likely 2-3)'."""
    return f"grade {grade.level}, {SHORT[grade.level]}{likely(grade)}" if grade else "no grade"


def sections(page: Page) -> Iterator[tuple[str, list[str]]]:
    """(heading, paragraphs) in reading order; some have none."""
    grade = _of(page, "grade")
    yield "Grade", [*grade[:-1], *page.told.grade, *_second(page.second), *_review(page), *grade[-1:]]
    yield "Risk of diabetic macular oedema (DME)", _of(page, "dme_risk")
    yield "Follow-up", [f"{page.advice.text} ({page.advice.clause})"]
    yield "Marked by the lesion map", _of(page, "presence", "absence", "location", "count")
    if page.answer:
        yield "Said by the language model and supported by the lesions", list(page.told.supported) or ["Nothing."]
    yield "Withheld: said by the language model, not supported", list(page.told.withheld)
    yield "Could not be assessed", list(page.unseen)
    yield "How sure the readings are", list(_sure(page))
    cited = [*(item.clause for item in page.evidence if item.clause and item.kind != "follow_up"), page.advice.clause]
    yield "Rules", list(sources(cited))


def _of(page: Page, *kinds: str) -> list[str]:
    return _paragraphs([item for item in page.evidence if item.kind in kinds])


def _review(page: Page) -> Iterator[str]:
    """Why the readings do not fit each other."""
    if page.advice.human:
        yield f"Needs review by a grader: {'; '.join(page.advice.human)}."


def _second(opinion: SecondOpinion | None) -> Iterator[str]:
    """The auxiliary grader in its words; one by lesions is no second witness of them."""
    if opinion is None:
        return
    same = " It reads the same lesion map." if opinion.from_lesions else ""
    grade = opinion.grade
    said = opinion.text.removeprefix(f"Grade {grade.level}")
    yield f"The auxiliary grader says grade {grade.level}, {GRADES[grade.level]}{likely(grade)}{said}{same}"


def _sure(page: Page) -> Iterator[str]:
    """The small print: what stands behind the grades of the models."""
    if page.answer and page.answer.grade:
        yield how_sure("Language model", page.answer.grade)
    if page.second:
        yield how_sure("Auxiliary grader", page.second.grade)


def join(blocks: Iterable[str]) -> str:
    return "\n\n".join([*blocks, DISCLAIMER]) + "\n"


def _eye(landmarks: Landmarks) -> str:
    if landmarks.eye is None:
        return f"which eye: not known{', it may be upside down' if landmarks.inverted else ''}"
    return f"{landmarks.eye} eye" + (", judged by disc and fovea" if landmarks.fovea else "")


def wrapped(lines: Iterable[str], indent: str = "") -> str:
    """Lines without a dash."""
    wrap = textwrap.TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
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
