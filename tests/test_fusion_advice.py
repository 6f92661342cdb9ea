"""What to do by the worst reading that is consistent with the lesions, and when a human has to look."""

from __future__ import annotations

import pytest

from fusion.advice import LESIONS, MODEL, SECOND, SET, advise
from fusion.rules import DmeReading
from retinai.types import Grade, GradeInterval, GradeSet, SecondOpinion

NO_DME = DmeReading(0, ("DME-0",))
DOUBTFUL = GradeInterval(1, 2, 4, ("ICDR-2",))
PROVEN = GradeInterval(2, 2, 4, ("ICDR-2",))
CLEAN = GradeInterval(0, 0, 4, ("ICDR-0",))


def grade(level: int, *levels: int) -> Grade:
    conformal = GradeSet(levels, 0.9, 50) if levels else None
    return Grade(level, tuple(1.0 if i == level else 0.0 for i in range(5)), "test", conformal)


@pytest.mark.parametrize(
    ("interval", "said", "level", "by", "clause"),
    [
        (PROVEN, None, 2, LESIONS, "ICO-2"),
        (PROVEN, grade(2), 2, LESIONS, "ICO-2"),
        (PROVEN, grade(4), 4, MODEL, "ICO-4"),
        (PROVEN, grade(0), 2, LESIONS, "ICO-2"),
        (PROVEN, grade(0, 0, 1), 2, LESIONS, "ICO-2"),
        (CLEAN, grade(0, 0, 1, 2), 2, SET, "ICO-2"),
        (CLEAN, grade(3, 2, 3), 3, MODEL, "ICO-3"),
        (DOUBTFUL, grade(1, 1), 2, LESIONS, "ICO-2"),
    ],
)
def test_the_worst_consistent_reading_decides(interval: GradeInterval, said: Grade | None, level: int, by: str, clause: str) -> None:
    advice = advise(interval, NO_DME, said)
    assert (advice.level, advice.by, advice.clause) == (level, by, clause)
    assert advice.refer == (level >= 2)


def test_oedema_that_asks_for_less_time_decides() -> None:
    advice = advise(CLEAN, DmeReading(2, ("DME-2",), ("EX-1",), 0.4), grade(3))
    assert (advice.clause, advice.months, advice.level) == ("ICO-DME-CENTRE", 1, 3)


def test_the_text_says_whose_reading_it_is() -> None:
    assert advise(CLEAN, NO_DME, grade(3)).text.startswith(
        "Refer to an ophthalmologist; re-examine in less than 3 months: the model says grade 3, which the lesions do not exclude."
    )
    assert "the model's grade set reaches grade 2" in advise(CLEAN, NO_DME, grade(0, 0, 1, 2)).text


def second(level: int) -> SecondOpinion:
    return SecondOpinion(grade(level), f"Grade {level}.", from_lesions=True)


def test_the_second_opinion_is_a_reading_too() -> None:
    advice = advise(CLEAN, NO_DME, grade(1), second=second(3))
    assert (advice.level, advice.by) == (3, SECOND) and "the second opinion is grade 3, which the lesions do not exclude" in advice.text
    assert advise(PROVEN, NO_DME, second=second(0)).level == 2  # below what the lesions prove


def test_a_second_opinion_alone_on_its_side_of_referral_needs_a_human() -> None:
    assert advise(CLEAN, NO_DME, grade(0), second=second(2)).human == ("the second opinion is grade 2, to be referred",)
    assert advise(PROVEN, NO_DME, grade(2), second=second(1)).human == ("the second opinion is grade 1, not to be referred",)
    assert advise(PROVEN, NO_DME, grade(2), second=second(4)).human == () == advise(CLEAN, NO_DME, second=second(1)).human
    # where the language model stands with it, their own disagreement is said, and no more
    assert advise(CLEAN, NO_DME, grade(3), second=second(3)).human == (
        "the visible lesions fit grade 0; what would make it 3 was not seen here",
    )


def test_a_human_is_needed_where_readings_differ() -> None:
    assert advise(PROVEN, NO_DME).human == () == advise(PROVEN, NO_DME, grade(2, 2, 3)).human
    assert advise(PROVEN, NO_DME, grade(1)).human == ("the visible lesions are at least grade 2",)
    assert advise(DOUBTFUL, NO_DME, grade(1)).human == ("with the doubtful lesions it is grade 2",)
    assert advise(PROVEN, NO_DME, grade(2, 1, 2)).human == ("grades 1 to 2 stay open, some to be referred and some not",)
    assert len(advise(PROVEN, NO_DME, grade(3, 1, 2, 3)).human) == 2
    assert advise(PROVEN, NO_DME, None, asked=True).human == ("the model holds the photograph for ungradable",)
