"""What second readers say: kept by hashes alone, the last opinion counts, and comes out as labels that the readers take."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from apps.feedback import Store
from apps.labels import export, grade_labels
from retinai.errors import DataError, UsageError
from retinai.readers import load
from retinai.types import Explanation, GradeInterval, Landmarks, Lesion, Place, Quality

LESION = Lesion("HE-1", "HE", (10, 20, 3, 2), 6, 0.9, Place((11.0, 20.5)))


def explanation(image: str = "a" * 64, visible: int = 2) -> Explanation:
    """Of a file that was called after a person."""
    provenance = {"image_sha256": image, "weights_sha256": "b" * 64, "versions": {"retinai": "0.1"}, "vlm": {"name": "vlm:nano"}}
    interval = GradeInterval(1, visible, 4, ("ICDR-2",), ("HE-1",))
    return Explanation("Jane_Doe", Quality(True), Landmarks(), (LESION,), (), interval, 0, None, (), "", provenance)


@pytest.fixture()
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "feedback.sqlite")


def test_an_own_grade_is_blind_only_before_the_reading_was_seen(store: Store) -> None:
    store.grade(explanation(), "own", 1)
    store.grade(explanation(), "own", 3, seen=True)
    assert [(row["grade"], row["blind"]) for row in store.grades()] == [(1, 1), (3, 0)]
    assert grade_labels(store.grades()) == {"a" * 64: 3}  # the later one takes the place of the one before


def test_a_grade_is_kept_with_hashes_and_version(store: Store) -> None:
    store.grade(explanation(), "disagree", 3, reader="r1")
    (row,) = store.grades()
    assert (row["image_sha256"], row["weights_sha256"], row["version"]) == ("a" * 64, "b" * 64, "0.1")
    assert (row["verdict"], row["grade"], row["lesion_grade"], row["vlm_grade"], row["blind"]) == ("disagree", 3, 2, None, 0)
    assert json.loads(row["vlm"]) == {"name": "vlm:nano"} and row["at"].endswith("+00:00")


def test_the_file_s_name_is_nowhere(store: Store) -> None:
    store.grade(explanation(), "agree")
    store.lesion(explanation(), LESION, [np.array([[10, 20], [12, 21]])], "accept")
    kept = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"Jane" not in kept and b"Doe" not in kept


def test_the_journal_is_written_ahead(store: Store) -> None:
    store.grade(explanation(), "agree")
    with sqlite3.connect(store.path) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_the_last_opinion_counts_and_the_blind_one_stays_beside_it(store: Store) -> None:
    for verdict, grade in (("own", 1), ("disagree", 4), ("agree", None)):
        store.grade(explanation(), verdict, grade, "r1")  # type: ignore[arg-type]
    assert [(row["blind"], row["verdict"], row["grade"]) for row in store.grades()] == [(1, "own", 1), (0, "agree", None)]


def test_a_blind_reader_may_say_ungradable(store: Store) -> None:
    store.grade(explanation(), "own", None)
    assert [(row["verdict"], row["blind"]) for row in store.grades()] == [("ungradable", 1)]


def test_no_such_grade(store: Store) -> None:
    with pytest.raises(ValueError, match="0 to 4, got 5"):
        store.grade(explanation(), "disagree", 5)


def test_a_lesion_is_kept_with_its_outline_and_the_last_verdict(store: Store) -> None:
    for verdict in ("accept", "reject"):
        store.lesion(explanation(), LESION, [np.array([[10, 20], [12, 21]])], verdict, "r1")  # type: ignore[arg-type]
    (row,) = store.lesions()
    assert (row["lesion"], row["verdict"], row["box"]) == ("HE-1", "reject", [10, 20, 3, 2])
    assert row["outlines"] == [[[10, 20], [12, 21]]]
    assert store.lesion_verdicts(explanation(), "r1") == {"HE-1": "reject"}
    assert store.lesion_verdicts(explanation(), "r2") == store.lesion_verdicts(explanation("c" * 64), "r1") == {}


def test_sessions_write_at_the_same_time(store: Store) -> None:
    threads = [threading.Thread(target=lambda n=n: store.grade(explanation(f"{n:064d}"), "agree")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.grades()) == 8


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, only called one" * 50)
    with pytest.raises(DataError, match=r"the feedback in .*notes.txt cannot be used"):
        Store(tmp_path / "notes.txt").grades()


def opinion(id: int, image: str, verdict: str, grade: int | None = None, reader: str = "r1", blind: int = 0) -> dict[str, object]:
    return {"id": id, "image_sha256": image, "verdict": verdict, "grade": grade, "reader": reader, "blind": blind, "lesion_grade": 2}


def test_labels_are_what_the_readers_agree_on() -> None:
    rows = [
        opinion(1, "same", "agree"), opinion(2, "same", "disagree", 2, "r2"),
        opinion(3, "differ", "agree"), opinion(4, "differ", "disagree", 3, "r2"),
        opinion(5, "corrected", "disagree", 0),
        opinion(6, "not-this", "disagree"),
        opinion(7, "none", "ungradable"),
        opinion(8, "changed", "own", 1, blind=1), opinion(9, "changed", "agree"),
        opinion(10, "blind", "own", 4, blind=1),
    ]  # fmt: skip
    assert grade_labels(rows) == {"same": 2, "corrected": 0, "changed": 2, "blind": 4}


def test_the_export_is_read_as_a_data_set(store: Store, tmp_path: Path) -> None:
    import hashlib

    from drawn import draw_fundus
    from PIL import Image

    photographs = tmp_path / "clinic" / "day1"
    photographs.mkdir(parents=True)
    Image.fromarray(draw_fundus()[0]).save(photographs / "x.png")
    store.grade(explanation(hashlib.sha256((photographs / "x.png").read_bytes()).hexdigest()), "disagree", 3)
    store.grade(explanation("e" * 64), "agree")
    store.lesion(explanation(), LESION, [], "accept")
    assert export(store, tmp_path / "labels", tmp_path / "clinic") == {"labels": 1, "grades": 2, "lesions": 1}
    (record,) = load("csv", tmp_path / "labels" / "labels.csv").records
    assert (record.image.read_bytes(), record.grade) == ((photographs / "x.png").read_bytes(), 3) and "x" not in record.image.stem
    assert len((tmp_path / "labels" / "grades.jsonl").read_text().splitlines()) == 2


def test_without_photographs_the_labels_are_by_hash(store: Store, tmp_path: Path) -> None:
    store.grade(explanation(), "agree")
    export(store, tmp_path / "labels")
    assert (tmp_path / "labels" / "labels.csv").read_text() == f"image,grade\n{'a' * 64},2\n"


def test_nothing_to_export(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no feedback at"):
        export(store, tmp_path)
    store.grade(explanation(), "agree")
    with pytest.raises(UsageError, match="no folder at"):
        export(store, tmp_path, tmp_path / "none")
