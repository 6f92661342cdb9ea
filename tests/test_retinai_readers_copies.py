"""One photograph twice."""

from __future__ import annotations

from pathlib import Path

from drawn_sets import photograph

from retinai.readers.copies import copies, same_bytes
from retinai.readers.listing import Listing
from retinai.readers.record import Record
from retinai.readers.splits import prepare


def record(folder: Path, name: str, number: int, split: str = "train", grade: int | None = 0, dme: int | None = None) -> Record:
    """Photograph `number` under the name `name`."""
    return Record(name, split, photograph(folder / split / f"{name}.png", number), "drawn", grade=grade, dme=dme)


def prepared(*records: Record, fixed: bool = False) -> Listing:
    return prepare(Listing("drawn", Path(), list(records), fixed=fixed))


def kept(listing: Listing) -> list[tuple[str, str]]:
    return [(r.split, r.id) for r in listing.records]


def test_equal_bytes_are_grouped_and_equal_sizes_are_not_enough(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcde"]
    for path, content in zip(paths, (b"one", b"two", b"one", b"", b""), strict=True):
        path.write_bytes(content)
    assert same_bytes(paths) == [[paths[0], paths[2]]]  # and empty files are no photographs, so no copies


def test_copies_that_agree_keep_the_first(tmp_path: Path) -> None:
    listing = prepared(record(tmp_path, "079", 1, grade=1), record(tmp_path, "279", 1, grade=1), record(tmp_path, "x", 2))
    assert kept(listing) == [("train", "079"), ("train", "x")]
    assert [r.id for r in listing.dropped] == ["279"]
    assert [(p.file.name, p.kind, p.text) for p in listing.problems] == [
        ("279.png", "copy", "train 079 (grade 1) and train 279 (grade 1) are one photograph; kept: train 079")
    ]


def test_copies_that_conflict_are_all_dropped(tmp_path: Path) -> None:
    listing = prepared(record(tmp_path, "021", 1, grade=1), record(tmp_path, "391", 1, grade=2), record(tmp_path, "x", 2))
    assert kept(listing) == [("train", "x")]
    assert listing.problems[0].text == "train 021 (grade 1) and train 391 (grade 2) are one photograph with different labels; kept: none"


def test_a_conflict_in_dme_alone_is_a_conflict(tmp_path: Path) -> None:
    assert kept(prepared(record(tmp_path, "045", 1, dme=0), record(tmp_path, "333", 1, dme=1))) == []


def test_a_training_copy_of_a_test_photograph_is_dropped_and_the_test_one_stays(tmp_path: Path) -> None:
    listing = prepared(record(tmp_path, "118", 1, grade=0), record(tmp_path, "064", 1, "test", grade=3), record(tmp_path, "x", 2))
    assert kept(listing) == [("test", "064"), ("train", "x")]
    assert [(p.file.name, p.kind) for p in listing.problems] == [("118.png", "leak")]
    assert listing.problems[0].text == "train 118 (grade 0) and test 064 (grade 3) are one photograph with different labels; kept: test 064"


def test_copies_within_the_published_test_part_stay(tmp_path: Path) -> None:
    listing = prepared(record(tmp_path, "1", 1, "test", grade=0), record(tmp_path, "2", 1, "test", grade=1))
    assert kept(listing) == [("test", "1"), ("test", "2")] and listing.problems[0].text.endswith("kept: all")


def test_published_validation_wins_over_training(tmp_path: Path) -> None:
    assert kept(prepared(record(tmp_path, "t", 1), record(tmp_path, "v", 1, "validation"))) == [("validation", "v")]


def test_a_fixed_listing_is_reported_but_not_changed(tmp_path: Path) -> None:
    listing = prepared(record(tmp_path, "t", 1), record(tmp_path, "v", 1, "validation"), fixed=True)
    assert kept(listing) == [("train", "t"), ("validation", "v")] and [p.kind for p in listing.problems] == ["leak"]


def test_one_file_listed_twice_is_a_copy(tmp_path: Path) -> None:
    once = record(tmp_path, "a", 1, grade=0)
    again = Record("a", "train", once.image, "drawn", grade=2)
    assert copies([once, again]) == [[0, 1]] and kept(prepared(once, again)) == []


def test_a_pin_reaches_the_copies_of_its_photograph(tmp_path: Path) -> None:
    records = [record(tmp_path, "028", 1), record(tmp_path, "327", 1), record(tmp_path, "x", 2)]
    listing = prepare(Listing("drawn", Path(), records, pins={"028": "drop"}))
    assert kept(listing) == [("train", "x")]
    text = "train {} (grade 0) shows a segmentation test photograph; left out"
    assert [p.text for p in listing.problems] == [text.format(name) for name in ("028", "327")]
