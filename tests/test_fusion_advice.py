"""What to do by the worst reading that is consistent with the lesions, and when a human has to look."""

from __future__ import annotations

import pytest

from fusion.advice import LESIONS, MODEL, SECOND, SET, advise
from fusion.rules import DmeReading
from retinai.types import Grade, GradeInterval, GradeSet, SecondOpinion

NO_DME = DmeReading(0, ("DME-0",))
POSSIBLE = GradeInterval(1, 2, 4, ("ICDR-2",))
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
        (POSSIBLE, grade(1, 1), 2, LESIONS, "ICO-2"),
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
        "Refer to an ophthalmologist; re-examine in less than 3 months: the language model says grade 3, which the lesions do not exclude."
    )
    assert "for the language model grade 2 is likely too" in advise(CLEAN, NO_DME, grade(0, 0, 1, 2)).text


def second(level: int) -> SecondOpinion:
    return SecondOpinion(grade(level), f"Grade {level}.", from_lesions=True)


def test_the_auxiliary_grader_is_a_reading_too() -> None:
    advice = advise(CLEAN, NO_DME, grade(1), second=second(3))
    assert (advice.level, advice.by) == (3, SECOND) and "the auxiliary grader says grade 3, which the lesions do not exclude" in advice.text
    assert advise(PROVEN, NO_DME, second=second(0)).level == 2  # below what the lesions prove


def test_an_auxiliary_grader_alone_on_its_side_of_referral_needs_a_human() -> None:
    assert advise(CLEAN, NO_DME, grade(0), second=second(2)).human == ("the auxiliary grader says grade 2, to be referred",)
    assert advise(PROVEN, NO_DME, grade(2), second=second(1)).human == ("the auxiliary grader says grade 1, not to be referred",)
    assert advise(PROVEN, NO_DME, grade(2), second=second(4)).human == () == advise(CLEAN, NO_DME, second=second(1)).human
    # where the language model stands with it, their own disagreement is said, and no more
    assert advise(CLEAN, NO_DME, grade(3), second=second(3)).human == ("the visible lesions fit grade 0, the language model says 3",)


def test_a_human_is_needed_where_readings_differ() -> None:
    assert advise(PROVEN, NO_DME).human == () == advise(PROVEN, NO_DME, grade(2, 2, 3)).human
    assert advise(PROVEN, NO_DME, grade(1)).human == ("the visible lesions prove grade 2 or higher",)
    assert advise(POSSIBLE, NO_DME, grade(1)).human == ("with the lesions of low confidence it is grade 2",)
    assert advise(PROVEN, NO_DME, grade(2, 1, 2)).human == ("grades 1 to 2 are likely, some to be referred and some not",)
    assert len(advise(PROVEN, NO_DME, grade(3, 1, 2, 3)).human) == 2
    assert advise(PROVEN, NO_DME, None, asked=True).human == ("the language model holds the photograph for ungradable",)


LONE = GradeInterval(0, 2, 4, ("ICDR-2",), ("HE-1",))


def test_one_lesion_alone_is_to_be_looked_at() -> None:
    advice = advise(LONE, NO_DME, possible={"HE-1"})
    assert advice.look == "One possible haemorrhage [HE-1]: please look." and advice.text.endswith(advice.look) and advice.refer
    assert advise(LONE, NO_DME).look == "One haemorrhage [HE-1]: please look."
    assert advise(GradeInterval(0, 2, 4, ("ICDR-2",), ("HE-1", "HE-2")), NO_DME).look is None
    assert advise(CLEAN, NO_DME).look is None


def test_one_exudate_alone_near_the_macula_is_to_be_looked_at() -> None:
    both = GradeInterval(2, 2, 4, ("ICDR-2",), ("HE-1", "EX-1", "EX-2"))
    assert advise(both, DmeReading(2, ("DME-2",), ("EX-2",), 0.4)).look == "One hard exudate [EX-2]: please look."
    assert advise(both, DmeReading(1, ("DME-1",), ("EX-2",), 1.4)).look is None  # the nearest of two
    one = GradeInterval(2, 2, 4, ("ICDR-2",), ("HE-1", "EX-1"))
    assert advise(one, DmeReading(1, ("DME-1",), ("EX-1",), 1.4)).look == "One hard exudate [EX-1]: please look."
