"""`retinai evaluate grading` from the command line to the files it leaves, with a grader on a stand-in server that looks."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from PIL import Image
from standin import StandIn, completion, standing_in, token
from typer.testing import CliRunner

from retinai.cli.evaluate_grading import grading
from retinai.errors import DataError, UsageError

GRADES = (0, 0, 1, 2, 2, 3, 4, 0)
GREY = 40


def reply(body: dict[str, Any], _: Any) -> tuple[int, Any]:
    """Grades by brightness, one too high where a photograph is of grade 1."""
    jpeg = base64.b64decode(body["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    level = round(float(np.median(picture[picture > 20])) / GREY) - 1
    return 200, completion([token("Grade"), token(": "), token(str(level + (level == 1)), 0.9), token(".")])


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in(reply) as server:
        yield server


@pytest.fixture
def root(tmp_path) -> Path:
    """Eight drawn photographs of known grade and a CSV of them."""
    folder, rng = tmp_path / "set", np.random.default_rng(0)
    folder.mkdir()
    line = np.linspace(-1, 1, 96)
    disc = (line[:, None] ** 2 + line**2 < 0.9)[..., None]
    rows = []
    for number, grade in enumerate(GRADES):
        pixels = np.clip(GREY * (grade + 1) + rng.normal(0, 4, (96, 96, 3)), 1, 255) * disc
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"p{number}.png")
        rows.append({"image": f"p{number}.png", "grade": grade, "split": "validation"})
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def run(root: Path, server: StandIn, *words: str):
    app = typer.Typer()
    app.command()(grading)
    arguments = ["--data", str(root), "--dataset", "csv", "--grader", f"openai:{server.url}#m", *words]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_json_has_the_agreed_keys(root, server):
    result = run(root, server, "--json")
    report = json.loads(result.stdout)
    expected = {"accuracy": 7 / 8, "mae": 1 / 8, "off_by_one": 1.0, "valid": 8, "images": 8}
    assert result.exit_code == 0 and {key: report[key] for key in expected} == expected
    assert {"kappa", "macro_f1", "ece"} <= set(report)
    assert report["confusion"] == [[3, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 2, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    provenance = report["provenance"]
    assert (provenance["dataset"], provenance["split"], provenance["grader"]["name"]) == ("csv", "validation", f"openai:{server.url}#m")


def test_a_second_run_asks_only_what_is_missing_and_agrees(root, server, tmp_path):
    output = tmp_path / "out"
    first = run(root, server, "--limit", "3", "--output", str(output))
    assert first.exit_code == 0 and len(server.seen) == 3 and "validation, 3 photographs" in first.stdout
    second = run(root, server, "--output", str(output), "--json")
    assert len(server.seen) == 8
    assert json.loads(second.stdout)["accuracy"] == json.loads(run(root, server, "--json").stdout)["accuracy"]
    assert json.loads((output / "report.json").read_text())["images"] == 8
    assert len((output / "photographs.csv").read_text().splitlines()) == 9
    assert all((output / name).read_bytes().startswith(b"\x89PNG") for name in ("confusion.png", "risk.png"))
    assert not list(output.glob("*.partial"))


def test_a_folder_of_another_grader_is_refused(root, server, tmp_path):
    run(root, server, "--output", str(tmp_path / "out"))
    with pytest.raises(UsageError, match="holds the results of another run"):
        run(root, server, "--output", str(tmp_path / "out"), "--grader", f"openai:{server.url}#other")


def test_all_splits_of_an_external_set(root, server):
    table = root / "labels.csv"
    table.write_text(table.read_text().replace("validation", "train", 3))
    assert json.loads(run(root, server, "--json").stdout)["images"] == 5
    assert json.loads(run(root, server, "--json", "--split", "all").stdout)["images"] == 8


def test_a_table_for_people(root, server):
    lines = run(root, server).stdout.splitlines()
    assert lines[1] == "valid answers 8/8, without a grade 0"
    assert any(line.split()[:2] == ["accuracy", "0.875"] for line in lines)
    assert max(map(len, lines[1:])) <= 80


def test_wrong_words_name_the_right_ones(root, server):
    with pytest.raises(DataError, match="no data set 'aptos2020'; there are idrid"):
        run(root, server, "--dataset", "aptos2020")
    with pytest.raises(UsageError, match="no grader 'nano'; there are vlm:nano"):
        run(root, server, "--grader", "nano")
    assert run(root, server, "--load-4bit", "perhaps").exit_code == 2
