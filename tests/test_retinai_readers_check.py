"""Looking through a data set: every problem with its file, no crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import draw_fundus
from drawn_sets import SIZE, grading, photograph, segmentation, table
from PIL import Image

from retinai.image import read_pixels
from retinai.readers import load
from retinai.readers.check import Report, counts, examine, hidden_copies
from retinai.readers.pictures import same_pictures, thumbnail

FIVE = {f"IDRiD_{n:02d}": n for n in range(1, 6)}
TRUTHS = "A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/1. Microaneurysms"


def look(name: str, root: Path, decode: bool = False) -> Report:
    return examine(load(name, root), decode, lambda done: None)


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(p.file.name, p.kind, p.text) for p in report.problems]


def graded(root: Path, count: int = 3) -> Path:
    for number in range(count):
        photograph(root / f"{number}.png", number)
    table(root / "labels.csv", "image,grade", *(f"{number}.png,{number}" for number in range(count)))
    return root


def test_a_clean_set_has_no_problems_and_progress_is_said(tmp_path: Path) -> None:
    steps: list[int] = []
    assert examine(load("csv", graded(tmp_path)), True, steps.append).problems == [] and steps == [1, 2, 3]


def test_files_that_are_no_photographs(tmp_path: Path) -> None:
    graded(tmp_path)
    (tmp_path / "0.png").write_text("not a picture")
    (tmp_path / "1.png").write_bytes(b"")
    assert found(look("csv", tmp_path)) == [(f"{n}.png", "photograph", "cannot be read: no image file") for n in (0, 1)]


def test_a_truncated_photograph_is_found_when_decoding(tmp_path: Path) -> None:
    graded(tmp_path)
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(whole[: len(whole) // 2])
    assert found(look("csv", tmp_path)) == []
    assert found(look("csv", tmp_path, decode=True)) == [("0.png", "photograph", "is truncated or damaged")]


def test_a_scan_that_was_cut_and_ended_again_is_found_when_decoding(tmp_path: Path) -> None:
    graded(tmp_path)
    Image.open(tmp_path / "1.png").save(tmp_path / "1.jpg", quality=95)
    cut = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.png").write_bytes(cut[: len(cut) // 2] + b"\xff\xd9")
    assert found(look("csv", tmp_path, decode=True)) == [("1.png", "photograph", "is truncated or damaged")]


def test_what_training_would_refuse_is_found_when_decoding(tmp_path: Path) -> None:
    graded(tmp_path)
    photograph(tmp_path / "2.png", 2, (24, 16))
    assert found(look("csv", tmp_path, decode=True)) == [("2.png", "photograph", "is 24 x 16 pixels, too small to be a photograph")]


def test_masks_that_do_not_fit(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    Image.new("L", (12, 8), 76).save(tmp_path / TRUTHS / "IDRiD_01_MA.tif")
    (tmp_path / TRUTHS / "IDRiD_02_MA.tif").write_text("no mask")
    Image.new("L", SIZE, 0).save(tmp_path / TRUTHS / "IDRiD_04_MA.tif")
    expected = [
        ("IDRiD_01_MA.tif", "mask", "is 12x8 px, its photograph 96x64"),
        ("IDRiD_02_MA.tif", "mask", "cannot be read: no image file"),
    ]
    assert found(look("idrid-segmentation", tmp_path)) == expected
    empty = ("IDRiD_04_MA.tif", "mask", "is empty, yet an absent lesion has no mask file")
    assert found(look("idrid-segmentation", tmp_path, decode=True)) == [*expected, empty]


def test_a_resized_copy_is_found_by_its_picture_only(tmp_path: Path) -> None:
    for name, number, size in (("a", 1, (192, 128)), ("b", 1, (96, 64)), ("c", 2, (192, 128))):
        Image.fromarray(draw_fundus(seed=number)[0]).resize(size, Image.Resampling.BOX).save(tmp_path / f"{name}.jpg", quality=90)
    alike = same_pictures(np.stack([thumbnail(read_pixels(tmp_path / f"{name}.jpg")) for name in "abc"]))
    assert alike == [(0, 1)]


def test_blank_pictures_are_no_copies(tmp_path: Path) -> None:
    for value in (10, 20):
        Image.new("RGB", (96, 64), (value,) * 3).save(tmp_path / f"{value}.png")
    blank = [thumbnail(read_pixels(tmp_path / f"{value}.png")) for value in (10, 20)]
    assert not np.any(blank) and same_pictures(np.stack(blank)) == []


def drawn_photograph(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_fundus(seed=seed)[0]).save(path)


def test_a_leak_between_segmentation_and_grading_is_found_by_decoding(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", {"IDRiD_01": 1}, ())
    segmentation(tmp_path, "test", {"IDRiD_60": 2}, ())
    grading(tmp_path, "train", {f"IDRiD_{n:03d}": (n, 2, 2) for n in (10, 11)})
    images = "1. Original Images/a. Training Set"
    drawn_photograph(tmp_path / "A. Segmentation/1. Original Images/b. Testing Set/IDRiD_60.jpg", 3)
    drawn_photograph(tmp_path / "A. Segmentation" / images / "IDRiD_01.jpg", 4)
    for name, seed in (("IDRiD_010", 3), ("IDRiD_011", 4)):
        small = Image.fromarray(draw_fundus(seed=seed)[0]).resize((96, 64), Image.Resampling.BOX)
        small.save(tmp_path / "B. Disease Grading" / images / f"{name}.jpg", quality=95)
    reports = [look(name, tmp_path, decode=True) for name in ("idrid", "idrid-segmentation")]
    (problem,) = hidden_copies(reports)  # 011 is in training of both parts, which is no leak
    assert problem.kind == "leak" and problem.file.name == "IDRiD_010.jpg"
    assert problem.text == (
        "idrid train IDRiD_010 (grade 2, DME 2) and idrid-segmentation test IDRiD_60 show one photograph in different files; both kept"
    )


def test_an_unreadable_photograph_has_no_hidden_copies(tmp_path: Path) -> None:
    graded(tmp_path)
    for number in (0, 1):
        (tmp_path / f"{number}.png").write_text(f"no picture {number}")
    assert hidden_copies([look("csv", tmp_path, decode=True)]) == []


def test_counts(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 3, 2), "IDRiD_002": (2, 0, 0), "IDRiD_003": (3, 0, 1)})
    values = counts(load("idrid", tmp_path).records)["train"]
    assert values == {
        "photographs": 3,
        "grade": {"0": 2, "1": 0, "2": 0, "3": 1, "4": 0, "none": 0},
        "dme": {"0": 1, "1": 1, "2": 1},
    }


def test_counts_of_lesions_are_of_photographs(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE, ("MA", "OD"))
    (tmp_path / TRUTHS / "IDRiD_01_MA.tif").unlink()
    values = counts(load("idrid-segmentation", tmp_path).records)
    assert values["train"] == {"photographs": 4, "lesions": {"MA": 3, "HE": 0, "EX": 0, "SE": 0}, "disc": 4}
    assert values["validation"]["lesions"]["MA"] == 1


@pytest.mark.parametrize("decode", [False, True])
def test_a_problem_leaves_the_others_counted(tmp_path: Path, decode: bool) -> None:
    graded(tmp_path)
    (tmp_path / "2.png").unlink()
    report = look("csv", tmp_path, decode)
    assert found(report) == [("2.png", "missing", "no such photograph, listed in labels.csv")] and len(report.records) == 2
