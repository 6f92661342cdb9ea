"""Grading photographs in batches, killed and resumed; the report, its nulls, its table and its picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from retinai.errors import DataError, UsageError
from retinai.grading.metrics import NONE
from retinai.grading.protocol import Reading
from retinai.grading.render import as_table, draw_confusion, draw_risk
from retinai.grading.report import summarise
from retinai.grading.results import append_rows, claim_folder, load_rows, row_of
from retinai.grading.run import BATCH, grade_records, labelled
from retinai.readers.record import Record
from retinai.types import Grade

GREY = 40  # of grade 0; every grade is 40 brighter


class BrightnessGrader:
    """Reads the grade off the photograph's brightness, so that it can only be right by looking."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.identity = {"name": "brightness"}
        self.seen: list[str] = []
        self.stop_after = stop_after

    def grade(self, images):
        if len(self.seen) >= self.stop_after:
            raise KeyboardInterrupt
        self.seen += [image.id for image in images]
        return [self._read(float(np.median(image.pixels[image.field]))) for image in images]

    def _read(self, grey: float) -> Reading:
        level = round(grey / GREY) - 1
        probs = tuple(0.8 if g == level else 0.05 for g in range(5))
        return Reading(Grade(level, probs, "brightness"), text=f"Grade: {level}.\nGrey, {grey}")


