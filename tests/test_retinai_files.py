"""Files known by their content, and written whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from retinai.files import sha256_of, sha256_of_folder, whole


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with whole(path, newline="") as file:
        file.write("old\r\n")
    with pytest.raises(ZeroDivisionError), whole(path) as file:
        file.write("new" * 1_000_000)
        raise ZeroDivisionError
    assert path.read_bytes() == b"old\r\n"


def test_a_reader_meets_nothing_before_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "squares.npy"
    with whole(path, "wb") as file:
        file.write(b"\x00\xff")
        assert not path.exists()
    assert path.read_bytes() == b"\x00\xff" and list(tmp_path.iterdir()) == [path]


def test_checksums_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"b")
    (tmp_path / "c.md").write_bytes(b"c")
    one, two = hashlib.sha256(b"a"), hashlib.sha256(b"b")
    assert sha256_of(tmp_path / "a.txt") == one.hexdigest()
    assert sha256_of_folder(tmp_path, "*.txt") == hashlib.sha256(one.digest() + two.digest()).hexdigest()
