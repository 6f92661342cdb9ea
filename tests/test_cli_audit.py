"""`retinai audit` as its users meet it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn import draw_grading, draw_idrid
from untrained import untrained_weights

from retinai.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_grading(draw_idrid(tmp_path_factory.mktemp("idrid"), 3), [0, 2, 2, 2, 2])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained U-Net: what is tested here is the shell."""
    return untrained_weights(tmp_path_factory.mktemp("weights"), 128)


@pytest.fixture()
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["retinai", "audit", *map(str, words)])
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = capsys.readouterr()
        return int(exit_info.value.code or 0), captured.out, captured.err

    return call


def test_an_audit_from_the_shell_and_its_comparison_with_itself(run: Run, eyes: Path, weights: Path, tmp_path: Path) -> None:
    """Drawn eyes of 192 px are ungradable: nothing is read of them, which the figures say."""
    words = ["--data", eyes, "--weights", weights, "--vlm", "none", "--device", "cpu", "--metrics", "spatial,grade", "--output", tmp_path]
    code, out, _ = run(*words, "--json")
    document = json.loads(out)
    figures = {figure["name"]: figure for figure in document["figures"]}
    assert code == 0 and document["on"] == "idrid, validation: 1 photographs with masks, 1 with a grade"
    assert figures["gradable"]["value"] == 0.0 and figures["true_lesions_cited"]["value"] == 0.0
    assert figures["spatial_precision"]["value"] is None
    code, out, _ = run(*words)
    assert code == 0 and "whole-image citer" in out and "gradable" in out and "audit.html" in out
    assert max(map(len, out.splitlines()[:-2])) <= 80
    code, out, _ = run("compare", tmp_path, tmp_path, "--json")
    assert code == 0 and {each["difference"] for each in json.loads(out)} == {0.0}


def test_what_is_missing_is_one_line(run: Run, tmp_path: Path) -> None:
    assert run("--output", tmp_path)[::2] == (
        2, "retinai: an audit needs --data, the root of a data set, and --output, the folder for its results\n"
    )  # fmt: skip
    code, _, err = run("--data", tmp_path, "--dataset", "nonsense", "--output", tmp_path / "out")
    assert code == 2 and err.startswith("retinai: no data set 'nonsense'; there are idrid, ")
    code, _, err = run("compare", tmp_path, tmp_path)
    assert code == 2 and err.startswith(f"retinai: no audit in {tmp_path}")
