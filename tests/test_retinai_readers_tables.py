"""Tables of labels as they are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from retinai.errors import DataError
from retinai.readers.tables import columns, find_table, read_rows, whole


def test_stray_spaces_nameless_columns_mark_and_empty_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfImage name, Grade ,,\r\nIDRiD_1 , 3,,\r\n,,,\r\nIDRiD_2\r\n")
    assert read_rows(path, "image name", "grade") == [{"image name": "IDRiD_1", "grade": "3"}, {"image name": "IDRiD_2", "grade": ""}]


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image,level\n1,2\n")
    with pytest.raises(DataError, match=r"t\.csv has no column grade; it has image, level"):
        read_rows(path, "image", "grade")


def test_what_is_no_table_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(DataError, match="is no CSV file"):
        read_rows(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"no table at .*none\.csv: No such file"):
        read_rows(tmp_path / "none.csv")
    assert columns(tmp_path / "t.csv") == set() == columns(tmp_path / "none.csv")


def test_find_table_wants_every_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image\n")
    (tmp_path / "b.csv").write_text("Image,Grade\n")
    assert find_table(tmp_path, "image", "grade") == tmp_path / "b.csv"
    assert find_table(tmp_path, "image", "patient") is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("4", 4), ("2.0", 2), (" 3", 3)])
def test_whole_numbers(text: str, number: int) -> None:
    assert whole(text, 4) == number


@pytest.mark.parametrize(
    ("text", "words"), [("5", "'5' is not in 0-4"), ("-1", "not in"), ("1.5", "not in"), ("x", "not in"), ("nan", "not in"), ("", "empty")]
)
def test_anything_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        whole(text, 4)