def photograph(path: Path, grade: int) -> Path:
    line = np.linspace(-1, 1, 64)
    disc = line[:, None] ** 2 + line**2 < 0.8
    Image.fromarray(np.repeat((disc * GREY * (grade + 1))[..., None], 3, axis=2).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def records(tmp_path) -> list[Record]:
    grades = [0, 1, 2, 3, 4, 0, 2, 2, 1, 4]
    return [Record(f"p{i}", "validation", photograph(tmp_path / f"p{i}.png", g), "drawn", grade=g) for i, g in enumerate(grades)]


def test_the_grader_looks_and_every_photograph_has_its_row(records):
    rows = grade_records(BrightnessGrader(), records, quiet=True)
    assert [row.id for row in rows] == [record.id for record in records]
    assert [row.level for row in rows] == [0, 1, 2, 3, 4, 0, 2, 2, 1, 4]
    assert rows[0].text.startswith("Grade: 0. Grey, ")


def test_a_killed_run_goes_on_where_it_was(records, tmp_path):
    path, killed, second = tmp_path / "rows.csv", BrightnessGrader(stop_after=BATCH), BrightnessGrader()
    with pytest.raises(KeyboardInterrupt):
        grade_records(killed, records, path, quiet=True)
    with path.open("ab") as file:
        file.write(b"drawn,validation,p4,,4,4,0.05,0.0")  # the write that the kill cut short
    rows = grade_records(second, records, path, quiet=True)
    assert killed.seen + second.seen == [record.id for record in records]
    assert rows == list(load_rows(path).values())
    assert len(path.read_text().splitlines()) == 1 + len(records)


def test_rows_read_back_equal(records, tmp_path):
    grade = Grade(3, (0.1, 0.2, 1 / 3, 1 / 3, 1 - 0.3 - 2 / 3), "x")
    rows = [row_of(records[3], Reading(grade, 'He said "3, or 4"', True), 0.25), row_of(records[4], Reading(None, reason="too dark"), 1.0)]
    append_rows(tmp_path / "rows.csv", rows[:1])
    append_rows(tmp_path / "rows.csv", rows[1:])
    first, second = load_rows(tmp_path / "rows.csv").values()
    assert first == rows[0]
    assert (second.level, second.reason, np.isnan(second.probs).all()) == (NONE, "too dark", True)


def test_a_foreign_or_damaged_file_is_refused(records, tmp_path):
    (tmp_path / "a.csv").write_text("name,grade\nx,1\n")
    with pytest.raises(DataError, match="no file of graded photographs"):
        load_rows(tmp_path / "a.csv")
    append_rows(tmp_path / "b.csv", grade_records(BrightnessGrader(), records[:1], quiet=True))
    with (tmp_path / "b.csv").open("a") as file:
        file.write("drawn,validation,p1,,1,one\n")
    with pytest.raises(DataError, match="line 3"):
        load_rows(tmp_path / "b.csv")


def test_a_folder_keeps_one_run(tmp_path):
    claim_folder(tmp_path / "out", {"grader": {"name": "a"}})
    claim_folder(tmp_path / "out", {"grader": {"name": "a"}})
    with pytest.raises(UsageError, match="holds the results of another run"):
        claim_folder(tmp_path / "out", {"grader": {"name": "b"}})


def test_an_unreadable_file_is_counted_and_the_others_go_on(records, tmp_path):
    records[2].image.write_bytes(b"no picture")
    rows = grade_records(BrightnessGrader(), records, quiet=True)
    report = summarise(rows, {}, resamples=20)
    assert [row.failed for row in rows] == [i == 2 for i in range(10)]
    assert (report["accuracy"], report["valid"], report["images"]) == (0.9, 9, 10)
    assert (report["unanswered"]["count"], report["unanswered"]["failed"], report["unanswered"]["by_grade"]) == (1, 1, [0, 0, 1, 0, 0])


def test_a_mended_file_is_tried_again(records, tmp_path):
    path, whole = tmp_path / "rows.csv", records[2].image.read_bytes()
    records[2].image.write_bytes(b"no picture")
    grade_records(BrightnessGrader(), records, path, quiet=True)
    records[2].image.write_bytes(whole)
    again = BrightnessGrader()
    assert not any(row.failed for row in grade_records(again, records, path, quiet=True))
    assert again.seen == ["p2"]


def test_photographs_without_a_label_are_left_out_and_limit_takes_the_first(records):
    bare = Record("bare", "test", records[0].image, "drawn")
    assert labelled([bare, *records], 3) == records[:3]
    with pytest.raises(DataError, match="none of these 1 photographs has a grade"):
        labelled([bare])


def drawn_rows(truth, level, patients=None):
    rows = []
    for i, (true, given) in enumerate(zip(truth, level, strict=True)):
        record = Record(f"p{i}", "test", Path("x"), "drawn", grade=true, patient=patients[i] if patients else None)
        grade = None if given == NONE else Grade(given, tuple(0.6 if g == given else 0.1 for g in range(5)), "x")
        rows.append(row_of(record, Reading(grade, reason="" if grade else "ungradable: too dark"), 0.5))
    return rows


PROVENANCE = {"dataset": "idrid", "split": "validation", "grader": {"name": "vlm:nano"}}


def test_the_report_has_the_agreed_keys_and_knows_its_nulls():
    truth = [0] * 20 + [1] * 5 + [2] * 15 + [3] * 5 + [4] * 5
    level = [0] * 18 + [1, 2] + [1] * 3 + [0, 2] + [2] * 12 + [3] * 3 + [3] * 4 + [2] + [4] * 4 + [NONE]
    report = summarise(drawn_rows(truth, level), PROVENANCE, resamples=200)
    keys = ["accuracy", "kappa", "macro_f1", "mae", "off_by_one", "ece", "valid", "images", "confusion"]
    assert set(keys) <= set(report) and json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["accuracy"] == 41 / 50 and report["images"] == 50 and report["valid"] == 49
    assert report["confusion"][0] == [18, 1, 1, 0, 0] and report["per_class"][3]["support"] == 5
    assert report["nulls"]["majority"]["accuracy"] == 0.4 and report["nulls"]["majority"]["kappa"] == 0
    assert abs(report["nulls"]["permuted"]["kappa"]) < 0.05
    low, high = report["intervals"]["accuracy"]
    assert report["nulls"]["permuted"]["accuracy"] < low < report["accuracy"] < high
    assert report["wilson"]["accuracy"] == pytest.approx([0.692, 0.902], abs=1e-3)
    assert report["unanswered"]["reasons"] == {"ungradable: too dark": 1}
    assert report["referable"]["positives"] == 25 and report["referable"]["sensitivity"] == 24 / 25


def test_permuting_the_readings_of_a_coin_changes_nothing():
    rng = np.random.default_rng(0)
    report = summarise(drawn_rows(rng.integers(0, 5, 400).tolist(), rng.integers(0, 5, 400).tolist()), PROVENANCE, resamples=50)
    low, high = report["intervals"]["accuracy"]
    assert low < report["nulls"]["permuted"]["accuracy"] < high


def test_two_eyes_of_a_patient_are_one_unit():
    truth, level = [0, 0, 2, 2] * 10, [0, 0, 0, 0] * 10
    apart = summarise(drawn_rows(truth, level), PROVENANCE, resamples=300)
    paired = summarise(drawn_rows(truth, level, [str(i // 2) for i in range(40)]), PROVENANCE, resamples=300)
    assert (apart["protocol"]["unit"], paired["protocol"]["unit"]) == ("photograph", "patient")
    assert np.ptp(paired["intervals"]["accuracy"]) > 1.2 * np.ptp(apart["intervals"]["accuracy"])
    mixed = summarise(drawn_rows(truth, level, [str(i // 2) if i < 20 else None for i in range(40)]), PROVENANCE, resamples=300)
    assert mixed["protocol"]["unit"] == "patient"
    assert np.ptp(apart["intervals"]["accuracy"]) < np.ptp(mixed["intervals"]["accuracy"]) < np.ptp(paired["intervals"]["accuracy"])


@pytest.fixture
def report():
    truth = [0, 0, 0, 1, 1, 2, 2, 2, 3, 4]
    level = [0, 0, 0, 1, 0, 2, 2, 3, 3, NONE]
    return summarise(drawn_rows(truth, level), PROVENANCE, resamples=50)


def test_the_table_fits_eighty_columns_and_says_what_is_missing(report):
    table = as_table(report)
    assert max(map(len, table.splitlines())) <= 80
    assert "idrid validation, 10 photographs, graded by vlm:nano" in table
    assert "valid answers 9/10, without a grade 1" in table and "1 x ungradable: too dark" in table
    assert "accuracy                   0.700" in table
    assert table.splitlines()[-1] == "Research use only, not a medical device."


def test_the_risk_coverage_curve_is_of_the_graded_and_lies_above_the_best_one(report, tmp_path):
    curve = report["risk_coverage"]
    assert curve["coverage"][-1] == 1.0 and curve["risk"][-1] == pytest.approx(2 / 9)  # the tenth has no grade
    assert all(best <= risk for best, risk in zip(curve["best"], curve["risk"], strict=True))
    assert curve["best"][-1] == pytest.approx(curve["risk"][-1])
    assert 0 < report["aurc"] < 1 and len(report["intervals"]["aurc"]) == 2
    draw_risk(report, tmp_path / "risk.png")
    drawn = cv2.imread(str(tmp_path / "risk.png"))
    assert drawn is not None
    picture = drawn.astype(int)
    assert (picture[..., 0] - picture[..., 2] > 60).sum() > 100  # the blue line


def test_no_grade_at_all_leaves_the_curve_empty(tmp_path):
    report = summarise(drawn_rows([0, 2], [NONE, NONE]), PROVENANCE, resamples=5)
    assert report["aurc"] is None and report["risk_coverage"] == {"coverage": [], "risk": [], "best": []}
    draw_risk(report, tmp_path / "risk.png")
    assert (tmp_path / "risk.png").stat().st_size > 0


def test_the_picture_shades_by_share(report, tmp_path):
    draw_confusion(report, tmp_path / "confusion.png")
    picture = cv2.imread(str(tmp_path / "confusion.png"))
    assert picture is not None and picture.shape[:2] == (690, 810)
    dark = (picture[..., 0].astype(int) - picture[..., 2] > 60).mean()  # blue cells
    assert 0.03 < dark < 0.3
