"""Merging sets: sources and splits kept, copies left out, leaks refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from drawn_sets import photograph
from typer.testing import CliRunner

from retinai.cli import app
from retinai.errors import DataError, UsageError
from retinai.readers import detect, load, read


def a_set(root: Path, rows: dict[str, tuple[int, int, str]]) -> Path:
    """A plain CSV set: name -> (number of the photograph, grade, split)."""
    for name, (number, _, _) in rows.items():
        photograph(root / name, number)
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["image", "grade", "split", "patient"], *([n, g, s, "p1"] for n, (_, g, s) in rows.items())])
    return root


def merge(output: Path, *roots: Path) -> dict:
    words = ["data", "merge", *(f"csv={root}" for root in roots), "--output", str(output), "--json"]
    return json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)


def test_two_sets_keep_their_splits_and_read_back(tmp_path: Path) -> None:
    first = a_set(tmp_path / "a", {"x.png": (1, 0, "train"), "y.png": (2, 3, "validation")})
    second = a_set(tmp_path / "b", {"z.png": (3, 4, "train"), "w.png": (1, 0, "train")})  # w is x again
    values = merge(tmp_path / "out", first, second)
    assert values["photographs"] == {"csv train": 2, "csv validation": 1} and values["copies_left_out"] == 1
    assert detect(tmp_path / "out") == ["merged"]
    train = read("merged", tmp_path / "out", "train")
    assert [(r.id, r.grade, r.source, r.patient) for r in train] == [("csv:x.png", 0, "csv", "csv:p1"), ("csv:z.png", 4, "csv", "csv:p1")]
    assert all(record.image.is_file() for record in load("merged", tmp_path / "out" / "merged.csv").records)


def test_one_photograph_in_two_splits_is_refused(tmp_path: Path) -> None:
    first = a_set(tmp_path / "a", {"x.png": (1, 0, "train"), "y.png": (2, 3, "validation")})
    second = a_set(tmp_path / "b", {"z.png": (2, 3, "train")})
    with pytest.raises(DataError, match=r"leak: validation csv:y.png \(grade 3\) and train csv:z.png \(grade 3\) are one photograph"):
        merge(tmp_path / "out", first, second)
    assert not (tmp_path / "out").exists()


def test_two_labels_of_one_photograph_are_refused(tmp_path: Path) -> None:
    first, second = a_set(tmp_path / "a", {"x.png": (1, 0, "train")}), a_set(tmp_path / "b", {"z.png": (1, 2, "train")})
    with pytest.raises(DataError, match="one photograph with different labels"):
        merge(tmp_path / "out", first, second)


def test_a_word_without_a_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'idrid' is not NAME=ROOT"):
        CliRunner().invoke(app, ["data", "merge", "idrid", "--output", str(tmp_path)], catch_exceptions=False)
