from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retinai.lesions import GRADES, LESIONS
from retinai.types import Lesion, Place
from vlm.findings import QUADRANTS, Finding, Report, findings_of, from_json, mirrored, reconciled, to_json, upturned
from vlm.grammar import UNGRADABLE, answer
from vlm.parse import parse_answer

findings = st.builds(
    Finding,
    st.sampled_from(LESIONS),
    st.none() | st.integers(1, 60),
    st.lists(st.sampled_from(QUADRANTS), unique=True).map(lambda some: tuple(q for q in QUADRANTS if q in some)),
    st.none() | st.floats(0, 5),
)
reports = st.builds(
    Report,
    st.integers(0, 4),
    st.none() | st.integers(0, 2),
    st.sampled_from(["right", "left", None]),
    st.none() | st.lists(findings, unique_by=lambda finding: finding.code).map(tuple),
)


def lesion(code: str, number: int, quadrant: str | None, distance: float | None) -> Lesion:
    return Lesion(f"{code}-{number}", code, (0, 0, 1, 1), 1, 0.9, Place((0.0, 0.0), quadrant, distance))


def test_first_wording_of_a_known_report() -> None:
    found = (
        Finding("MA", 1, ("superotemporal",)),
        Finding("HE", 25, ("superotemporal", "superonasal", "inferotemporal", "inferonasal")),
        Finding("EX", 3, ("superotemporal", "inferonasal"), 0.4),
    )
    assert answer(Report(2, findings=found)) == (
        "Grade: 2. This is moderate non-proliferative diabetic retinopathy. "
        "A microaneurysm is seen in the superotemporal quadrant. "
        "Haemorrhages are seen in all four quadrants. More than 20 haemorrhages are seen. "
        "Hard exudates are seen in the superotemporal and inferonasal quadrants. "
        "No soft exudates are seen. A hard exudate lies within one disc diameter of the fovea."
    )


def test_nothing_is_invented_where_only_a_grade_is_known() -> None:
    assert answer(Report(3, dme=2)) == f"Grade: 3. This is {GRADES[3]}."


def test_ungradable_is_said() -> None:
    assert answer(Report(None)) == UNGRADABLE
    parsed = parse_answer(UNGRADABLE)
    assert parsed.ungradable and not parsed.malformed and parsed.grade is None


def test_wording_varies_and_content_does_not() -> None:
    report = Report(2, findings=(Finding("HE", 30, ("inferonasal",)),))
    wordings = {answer(report, random.Random(seed)) for seed in range(40)}
    assert len(wordings) > 8
    for text in wordings:
        assert text.startswith("Grade: 2.") and "inferonasal" in text and "superotemporal" not in text and "ore than 20 haem" in text


@given(reports)
def test_every_answer_is_well_formed_and_names_what_is_there(report: Report) -> None:
    text = answer(report, random.Random(0))
    parsed = parse_answer(text)
    assert not parsed.malformed and parsed.grade == report.grade
    names = {code: word for code, word in zip(LESIONS, ("microaneurysm", "haemorrhage", "hard exudate", "soft exudate"), strict=True)}
    told = {code for code in LESIONS if any(names[code] in sentence.lower() for sentence in parsed.sentences)}
    assert told == ({*LESIONS} if report.findings is not None else set())


@given(reports)
def test_a_mirror_keeps_nasal_and_temporal_and_swaps_the_eye(report: Report) -> None:
    other = mirrored(report)
    assert answer(other) == answer(report)
    assert other.eye == {"right": "left", "left": "right", None: None}[report.eye]
    assert mirrored(other) == report


def test_upside_down_swaps_superior_and_inferior() -> None:
    report = Report(2, findings=(Finding("HE", 2, ("superotemporal", "inferonasal")),))
    assert upturned(report).findings == (Finding("HE", 2, ("superonasal", "inferotemporal")),)
    assert "superonasal and inferotemporal" in answer(upturned(report))


@given(reports)
def test_turning_twice_is_nothing(report: Report) -> None:
    assert upturned(upturned(report)) == report
    assert from_json(to_json(report)) == report


def test_lesions_become_findings() -> None:
    lesions = [lesion("EX", 1, "superonasal", 2.0), lesion("EX", 2, "superotemporal", 0.5), lesion("HE", 1, None, None)]
    assert findings_of(lesions) == (Finding("HE", 1), Finding("EX", 2, ("superotemporal", "superonasal"), 0.5))


def test_labels_overrule_found_lesions() -> None:
    every = tuple(Finding(code, 2) for code in LESIONS)
    assert reconciled(Report(0, findings=every)).findings == ()
    assert reconciled(Report(0, findings=every)).absent == LESIONS
    assert [f.code for f in reconciled(Report(1, findings=every)).findings or ()] == ["MA"]
    assert "EX" not in [f.code for f in reconciled(Report(2, dme=0, findings=every)).findings or ()]
    silent = reconciled(Report(1, dme=1, findings=()))
    assert silent.silent == ("MA", "EX") and silent.absent == ("HE", "SE")
    assert "exudates are seen" in answer(silent) and "hard" not in answer(silent)
    faint = Report(0, findings=(), silent=("MA",))
    assert reconciled(faint).absent == LESIONS, "grade 0 settles it"
    assert reconciled(Report(2, findings=(), silent=("SE",))).absent == ("MA", "HE", "EX")


def test_a_kept_report_is_unchanged() -> None:
    report = Report(3, dme=2, findings=(Finding("EX", 4),))
    assert reconciled(report) == report
    assert reconciled(replace(report, findings=None)) == replace(report, findings=None)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ValueError, match="there are MA, HE, EX, SE"):
        Finding("IRMA")
    with pytest.raises(ValueError, match="superotemporal"):
        Finding("HE", 1, ("upper left",))


@pytest.mark.parametrize(
    ("text", "grade", "problem"),
    [
        ("Grade: 2. There are haemorrhages", 2, "unfinished sentence"),
        ("Grade: 7. There are haemorrhages.", None, "grade 7 is not one of 0 to 4"),
        ("There are haemorrhages.", None, "does not begin with 'Grade: N'"),
        ("Grade: 3.5. There are haemorrhages.", None, "does not begin"),
        ("Grade: 1. No soft exudates are seen. No soft exudates are seen.", 1, "repeated"),
        ("", None, "does not begin"),
    ],
)
def test_malformed_answers_are_parsed_as_far_as_they_go(text: str, grade: int | None, problem: str) -> None:
    parsed = parse_answer(text)
    assert parsed.grade == grade and parsed.malformed
    assert any(problem in each for each in parsed.problems)


def test_whole_sentences_of_a_cut_answer_are_kept() -> None:
    assert parse_answer("Grade: 2. There are haemorrhages. The ret").sentences == ("There are haemorrhages.",)


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    assert parse_answer(text).grade in (None, 0, 1, 2, 3, 4)
