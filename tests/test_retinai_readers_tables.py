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


ROWS = [{"image": "im0", "grade": "0"}, {"image": "im1", "grade": "1"}]
PLAIN = "image,grade\nim0,0\nim1,1\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode("utf-8-sig"),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.encode("utf-16-be").join([b"\xfe\xff", b""]),
        ("sep=;\r\n" + PLAIN.replace(",", ";")).encode(),
        ('"image"; Grade\n' + "im0;0 \n;\nim1;1").encode(),
    ],
)
def test_every_delimiter_encoding_and_line_end_gives_the_same_rows(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    assert read_rows(tmp_path / "t.csv", "image", "grade") == ROWS and columns(tmp_path / "t.csv") == {"image", "grade"}


def test_windows_text_and_quoted_newlines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes('image,clinic\nim0,"Z\u00fcrich,\nOst"\n'.encode("cp1252"))
    assert read_rows(tmp_path / "t.csv", "image") == [{"image": "im0", "clinic": "Z\u00fcrich,\nOst"}]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"image,grade,Grade \n", "has more than one column grade; leave one of each"),
        (b"image,grade,grade.1\n", "has more than one column grade; leave one of each"),
        (b"image,grade\nDoe, Jane,2\n", "row 2 has 3 cells for 2 columns; put names with commas in quotes"),
        (b'image,grade\nim0,"2\nim1,3\n', "is no CSV file: unexpected end of data"),
        (b'image,grade,note\nim0,2,"x\nim1,3,"y\n', "is no CSV file: ',' expected after '\"'"),
        ("image,grade\n".encode("utf-16-le"), "is no CSV file: it holds null bytes; save it as UTF-8"),
        (b"PK\3\4", "is no CSV file: it is a spreadsheet or ZIP file; save it as CSV"),
        (b"<!DOCTYPE html>", "is no CSV file: it is a web page or XML; save it as CSV"),
        (b"\x1b[2Jimage,level\n", r"has no column image, grade; it has \\x1b\[2jimage, level"),
    ],
)
def test_a_table_that_would_be_misread_is_refused_by_its_trouble(tmp_path: Path, data: bytes, line: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(DataError, match=rf"t\.csv:? {line}"):
        read_rows(tmp_path / "t.csv", "image", "grade")


def test_hidden_tables_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "._a.csv").write_text("image,grade\n")
    assert find_table(tmp_path, "image") is None
