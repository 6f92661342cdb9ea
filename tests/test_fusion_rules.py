"""The clinical rules at their limits, and what must hold for any lesions."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.rules import CLAUSES, DmeReading, dme_risk, follow_up, grade_interval, quadrant_counts, sources
from retinai.types import Lesion
from tests.drawn_lesions import any_lesions, haemorrhages, lesion, lesion_lists


@pytest.mark.parametrize(
    ("lesions", "grade", "clause", "cited"),
    [
        ([], 0, "ICDR-0", ()),
        ([lesion("MA")], 1, "ICDR-1", ("MA-1",)),
        ([lesion("MA"), lesion("HE")], 2, "ICDR-2", ("HE-1",)),
        ([lesion("EX")], 2, "ICDR-2", ("EX-1",)),
        ([lesion("SE")], 2, "ICDR-2", ("SE-1",)),
    ],
)
def test_the_visible_grade_and_the_lesions_it_rests_on(lesions: list[Lesion], grade: int, clause: str, cited: tuple[str, ...]):
    interval = grade_interval(lesions)
    assert (interval.low, interval.visible, interval.high) == (grade, grade, 4)
    assert interval.clauses == (clause, "ICDR-3-HE", "ICDR-3-VB", "ICDR-3-IRMA", "ICDR-4")
    assert interval.lesions == cited


@pytest.mark.parametrize(("counts", "grade"), [((21, 21, 21, 21), 3), ((20, 21, 21, 21), 2), ((90, 90, 90, 20), 2), ((0, 0, 0, 84), 2)])
def test_grade_3_takes_more_than_twenty_in_each_quadrant(counts: tuple[int, int, int, int], grade: int):
    interval = grade_interval(haemorrhages(counts))
    assert interval.visible == grade
    assert len(interval.lesions) == sum(counts)


def test_with_grade_3_only_grade_4_stays_open():
    assert grade_interval(haemorrhages((21, 21, 21, 21))).clauses == ("ICDR-3-HE", "ICDR-4")


def test_microaneurysms_do_not_count_as_haemorrhages():
    few = haemorrhages((20, 21, 21, 21))
    assert grade_interval([*few, *(lesion("MA", n, "superotemporal", 1.0) for n in range(1, 50))]).visible == 2


def test_haemorrhages_without_a_quadrant_prove_no_grade_3():
    assert grade_interval([lesion("HE", n) for n in range(1, 400)]).visible == 2


def test_lesions_of_low_confidence_show_in_the_visible_grade_and_prove_nothing():
    possible = grade_interval([lesion("MA"), lesion("HE")], {"HE-1"})
    assert (possible.low, possible.visible, possible.lesions) == (1, 2, ("HE-1",))
    assert grade_interval([lesion("HE", confidence=0.1)]).low == 2  # whether it is low is not for the rules to say
    assert grade_interval([lesion("MA")], {"MA-1"}).low == 0


def test_ids_are_cited_in_the_order_of_their_numbers():
    lesions = [lesion("EX", 2), lesion("HE", 10), lesion("HE", 9), lesion("EX", 1)]
    assert grade_interval(lesions).lesions == ("HE-9", "HE-10", "EX-1", "EX-2")


@pytest.mark.parametrize(("distance", "risk", "clause"), [(0.99, 2, "DME-2"), (1.0, 2, "DME-2"), (1.01, 1, "DME-1"), (0.0, 2, "DME-2")])
def test_dme_risk_turns_at_one_disc_diameter(distance: float, risk: int, clause: str):
    reading = dme_risk([lesion("EX", 1, "superonasal", 3.0), lesion("EX", 2, "superonasal", distance), lesion("HE", 1, "superonasal", 0.1)])
    assert (reading.risk, reading.clauses, reading.lesions) == (risk, (clause,), ("EX-2",))
    assert reading.nearest_dd == distance


def test_dme_risk_cites_every_near_exudate():
    exudates = [lesion("EX", n, "superonasal", 0.1 * n) for n in range(1, 15)]
    assert dme_risk(exudates).lesions == tuple(f"EX-{n}" for n in range(1, 11))


def test_dme_risk_without_exudates_and_without_a_fovea():
    assert dme_risk([lesion("HE"), lesion("SE")]) == DmeReading(0, ("DME-0",))
    assert dme_risk([lesion("EX", 1), lesion("EX", 2)]) == DmeReading(None, ("DME-1", "DME-2"), ("EX-1", "EX-2"))


RISK = {
    0: DmeReading(0, ("DME-0",)),
    1: DmeReading(1, ("DME-1",), ("EX-1",), 2.0),
    2: DmeReading(2, ("DME-2",), ("EX-1",), 0.5),
    None: DmeReading(None, ("DME-1", "DME-2"), ("EX-1",)),
}


@pytest.mark.parametrize(
    ("grade", "risk", "clause", "refer", "months"),
    [
        (0, 0, "ICO-0", False, 24),
        (1, 0, "ICO-1", False, 12),
        (2, 0, "ICO-2", True, 6),
        (3, 0, "ICO-3", True, 3),
        (4, 0, "ICO-4", True, 1),
        (2, 1, "ICO-DME-OFF-CENTRE", True, 3),
        (3, 1, "ICO-3", True, 3),
        (2, 2, "ICO-DME-CENTRE", True, 1),
        (3, 2, "ICO-DME-CENTRE", True, 1),
        (4, 2, "ICO-4", True, 1),
        (2, None, "ICO-DME-CENTRE", True, 1),
    ],
)
def test_follow_up_is_the_sooner_of_grade_and_macula(grade: int, risk: int | None, clause: str, refer: bool, months: int):
    advice = follow_up(grade, RISK[risk])
    assert (advice.clause, advice.refer, advice.months) == (clause, refer, months)
    assert advice.text.startswith("Refer to an ophthalmologist") == refer


def test_follow_up_says_what_and_why():
    assert follow_up(1, RISK[0]).text == (
        "Re-examine in 6 to 12 months: the visible lesions fit grade 1. Signs that cannot be seen here could make it sooner."
    )
    assert "within 3 months: hard exudates away from the macula's centre" in follow_up(2, RISK[1]).text
    assert "how near they are to the macula's centre is unknown" in follow_up(2, RISK[None]).text


@any_lesions
@given(lesion_lists(placed=True), st.randoms())
def test_more_lesions_never_lower_the_grade_nor_delay_the_visit(lesions: list[Lesion], chance: Random):
    some = [item for item in lesions if chance.random() < 0.5]
    few, many = grade_interval(some), grade_interval(lesions)
    assert few.low <= many.low and few.visible <= many.visible and few.high <= many.high
    risk, more_risk = dme_risk(some), dme_risk(lesions)
    assert (risk.risk or 0) <= (more_risk.risk or 0)
    assert follow_up(many.visible, more_risk).months <= follow_up(few.visible, risk).months


@any_lesions
@given(st.booleans().flatmap(lesion_lists))
def test_readings_cite_lesions_that_exist_and_clauses_of_the_table(lesions: list[Lesion]):
    ids = {item.id for item in lesions}
    interval, dme = grade_interval(lesions), dme_risk(lesions)
    advice = follow_up(interval.visible, dme)
    assert set(interval.lesions) | set(dme.lesions) <= ids
    assert all(name.startswith("EX-") for name in dme.lesions)
    assert interval.low <= interval.visible <= interval.high
    assert {*interval.clauses, *dme.clauses, advice.clause} <= CLAUSES.keys()


def test_quadrant_counts_leave_out_what_has_no_quadrant():
    assert list(quadrant_counts([*haemorrhages((1, 0, 2, 3)), lesion("HE", 9)]).values()) == [1, 0, 2, 3]


def test_sources_are_named_once_and_an_unknown_clause_is_refused():
    assert [source.split(":")[0] for source in sources(["ICO-2", "ICDR-2", "ICDR-4", "DME-0"])] == [
        "ICDR",
        "IDRiD",
        "ICO Guidelines for Diabetic Eye Care 2017, high-resource settings",
    ]
    with pytest.raises(KeyError, match="no clause ICDR-9; there are ICDR-0"):
        sources(["ICDR-9"])
