"""Readings side by side -> what to do: by the worst reading that is consistent with the lesions, and whether a grader has to look.

A reading below the grade that the lesions prove is not consistent. None is too high: the worst signs cannot be seen here. One lesion
alone may be a speck of dust: where the grade or the follow-up rests on a single one, the advice says so and asks to look at it.
"""

from __future__ import annotations

from collections.abc import Collection

from fusion.evidence import kind_of
from fusion.rules import DmeReading, follow_up
from retinai.lesions import REFERABLE_FROM
from retinai.types import Advice, Grade, GradeInterval, GradeSet, SecondOpinion

LESIONS = "the visible lesions"
MODEL = "the language model"
SET = "the language model's likely grades"
SECOND = "the auxiliary grader"


def advise(
    interval: GradeInterval,
    dme: DmeReading,
    grade: Grade | None = None,
    asked: bool = False,
    second: SecondOpinion | None = None,
    possible: Collection[str] = (),
) -> Advice:
    """grade: the language model's; asked: whether there was a model to ask, so that None is a refusal; second: the auxiliary grader's;
    possible: the ids of the lesions of low confidence."""
    readings = _readings(interval, grade, second)
    level, by = max(readings, key=lambda reading: reading[0])  # the first of equals: the lesions before the model
    why = {
        LESIONS: f"the visible lesions fit grade {level}",
        MODEL: f"the language model says grade {level}, which the lesions do not exclude",
        SET: f"for the language model grade {level} is likely too, and the lesions do not exclude it",
        SECOND: f"the auxiliary grader says grade {level}, which the lesions do not exclude",
    }[by]
    rule = follow_up(level, dme, why)
    lone = _lone(interval, dme, rule.clause.startswith("ICO-DME"))
    look = f"One {kind_of(lone, possible)} [{lone}]: please look." if lone else None
    unjudged = () if rule.refer or not dme.unjudged else (f"the macula was not judged: {dme.unjudged}",)
    human = (*_human(interval, grade, asked), *_apart(interval, grade, second), *unjudged)
    return Advice(level, by, f"{rule.text} {look}" if look else rule.text, rule.clause, rule.refer, rule.months, human, look)


def _lone(interval: GradeInterval, dme: DmeReading, by_dme: bool) -> str | None:
    """The id of the only lesion on which the follow-up rests, or else the visible grade; None where there are more."""
    exudates = [id for id in interval.lesions if id.startswith("EX-")]
    rests_on = interval.lesions if not by_dme else exudates if dme.risk == 1 else dme.lesions
    return rests_on[0] if len(rests_on) == 1 else None


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
        return ("the language model holds the photograph for ungradable",) if asked else ()
    found = [disagreement(grade.level, interval), straddling(grade.conformal)]
    return tuple(reason for reason in found if reason)


def _apart(interval: GradeInterval, grade: Grade | None, second: SecondOpinion | None) -> tuple[str, ...]:
    """Where the auxiliary grader stands alone on its side of the referral line. A grade more or less on the same side changes little."""
    if second is None:
        return ()
    others = [interval.visible, *([grade.level] if grade else [])]
    refers = second.grade.level >= REFERABLE_FROM
    if any((level >= REFERABLE_FROM) == refers for level in others):
        return ()
    return (f"the auxiliary grader says grade {second.grade.level}, {'to be referred' if refers else 'not to be referred'}",)


def disagreement(level: int, interval: GradeInterval) -> str | None:
    """Why the language model's grade and the lesions do not fit, a plain clause; None where they do."""
    if level == interval.visible:
        return None
    if level > interval.visible:
        return f"the visible lesions fit grade {interval.visible}, the language model says {level}"
    if level >= interval.low:
        return f"with the lesions of low confidence it is grade {interval.visible}"
    return f"the visible lesions prove grade {interval.low} or higher"


def straddling(conformal: GradeSet | None) -> str | None:
    """Why a grade set settles nothing: it holds grades on both sides of the referral line."""
    if conformal is None or not conformal.straddles:
        return None
    return f"grades {conformal.levels[0]} to {conformal.levels[-1]} are likely, some to be referred and some not"
