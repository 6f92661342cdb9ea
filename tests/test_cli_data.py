"""`retinai data check`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from drawn_sets import grading, segmentation
from typer.testing import CliRunner

from retinai.cli import main
from retinai.cli.data import app

ROWS = {f"IDRiD_{n:03d}": (n, n % 3, 0) for n in range(1, 16)}


def check(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def idrid(root: Path) -> Path:
    return segmentation(grading(root, "train", ROWS), "train", {f"IDRiD_{n:02d}": 100 + n for n in range(1, 6)})


def test_a_clean_set_is_counted_and_leaves_with_0(tmp_path: Path) -> None:
    status, text = check(idrid(tmp_path))
    assert status == 0 and text.count("No problems.") == 2
    lines = [line.split() for line in text.splitlines()]
    assert ["train", "validation"] in lines and ["photographs", "12", "3"] in lines and ["grade", "0", "4", "1"] in lines
    assert ["with", "microaneurysms", "(MA)", "4", "1"] in lines and ["DME", "risk", "0", "12", "3"] in lines


def test_problems_come_with_their_file_in_eighty_columns_and_leave_with_1(tmp_path: Path) -> None:
    grading(idrid(tmp_path), "train", ROWS | {"IDRiD_016": (1, 4, 0), "IDRiD_017": (17, 9, 0)})
    status, text = check(tmp_path)
    assert status == 1 and max(map(len, text.splitlines())) <= 80
    assert "IDRiD grading (idrid): 16 photographs listed, 2 left out" in text
    assert "2 problems: 1 label, 1 copy" in text
    assert "  B. Disease Grading/1. Original Images/a. Training Set/IDRiD_001.jpg\n    train IDRiD_001 (grade 1, DME 0) and" in text


def test_json(tmp_path: Path) -> None:
    grading(idrid(tmp_path), "train", ROWS | {"IDRiD_016": (1, 4, 0)})
    status, text = check(tmp_path, "--json")
    values = json.loads(text)
    assert status == 1 and list(values["datasets"]) == ["idrid", "idrid-segmentation"]
    part = values["datasets"]["idrid"]
    assert (part["listed"], part["dropped"]) == (16, 2) and part["splits"]["train"]["photographs"] == 11
    (problem,) = part["problems"]
    assert problem["file"] == "B. Disease Grading/1. Original Images/a. Training Set/IDRiD_001.jpg" and problem["kind"] == "copy"
    assert values["datasets"]["idrid-segmentation"]["splits"]["validation"]["lesions"] == {"MA": 1, "HE": 0, "EX": 0, "SE": 0}


def test_one_data_set_of_two(tmp_path: Path) -> None:
    _, text = check(idrid(tmp_path), "--dataset", "idrid-segmentation", "--decode")
    assert text.startswith("IDRiD segmentation") and "IDRiD grading" not in text


@pytest.mark.parametrize(
    ("words", "line"),
    [([], "laid out as no data set known here"), (["--dataset", "nonsense"], "no data set 'nonsense'; there are idrid, "),
     (["--dataset", "eyepacs"], "no EyePACS labels: expected ")],
)  # fmt: skip
def test_a_wrong_folder_is_one_line_and_leaves_with_2(
    tmp_path: Path, words: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["retinai", "data", "check", str(tmp_path), *words])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    assert left.value.code == 2 and captured.out == ""
    assert captured.err.startswith("retinai: ") and line in captured.err and captured.err.count("\n") == 1
