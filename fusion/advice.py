"""Readings side by side -> what to do: by the worst reading that is consistent with the lesions, and whether a human has to look.

A reading below the grade that the lesions prove is not consistent. None is too high: the worst signs cannot be seen here.
"""

from __future__ import annotations

from fusion.rules import DmeReading, follow_up
from retinai.lesions import REFERABLE_FROM
from retinai.types import Advice, Grade, GradeInterval, GradeSet, SecondOpinion

LESIONS = "the visible lesions"
MODEL = "the model's grade"
SET = "the model's grade set"
SECOND = "the second opinion"


def advise(
    interval: GradeInterval, dme: DmeReading, grade: Grade | None = None, asked: bool = False, second: SecondOpinion | None = None
) -> Advice:
    """grade: the language model's; asked: whether there was a model to ask, so that None is a refusal; second: the small grader's."""
    readings = _readings(interval, grade, second)
    level, by = max(readings, key=lambda reading: reading[0])  # the first of equals: the lesions before the model
    why = {
        LESIONS: f"the visible lesions fit grade {level}",
        MODEL: f"the model says grade {level}, which the lesions do not exclude",
        SET: f"the model's grade set reaches grade {level}, which the lesions do not exclude",
        SECOND: f"the second opinion is grade {level}, which the lesions do not exclude",
    }[by]
    rule = follow_up(level, dme, why)
    return Advice(
        level, by, rule.text, rule.clause, rule.refer, rule.months, (*_human(interval, grade, asked), *_apart(interval, grade, second))
    )


def _readings(interval: GradeInterval, grade: Grade | None, second: SecondOpinion | None) -> list[tuple[int, str]]:
    """Level and source of every reading that is no lower than the lesions prove."""
    readings = [(interval.visible, LESIONS)]
    if grade:
        readings.append((grade.level, MODEL))
        if grade.conformal:
            readings.append((grade.conformal.levels[-1], SET))
    if second:
        readings.append((second.grade.level, SECOND))
    return [reading for reading in readings if reading[0] >= interval.low]


def _human(interval: GradeInterval, grade: Grade | None, asked: bool) -> tuple[str, ...]:
    """Why a person has to look at the photograph."""
    if grade is None:
        return ("the model holds the photograph for ungradable",) if asked else ()
    found = [disagreement(grade.level, interval), straddling(grade.conformal)]
    return tuple(reason for reason in found if reason)


def _apart(interval: GradeInterval, grade: Grade | None, second: SecondOpinion | None) -> tuple[str, ...]:
    """Where the second opinion stands alone on its side of the referral line. A grade more or less on the same side changes little."""
    if second is None:
        return ()
    others = [interval.visible, *([grade.level] if grade else [])]
    refers = second.grade.level >= REFERABLE_FROM
    if any((level >= REFERABLE_FROM) == refers for level in others):
        return ()
    return (f"the second opinion is grade {second.grade.level}, {'to be referred' if refers else 'not to be referred'}",)


def disagreement(level: int, interval: GradeInterval) -> str | None:
    """Why the model's grade and the lesions do not fit, a plain clause; None where they do."""
    if level == interval.visible:
        return None
    if level > interval.visible:
        return f"the visible lesions fit grade {interval.visible}; what would make it {level} was not seen here"
    if level >= interval.low:
        return f"with the doubtful lesions it is grade {interval.visible}"
    return f"the visible lesions are at least grade {interval.low}"


def straddling(conformal: GradeSet | None) -> str | None:
    """Why a grade set settles nothing: it holds grades on both sides of the referral line."""
    if conformal is None or not conformal.straddles:
        return None
    return f"grades {conformal.levels[0]} to {conformal.levels[-1]} stay open, some to be referred and some not"
