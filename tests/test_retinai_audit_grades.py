"""Rows 5 and 12 from grades that are known, and the file that the numbers are kept in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusion.audit.calibration import aurc, best_aurc, left_out_sets, risk_coverage
from fusion.audit.figures import PRODUCT, Figure, Result, measure
from fusion.audit.verdicts import verdicts
from retinai.audit.grades import METRIC, SPECS, measure_grade, with_sets
from retinai.audit.results import append, load
from retinai.errors import DataError
from retinai.types import Grade, GradeInterval


def said(level: int, sure: float = 0.9) -> Grade:
    probs = [(1 - sure) / 4] * 5
    probs[level] = sure
    return Grade(level, tuple(probs), "test")


def interval(visible: int, low: int | None = None) -> GradeInterval:
    return GradeInterval(visible if low is None else low, visible, 4, ("ICDR-2",))


def figures(results: list[Result]) -> dict[str, Figure]:
    return {spec.name: measure(spec, with_sets(results), 50) for spec in SPECS}


def results(pairs: list[tuple[int, Grade | None]], visible: int = 2) -> list[Result]:
    return [Result(f"p{n}", METRIC, PRODUCT, measure_grade(t, g, interval(visible, 1))) for n, (t, g) in enumerate(pairs)]


def test_a_photograph_without_a_grade_is_a_miss() -> None:
    found = figures(results([(0, said(0)), (2, said(2)), (2, None), (4, said(3))]))
    assert found["grade_accuracy"].value == 0.5 and found["grade_off_by_one"].value == 0.75
    assert found["grade_valid"].value == 0.75 and found["gradable"].value == 1.0
    assert (found["grade_recall_2"].value, found["grade_recall_2"].n) == (0.5, 2)
    assert np.isnan(found["grade_recall_1"].value) and found["grade_recall_1"].n == 0


def test_nulls_of_the_accuracy() -> None:
    found = figures(results([(2, said(2)), (2, said(2)), (2, said(2)), (0, said(0))]))["grade_accuracy"]
    assert found.value == 1.0 and found.nulls["majority"] == 0.75
    assert found.nulls["permuted grades"] == pytest.approx((9 + 1) / 16, abs=0.06)


def test_grades_against_the_evidence() -> None:
    found = figures(results([(2, said(2)), (0, said(0)), (3, said(4)), (1, said(1))]))
    assert found["grade_inside_interval"].value == 0.75  # 0 lies below the interval 1 to 4
    assert found["grade_fits_visible"].value == 0.25 and found["visible_accuracy"].value == 0.25
    assert found["label_inside_interval"].value == 0.75
    assert found["grade_inside_interval"].nulls["majority"] == 0.0  # grade 0, the lowest of equals


def test_without_a_model_only_the_evidence_is_measured() -> None:
    rows = [Result("p", METRIC, PRODUCT, measure_grade(2, None, interval(2), asked=False))]
    found = figures(rows)
    assert np.isnan(found["grade_accuracy"].value) and np.isnan(found["grade_kappa"].value) and np.isnan(found["grade_ece"].value)
    assert found["visible_accuracy"].value == 1.0


def test_an_ungradable_photograph_fails_the_gate_and_has_no_interval() -> None:
    numbers = measure_grade(3, None, None)
    assert numbers["gradable"] == 0.0 and numbers["level"] == -1.0 and "visible" not in numbers


def test_one_grade_for_all_is_by_chance() -> None:
    found = figures(results([(0, said(2)), (1, said(2)), (2, said(2)), (3, said(2)), (4, said(2))]))
    flags = {v.name: v.flagged for v in verdicts(list(found.values()))}
    assert found["grade_kappa"].value == 0.0 and flags["grades by chance"] is True


def test_calibration_of_a_known_grader() -> None:
    found = figures(results([(2, said(2, 0.75)), (2, said(2, 0.75)), (2, said(2, 0.75)), (0, said(2, 0.75))]))
    assert found["grade_ece"].value == pytest.approx(0.0, abs=1e-9) and found["grade_ece"].nulls == {"always certain": 0.25}
    assert found["grade_aurc"].value == pytest.approx(0.25) == found["grade_aurc"].nulls["random order"]


def test_risk_coverage_by_hand() -> None:
    sure, wrong = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.0, 1.0, 0.0, 1.0])
    assert risk_coverage(sure, wrong).tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert aurc(sure, wrong) == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert best_aurc(wrong) == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert best_aurc(wrong) < aurc(sure, wrong) < aurc(-sure, wrong)
    assert np.isnan(aurc(np.array([]), np.array([])))


def test_equally_sure_answers_share_their_errors() -> None:
    assert risk_coverage(np.array([0.5, 0.5]), np.array([1.0, 0.0])).tolist() == [0.5, 0.5]


def test_conformal_sets_cover_nine_in_ten() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(5), 400)
    truth = np.array([rng.choice(5, p=row) for row in probs])
    sets = left_out_sets(probs, truth)
    assert sets[np.arange(400), truth].mean() == pytest.approx(0.9, abs=0.03)
    assert 1 < sets.sum(1).mean() < 5


def test_too_few_others_leave_every_grade_open() -> None:
    assert left_out_sets(np.full((3, 5), 0.2), np.array([0, 1, 2])).all()


def test_numbers_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    append(path, "masked/a", "patient 1", "claims", {PRODUCT: {"x": 0.1, "y": float("nan")}, "null:deny": {"x": 2}})
    append(path, "masked/a", "patient 1", "spatial", {})
    found, done = load(path)
    assert [(r.source, r.unit) for r in found] == [(PRODUCT, "patient 1"), ("null:deny", "patient 1")]
    assert found[0].numbers["x"] == 0.1 and np.isnan(found[0].numbers["y"])
    assert done == {("masked/a", "claims"), ("masked/a", "spatial")}


@pytest.mark.parametrize("lost", [1, 3, 10, 25, 40])
def test_what_was_cut_short_is_dropped_and_measured_again(tmp_path: Path, lost: int) -> None:
    path, whole = tmp_path / "results.csv", tmp_path / "whole.csv"
    for file in (path, whole):
        append(file, "masked/a", "", "claims", {PRODUCT: {"x": 1.0}})
        append(file, "masked/b", "", "claims", {PRODUCT: {"x": 2.0, "y": 3.0}})
    path.write_bytes(path.read_bytes()[:-lost])
    found, done = load(path)
    assert done == {("masked/a", "claims")} and [r.photograph for r in found] == ["masked/a"]
    append(path, "masked/b", "", "claims", {PRODUCT: {"x": 2.0, "y": 3.0}})
    assert path.read_bytes() == whole.read_bytes()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is no file of an audit"):
        load(path)
