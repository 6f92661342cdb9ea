"""IDRiD in its official layout, and the traps that its two parts set."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_sets import grading, photograph, segmentation, table

from retinai.errors import DataError
from retinai.readers import load, read
from retinai.readers.idrid import hold_out_segmentation, read_segmentation
from retinai.readers.idrid_overlap import LINK_FILE, copies_of_test, read_links

FIVE = {f"IDRiD_{n:02d}": n for n in range(1, 6)}
GRADING_NAMES = [f"IDRiD_{n:03d}" for n in range(1, 414)]


def ids(root: Path, split: str, name: str = "idrid") -> list[str]:
    return [record.id for record in read(name, root, split)]


def test_header_with_trailing_commas_and_spaces(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 3, 2), "IDRiD_002": (2, 0, 0)})
    records = read("idrid", tmp_path, "train")
    assert [(r.id, r.grade, r.dme, r.source) for r in records] == [("IDRiD_001", 3, 2, "idrid"), ("IDRiD_002", 0, 0, "idrid")]
    assert records[0].image.is_file()


def test_numbers_restart_in_the_test_part(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 0, 0)})
    grading(tmp_path, "test", {"IDRiD_001": (2, 4, 2)})
    listing = load("idrid", tmp_path)
    assert [(r.split, r.id, r.grade) for r in listing.records] == [("train", "IDRiD_001", 0), ("test", "IDRiD_001", 4)]
    assert len({(r.split, r.id) for r in listing.records}) == 2 and listing.problems == []


def test_train_118_is_test_064(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_117": (117, 0, 0), "IDRiD_118": (9, 0, 0)})
    grading(tmp_path, "test", {"IDRiD_064": (9, 3, 2), "IDRiD_065": (65, 0, 0)})
    assert ids(tmp_path, "train") == ["IDRiD_117"] and ids(tmp_path, "test") == ["IDRiD_064", "IDRiD_065"]
    (problem,) = load("idrid", tmp_path).problems
    assert problem.file.name == "IDRiD_118.jpg" and problem.kind == "leak"
    assert problem.text.startswith("train IDRiD_118 (grade 0, DME 0) and test IDRiD_064 (grade 3, DME 2) are one photograph with different")
    assert problem.text.endswith("; kept: test IDRiD_064")


def test_duplicates_with_conflicting_labels(tmp_path: Path) -> None:
    rows = {"IDRiD_021": (1, 1, 0), "IDRiD_391": (1, 2, 0), "IDRiD_079": (2, 1, 0), "IDRiD_279": (2, 1, 0), "IDRiD_001": (3, 0, 0)}
    grading(tmp_path, "train", rows)
    assert ids(tmp_path, "train") == ["IDRiD_079", "IDRiD_001"]
    assert [p.file.name for p in load("idrid", tmp_path).problems] == ["IDRiD_021.jpg", "IDRiD_279.jpg"]


def test_validation_is_every_fifth_from_the_third() -> None:
    names = [f"IDRiD_{n:02d}" for n in range(1, 55)]
    assert hold_out_segmentation(names) == [f"IDRiD_{n:02d}" for n in range(3, 55, 5)] and len(hold_out_segmentation(names)) == 11


def test_segmentation_reads_the_same_by_either_name(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    for split in ("train", "validation"):
        assert read("idrid-segmentation", tmp_path, split) == read_segmentation(tmp_path, split)
    assert ids(tmp_path, "validation", "idrid-segmentation") == ["IDRiD_03"]


def test_a_missing_mask_is_an_absent_lesion(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE, ("MA", "SE"))
    (tmp_path / "A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/4. Soft Exudates/IDRiD_01_SE.tif").unlink()
    first, second = read_segmentation(tmp_path, "train")[:2]
    assert set(first.masks) == {"MA"} and set(second.masks) == {"MA", "SE"}
    assert load("idrid-segmentation", tmp_path).problems == []


def test_a_missing_mask_folder_and_a_stray_mask_are_problems(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    truths = tmp_path / "A. Segmentation/2. All Segmentation Groundtruths/a. Training Set"
    (truths / "3. Hard Exudates").rmdir()
    (truths / "1. Microaneurysms/IDRiD_05_MA.tif").rename(truths / "1. Microaneurysms/IDRiD_5_MA.tif")
    problems = load("idrid-segmentation", tmp_path).problems
    assert [(p.file.name, p.kind) for p in problems] == [("IDRiD_5_MA.tif", "unlisted"), ("3. Hard Exudates", "missing")]
    assert "counts as without EX" in problems[1].text


def linked(root: Path, *pairs: tuple[str, str]) -> None:
    table(root / LINK_FILE, "segmentation_image,grading_image,dr_grade,dme", *(f"{a},{b},2,2" for a, b in pairs))


def test_what_segmentation_holds_out_grading_holds_out(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    grading(tmp_path, "train", {f"IDRiD_{n:03d}": (100 + n, 2, 2) for n in range(1, 21)})
    free = ids(tmp_path, "validation")
    assert len(free) == 4
    linked(tmp_path, ("IDRiD_03", "IDRiD_001"), ("IDRiD_01", free[0]), ("IDRiD_02", free[1]))
    held_out = ids(tmp_path, "validation")
    assert len(held_out) == 4 and "IDRiD_001" in held_out and not set(free[:2]) & set(held_out)
    assert set(free[:2]) <= set(ids(tmp_path, "train"))


def test_shared_files_are_found_without_the_link_file(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    segmentation(tmp_path, "test", {"IDRiD_60": 60})
    rows = {f"IDRiD_{n:03d}": (100 + n, 2, 2) for n in range(1, 11)}
    grading(tmp_path, "train", rows | {"IDRiD_050": (3, 2, 2), "IDRiD_051": (1, 2, 2), "IDRiD_052": (60, 2, 2)})
    assert "IDRiD_050" in ids(tmp_path, "validation") and "IDRiD_051" in ids(tmp_path, "train")
    listing = load("idrid", tmp_path)
    assert [r.id for r in listing.dropped] == ["IDRiD_052"]
    assert [(p.kind, p.text) for p in listing.problems] == [
        ("leak", "train IDRiD_052 (grade 2, DME 2) shows a segmentation test photograph; left out")
    ]


def test_a_test_photograph_with_known_masks_is_reported_and_kept(tmp_path: Path) -> None:
    segmentation(tmp_path, "train", FIVE)
    grading(tmp_path, "train", {"IDRiD_001": (101, 0, 0)})
    grading(tmp_path, "test", {"IDRiD_001": (2, 4, 2)})
    listing = load("idrid", tmp_path)
    assert [(p.file.parent.name, p.kind) for p in listing.problems] == [("b. Testing Set", "leak")]
    assert listing.problems[0].text == "test IDRiD_001 is a segmentation train photograph; kept"
    assert len(listing.records) == 2


def test_the_published_overlap_is_known_without_the_link_file(tmp_path: Path) -> None:
    links = dict((grading, segmentation) for segmentation, grading in read_links(tmp_path, GRADING_NAMES))
    assert len(links) == 44 and links["IDRiD_102"] == "IDRiD_01" and links["IDRiD_271"] == "IDRiD_39"
    held_out = set(hold_out_segmentation([f"IDRiD_{n:02d}" for n in range(1, 55)]))
    assert held_out <= set(links.values())  # every segmentation validation photograph is a grading photograph too
    assert len(copies_of_test(GRADING_NAMES)) == 17 and not copies_of_test(GRADING_NAMES) & set(links)


def test_numbers_of_the_published_set_are_not_applied_to_a_part_of_it(tmp_path: Path) -> None:
    assert read_links(tmp_path, GRADING_NAMES[:50]) == [] and copies_of_test(GRADING_NAMES[:50]) == set()


def test_a_wrong_folder_says_what_was_expected_where(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no IDRiD grading labels: expected .*B\. Disease Grading/2\. Groundtruths/a\. IDRiD_Disease"):
        read("idrid", tmp_path, "train")
    with pytest.raises(DataError, match=r"no IDRiD segmentation photographs: expected \*\.jpg in .*a\. Training Set"):
        read("idrid-segmentation", tmp_path, "train")


def test_labels_without_photographs(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 0, 0)})
    (tmp_path / "B. Disease Grading/1. Original Images/a. Training Set/IDRiD_001.jpg").unlink()
    with pytest.raises(DataError, match=r"nothing in .* can be used as IDRiD grading; .*no photographs: expected .*a\. Training Set"):
        read("idrid", tmp_path, "train")


def test_missing_unlisted_and_bad_labels_are_problems_not_crashes(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 0, 0), "IDRiD_002": (2, 7, 0), "IDRiD_003": (3, 0, 0), "IDRiD_004": (4, 1, 3)})
    folder = tmp_path / "B. Disease Grading/1. Original Images/a. Training Set"
    (folder / "IDRiD_003.jpg").rename(folder / "IDRiD_300.jpg")
    assert ids(tmp_path, "train") == ["IDRiD_001"]
    found = [(p.file.name, p.kind, p.text) for p in load("idrid", tmp_path).problems]
    name = "a. IDRiD_Disease Grading_Training Labels.csv"
    assert found == [
        ("IDRiD_002.jpg", "label", f"grade in {name}: '7' is not in 0-4"),
        ("IDRiD_003.jpg", "missing", f"no such photograph, listed in {name}"),
        ("IDRiD_004.jpg", "label", f"dme in {name}: '3' is not in 0-2"),
        ("IDRiD_300.jpg", "unlisted", f"not listed in {name}"),
    ]


def test_the_test_part_may_be_absent(tmp_path: Path) -> None:
    grading(tmp_path, "train", {"IDRiD_001": (1, 0, 0)})
    with pytest.raises(DataError, match=r"has no test photographs, only train"):
        read("idrid", tmp_path, "test")
    photograph(tmp_path / "B. Disease Grading/1. Original Images/b. Testing Set/IDRiD_001.jpg", 2)  # without its labels
    assert ids(tmp_path, "train") == ["IDRiD_001"]
