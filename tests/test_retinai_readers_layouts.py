"""The other data sets, each in the layout in which it is published."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_sets import grading, photograph, segmentation, table

from retinai.errors import DataError
from retinai.readers import READERS, Record, detect, load, read
from retinai.readers.words import grade_in_words


def aptos(root: Path) -> Path:
    for number, name in enumerate(("000c1434d8d7", "001639a390f0"), 1):
        photograph(root / "train_images" / f"{name}.png", number)
    photograph(root / "test_images" / "0005cfc8afb6.png", 3)
    table(root / "train.csv", "id_code,diagnosis", "000c1434d8d7,2", "001639a390f0,4")
    table(root / "test.csv", "id_code", "0005cfc8afb6")
    return root


def eyepacs(root: Path) -> Path:
    for number, name in enumerate(("10_left", "10_right"), 1):
        photograph(root / "train" / f"{name}.jpeg", number)
    table(root / "trainLabels.csv", "image,level", "10_left,0", "10_right,1")
    return root


def ddr(root: Path) -> Path:
    for number, split in enumerate(("train", "valid", "test"), 1):
        photograph(root / "DR_grading" / split / f"007-000{number}-000.jpg", number)
        table(root / "DR_grading" / f"{split}.txt", f"007-000{number}-000.jpg {(0, 5, 4)[number - 1]}")
    return root


def messidor2(root: Path) -> Path:
    photograph(root / "IMAGES" / "20051020_43808_0100_PP.png", 1)
    photograph(root / "IMAGES" / "IM000001.JPG", 2)
    header = "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable"
    table(root / "messidor_data.csv", header, "20051020_43808_0100_PP.png,2.0,1,1", "IM000001.jpg,,,0")
    return root


def deepdrid(root: Path) -> Path:
    base = root / "regular_fundus_images"
    header = "patient_id,image_id,image_path,Overall quality,left_eye_DR_Level,right_eye_DR_Level,patient_DR_Level"
    for part, patient in (("regular-fundus-training", 1), ("regular-fundus-validation", 265)):
        for number, view in enumerate(("l1", "r1"), 1):
            photograph(base / part / "Images" / str(patient) / f"{patient}_{view}.jpg", 10 * patient + number)
        rows = f"{patient},{patient}_l1,\\{part}\\{patient}\\{patient}_l1.jpg,1,3.0,,3", f"{patient},{patient}_r1,x,0,,5.0,3"
        table(base / part / f"{part}.csv", header, *rows)
    return root


def rahim2025(root: Path) -> Path:
    for number, name in enumerate(("Patient001_L", "Patient001_R"), 1):
        photograph(root / "images" / f"{name}.jpg", number)
    header = "image,patient,eye,dr_grade,maculopathy"
    table(root / "labels.csv", header, "Patient001_L.jpg,Patient001,L,0,0", "Patient001_R.jpg,Patient001,R,2,1")
    return root


def eye4(root: Path) -> Path:
    for number, name in enumerate(("cataract_1", "dr_1"), 1):
        photograph(root / "images" / f"{name}.jpg", number)
    header = "image,label,dr_grade,patient,source"
    table(root / "labels.csv", header, "cataract_1.jpg,cataract,,c1,other", "dr_1.jpg,diabetic_retinopathy,2,d1,eyepacs")
    return root


def folders(root: Path) -> Path:
    photograph(root / "No_DR" / "a.png", 1)
    photograph(root / "Proliferate_DR" / "a.png", 2)
    return root


def plain(root: Path) -> Path:
    photograph(root / "pictures" / "a" / "1.png", 1)
    photograph(root / "pictures" / "b" / "1.png", 2)
    table(root / "my labels.csv", "Image,Grade,split,dme", "pictures/a/1.png,3,train,2", "pictures/b/1.png,1,valid,")
    return root


def idrid(root: Path) -> Path:
    return segmentation(grading(root, "train", {"IDRiD_001": (1, 0, 0)}), "train", {"IDRiD_01": 2})


LAYOUTS = {
    "aptos": aptos, "eyepacs": eyepacs, "ddr": ddr, "messidor2": messidor2, "deepdrid": deepdrid, "rahim2025": rahim2025,
    "eye4": eye4, "folders": folders, "csv": plain,
}  # fmt: skip


def all_of(name: str, root: Path) -> list[Record]:
    listing = load(name, LAYOUTS[name](root))
    assert listing.problems == []
    return listing.records


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_recognised(tmp_path: Path, name: str) -> None:
    assert detect(LAYOUTS[name](tmp_path)) == [name]


def test_both_parts_of_idrid_are_recognised(tmp_path: Path) -> None:
    assert detect(idrid(tmp_path)) == ["idrid", "idrid-segmentation"]


def test_aptos(tmp_path: Path) -> None:
    found = [(r.id, r.split, r.grade, r.image.name) for r in all_of("aptos", tmp_path)]
    assert found[0] == ("000c1434d8d7", "train", 2, "000c1434d8d7.png")
    assert found[2] == ("0005cfc8afb6", "unlabelled", None, "0005cfc8afb6.png") and len(found) == 3


def test_eyepacs_names_hold_patient_and_eye(tmp_path: Path) -> None:
    assert [(r.patient, r.eye, r.grade) for r in all_of("eyepacs", tmp_path)] == [("10", "left", 0), ("10", "right", 1)]


def test_ddr_grade_5_is_ungradable(tmp_path: Path) -> None:
    found = [(r.id, r.split, r.grade, r.gradable) for r in all_of("ddr", tmp_path)]
    assert found == [("007-0001-000", "train", 0, True), ("007-0002-000", "validation", None, False), ("007-0003-000", "test", 4, True)]
    assert detect(tmp_path / "DR_grading") == ["ddr"] and len(load("ddr", tmp_path / "DR_grading").records) == 3


def test_ddr_lines_that_are_none(tmp_path: Path) -> None:
    table(ddr(tmp_path) / "DR_grading/train.txt", "007-0001-000.jpg 0", "007-0009-000.jpg", "")
    assert [(p.file.name, p.text) for p in load("ddr", tmp_path).problems] == [
        ("train.txt", "line 2 is not 'NAME.jpg GRADE': '007-0009-000.jpg'")
    ]


def test_messidor2_is_all_test_and_names_differ_in_case(tmp_path: Path) -> None:
    found = [(r.id, r.split, r.grade, r.maculopathy, r.dme, r.gradable) for r in all_of("messidor2", tmp_path)]
    assert found == [("20051020_43808_0100_PP", "test", 2, True, None, True), ("IM000001", "test", None, None, None, False)]
    with pytest.raises(DataError, match=r"Messidor-2 in .* has no train photographs, only test"):
        read("messidor2", tmp_path, "train")


def test_deepdrid_takes_the_grade_of_the_eye_in_the_picture(tmp_path: Path) -> None:
    found = [(r.id, r.split, r.grade, r.eye, r.patient, r.gradable) for r in all_of("deepdrid", tmp_path)]
    assert found[:2] == [("1_l1", "train", 3, "left", "1", True), ("1_r1", "train", None, "right", "1", False)]
    assert [r[1] for r in found] == ["train", "train", "validation", "validation"]


def test_deepdrid_test_labels_as_a_sheet_are_a_problem_that_says_what_to_do(tmp_path: Path) -> None:
    (deepdrid(tmp_path) / "regular_fundus_images/Online-Challenge1&2-Evaluation").mkdir()
    (tmp_path / "regular_fundus_images/Online-Challenge1&2-Evaluation/Challenge1_labels.xlsx").write_bytes(b"PK")
    assert [p.text for p in load("deepdrid", tmp_path).problems] == ["save this sheet as Challenge1_labels.csv to read the test part"]


def test_deepdrid_test_labels_as_csv(tmp_path: Path) -> None:
    base = deepdrid(tmp_path) / "regular_fundus_images/Online-Challenge1&2-Evaluation"
    photograph(base / "Images/347/347_l1.jpg", 99)
    table(base / "Challenge1_labels.csv", "image_id,DR_Levels", "347_l1,2")
    assert [(r.id, r.grade, r.eye) for r in read("deepdrid", tmp_path, "test")] == [("347_l1", 2, "left")]


def test_rahim2025_maculopathy_is_no_dme_risk(tmp_path: Path) -> None:
    found = [(r.patient, r.eye, r.grade, r.maculopathy, r.dme) for r in all_of("rahim2025", tmp_path)]
    assert found == [("Patient001", "left", 0, False, None), ("Patient001", "right", 2, True, None)]


def test_eye4_keeps_class_and_collection(tmp_path: Path) -> None:
    found = [(r.label, r.grade, r.source, r.patient) for r in all_of("eye4", tmp_path)]
    assert found == [("cataract", None, "eye4/other", "c1"), ("diabetic_retinopathy", 2, "eye4/eyepacs", "d1")]


def test_class_folders(tmp_path: Path) -> None:
    assert [(r.id, r.grade) for r in all_of("folders", tmp_path)] == [("No_DR_a.png", 0), ("Proliferate_DR_a.png", 4)]
    photograph(tmp_path / "cataract" / "c.png", 3)
    assert [(p.file.name, p.text) for p in load("folders", tmp_path).problems] == [
        ("cataract", "no grade has this name; its 1 photographs are left out")
    ]


def test_class_folders_within_split_folders(tmp_path: Path) -> None:
    for number, (split, grade) in enumerate((("train", "0"), ("val", "1"), ("test", "4"))):
        photograph(tmp_path / split / grade / "x.png", number)
    assert detect(tmp_path) == ["folders"]
    assert [(r.split, r.grade) for r in load("folders", tmp_path).records] == [("test", 4), ("train", 0), ("validation", 1)]


def test_classes_that_are_diseases_are_no_grades(tmp_path: Path) -> None:
    for number, name in enumerate(("normal", "cataract", "glaucoma")):
        photograph(tmp_path / name / "x.png", number)
    with pytest.raises(DataError, match="laid out as no data set known here"):
        detect(tmp_path)


@pytest.mark.parametrize(
    ("name", "grade"),
    [("0", 0), ("No_DR", 0), ("Mild", 1), ("moderate NPDR", 2), ("severe non-proliferative diabetic retinopathy", 3), ("Proliferate_DR", 4),
     ("PDR", 4), ("grade 4", 4),
     ("2 - Moderate", 2), ("0_No_DR", 0), ("3 mild", None), ("5", None), ("diabetic_retinopathy", None), ("NPDR", None),
     ("cataract", None)],
)  # fmt: skip
def test_grades_in_words(name: str, grade: int | None) -> None:
    assert grade_in_words(name) == grade


def test_plain_csv(tmp_path: Path) -> None:
    found = [(r.id, r.split, r.grade, r.dme) for r in all_of("csv", tmp_path)]
    assert found == [("pictures_a_1.png", "train", 3, 2), ("pictures_b_1.png", "validation", 1, None)]
    assert load("csv", tmp_path / "my labels.csv").records == load("csv", tmp_path).records
    assert detect(tmp_path / "my labels.csv") == ["csv"]


def test_plain_csv_with_a_split_that_is_none_and_a_name_that_two_files_have(tmp_path: Path) -> None:
    table(plain(tmp_path) / "my labels.csv", "image,grade,split", "pictures/a/1.png,0,train", "pictures/b/1.png,0,dev", "1,2,train")
    assert [(p.kind, p.text) for p in load("csv", tmp_path).problems] == [
        ("label", "split in my labels.csv: 'dev' is not train, validation or test"),
        ("missing", "no such photograph, listed in my labels.csv"),
    ]


@pytest.mark.parametrize("word", ["No DR,Mild,Moderate,Severe,Proliferative DR", "0,1.0,2,grade 3,PDR"])
def test_grades_in_words_are_read(tmp_path: Path, word: str) -> None:
    rows = [f"im{n},{grade}" for n, grade in enumerate(word.split(","))]
    for number in range(5):
        photograph(tmp_path / f"im{number}.jpg", number)
    table(tmp_path / "labels.csv", "image,grade", *rows)
    assert {r.id: r.grade for r in load("csv", tmp_path).records} == {f"im{n}": n for n in range(5)}


def test_words_that_are_no_grade_are_a_problem_of_their_row(tmp_path: Path) -> None:
    photograph(tmp_path / "im0.jpg", 0)
    photograph(tmp_path / "im1.jpg", 1)
    table(tmp_path / "labels.csv", "image,grade", "im0,R2M1", "im1,1")
    assert [p.text for p in load("csv", tmp_path).problems] == ["grade in labels.csv: 'R2M1' is not in 0-4"]


def test_two_columns_of_grades_that_differ_are_refused(tmp_path: Path) -> None:
    for number in range(2):
        photograph(tmp_path / f"im{number}.jpg", number)
    table(tmp_path / "labels.csv", "image,grade,level,diagnosis", "im0,0,0,cataract", "im1,Mild,1.0,none")
    assert [r.grade for r in load("csv", tmp_path).records] == [0, 1]
    table(tmp_path / "labels.csv", "image,grade,level", "im0,0,0", "im1,1,2")
    with pytest.raises(DataError, match=r"labels\.csv has the grade columns grade and level, which differ in row 3; leave one of them"):
        load("csv", tmp_path)


@pytest.mark.parametrize("name", ["folders", "aptos", "csv"])
def test_what_a_mac_puts_beside_photographs_is_none(tmp_path: Path, name: str) -> None:
    before = load(name, LAYOUTS[name](tmp_path))
    for path in [p for p in tmp_path.rglob("*") if p.is_file()]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7" + bytes(100))
        (path.parent / ".DS_Store").touch()
    after = load(name, tmp_path)
    assert (after.records, after.problems) == (before.records, []) and detect(tmp_path) == [name]


def test_hidden_files_are_no_photographs_of_idrid(tmp_path: Path) -> None:
    before = load("idrid-segmentation", segmentation(tmp_path, "train", {"IDRiD_01": 1, "IDRiD_02": 2}))
    for path in [p for p in tmp_path.rglob("*") if p.is_file()]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    after = load("idrid-segmentation", tmp_path)
    assert (after.records, after.problems) == (before.records, before.problems)


@pytest.mark.parametrize("name", READERS)
def test_a_wrong_folder_is_one_line_that_says_what_was_expected(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="expected") as caught:
        load(name, tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_names_splits_and_roots_list_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set 'idird'; there are idrid, idrid-segmentation, aptos, eyepacs, ddr, messidor2"):
        read("idird", tmp_path, "train")
    with pytest.raises(DataError, match="no split 'val'; there are train, validation, test, unlabelled"):
        read("csv", plain(tmp_path), "val")
    with pytest.raises(DataError, match=r"no folder at .*/none"):
        load("csv", tmp_path / "none")
    with pytest.raises(DataError, match=r"no folder at .*/none"):
        detect(tmp_path / "none")
