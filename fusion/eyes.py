"""Two eyes -> one patient: the worse grade, how the eyes differ, and when nobody but an ophthalmologist can tell.

The eyes' explanations stay as they are; nothing here says more of an eye than its own explanation does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fusion.write import SHORT, join, section, to_do, wrapped
from retinai.lesions import CLASSES, LESIONS
from retinai.types import Advice, Explanation, Eye, Patient

MARKED = 2
"""Grades by which the eyes differ markedly: more than one reader's grade differs from another's."""
_Eyes = dict[Eye, Explanation]


def compare(right: Explanation, left: Explanation) -> Patient:
    """Both eyes together. right, left: as they were given; what the photographs themselves look like is held against that."""
    eyes: _Eyes = {"right": right, "left": left}
    levels: dict[Eye, int] = {eye: each.interval.visible for eye, each in eyes.items() if each.interval}
    level = max(levels.values(), default=None)
    advice_eye, advice = _sooner(eyes)
    asymmetry, laterality, reasons = tuple(_asymmetry(eyes, levels)), tuple(_laterality(eyes)), tuple(_reasons(eyes))
    worse = _worse(levels)
    summary = [f"{_what(advice, advice_eye, reasons)} {_finding(eyes, level, worse)}".strip(), *_grades(eyes, levels)]
    text = _render(summary, reasons, laterality, asymmetry)
    return Patient(right, left, level, worse, advice, advice_eye, asymmetry, laterality, reasons, text)


def _worse(levels: dict[Eye, int]) -> Literal["right", "left", "both"] | None:
    """The eye with the higher grade; the only one that could be graded, where the other could not."""
    if len(levels) == 2 and levels["right"] == levels["left"]:
        return "both"
    return max(levels, key=lambda eye: levels[eye]) if levels else None


def _sooner(eyes: _Eyes) -> tuple[Eye | None, Advice | None]:
    """The advice with the shorter wait, of equals the right eye's."""
    found: list[tuple[Eye, Advice]] = [(eye, each.advice) for eye, each in eyes.items() if each.advice]
    return min(found, key=lambda pair: pair[1].months) if found else (None, None)


def _what(advice: Advice | None, eye: Eye | None, reasons: tuple[str, ...]) -> str:
    """What to do: 'Refer within 6 months (right eye).' A long wait is not advised where an eye could not be told."""
    if advice and (advice.refer or not reasons):
        return f"{to_do(advice).rstrip('.')} ({eye} eye)."
    return "See an ophthalmologist: these photographs do not settle it for both eyes." if reasons else ""


def _finding(eyes: _Eyes, level: int | None, worse: str | None) -> str:
    """'At least moderate NPDR in the right eye.', by the visible lesions of the worse eye."""
    if level is None or worse is None:
        return "Neither photograph could be graded."
    where = "both eyes" if worse == "both" else f"the {worse} eye"
    looks = [each.advice.look for eye, each in eyes.items() if worse in (eye, "both") and each.advice and each.advice.look]
    if looks and level:
        return " ".join(looks)
    if not level:
        return f"No lesions are marked in {'either eye' if worse == 'both' else where}."
    proven = all(each.interval.low == level for eye, each in eyes.items() if each.interval and worse in (eye, "both"))
    return f"{'At least' if proven else 'Probably at least'} {SHORT[level]} in {where}."


def _grades(eyes: _Eyes, levels: dict[Eye, int]) -> Iterator[str]:
    """The three readings, a short line each, both eyes in each: 'By visible lesions: right grade 2, left grade 0.'"""
    seen = {eye: str(levels[eye]) if eye in levels else "ungradable" for eye in eyes}
    yield f"By visible lesions: {_sides({eye: f'grade {word}' if word.isdigit() else word for eye, word in seen.items()})}."
    said = {eye: f"grade {grade.level}" for eye, each in eyes.items() if each.answer and (grade := each.answer.grade)}
    if said:
        yield f"Language model: {_sides(said)}."
    second = {eye: f"grade {each.second.grade.level}" for eye, each in eyes.items() if each.second}
    if second:
        yield f"Auxiliary grader: {_sides(second)}."


def _sides(words: Mapping[Any, str]) -> str:
    return ", ".join(f"{eye} {word}" for eye, word in words.items())


def _asymmetry(eyes: _Eyes, levels: dict[Eye, int]) -> Iterator[str]:
    """How the grades differ, and which lesions are marked in one eye only. Nothing where an eye could not be graded."""
    if len(levels) < 2:
        return
    apart = abs(levels["right"] - levels["left"])
    if apart:
        mark = "; a person should look for the reason" if apart >= MARKED else ""
        grades = "grade" if apart == 1 else "grades"
        yield f"The eyes differ by {apart} {grades}: right {levels['right']}, left {levels['left']}{mark}."
    else:
        yield f"The visible lesions of both eyes fit grade {levels['right']}."
    for code in LESIONS:
        ids: dict[Eye, list[str]] = {eye: [lesion.id for lesion in each.lesions if lesion.code == code] for eye, each in eyes.items()}
        if bool(ids["right"]) != bool(ids["left"]):
            eye: Eye = "right" if ids["right"] else "left"
            count = len(ids[eye])
            word = CLASSES[code].name if count == 1 else CLASSES[code].plural
            yield f"Marked in the {eye} eye only: {count} {word} [{eye} {ids[eye][0]}{f' and {count - 1} more' if count > 1 else ''}]."


def _laterality(eyes: _Eyes) -> Iterator[str]:
    """Photographs that look like the other eye, and two of the same eye."""
    wrong: list[Eye] = [eye for eye, each in eyes.items() if each.landmarks.eye not in (None, eye)]
    if len(wrong) == 2:
        yield "By disc and fovea each photograph looks like the other eye: they may have been swapped, or mirrored."
    for eye in wrong if len(wrong) == 1 else []:
        seen = eyes[eye].landmarks.eye
        yield f"The photograph given as the {eye} eye looks like a {seen} eye by disc and fovea: wrong eye, or mirrored."


def _reasons(eyes: _Eyes) -> Iterator[str]:
    """Why to see an ophthalmologist whatever the grades."""
    for eye, each in eyes.items():
        if not each.quality.gradable:
            yield f"the photograph of the {eye} eye could not be graded, so nothing is known of it"
        elif each.advice and each.advice.human:
            yield f"the readings of the {eye} eye do not agree ({'; '.join(each.advice.human)})"
    if any(_laterality(eyes)):
        yield "it is not certain which photograph shows which eye"


def _render(summary: list[str], reasons: tuple[str, ...], laterality: tuple[str, ...], asymmetry: tuple[str, ...]) -> str:
    blocks = ["Both eyes", wrapped(summary)]
    if reasons:
        blocks.append(
            section("Why to see an ophthalmologist whatever the grades", [f"{reason[0].upper()}{reason[1:]}." for reason in reasons])
        )
    if laterality:
        blocks.append(section("Which eye", laterality))
    if asymmetry:
        blocks.append(section("Right and left compared", asymmetry))
    return join(blocks)
