"""The right result under the right name: what one run makes of names, of earlier results, and of where it may not write."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retinai.cli import main
from retinai.lesions import SEGMENTED
from retinai.pipeline import Pipeline
from retinai.types import FundusImage, LesionMap
from tests.drawn_sets import photograph

HALF = dict.fromkeys(SEGMENTED, 0.5)
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


class Detector:
    """Finds nothing, so that only names, files and statuses are tested."""

    thresholds, peaks, sure, sides, views = HALF, HALF, HALF, (64,), 1
    profiles = ()

    class device:
        type = "cpu"

    def __init__(self, weights: str = "0") -> None:
        self.card = {"sha256": weights * 64}

    def detect(self, image: FundusImage) -> LesionMap:
        return LesionMap(np.zeros((len(SEGMENTED), *image.field.shape), np.float32), SEGMENTED)


@pytest.fixture()
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str | Path, weights: str = "0") -> tuple[int, list[dict[str, Any]], str]:
        monkeypatch.setattr(Pipeline, "load", lambda *_, **__: Pipeline(Detector(weights)))  # type: ignore[arg-type]
        monkeypatch.setattr(sys, "argv", ["retinai", "explain", "--vlm", "none", "--json", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), [json.loads(line) for line in captured.out.splitlines()], captured.err

    return call


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def found(output: Path) -> dict[str, str]:
    """Folder -> the checksum of the photograph that its document is of."""
    documents = {path.parent.name: json.loads(path.read_text()) for path in sorted(output.glob("*/explanation.json"))}
    assert all(document["image"] == name for name, document in documents.items())
    return {name: document["provenance"]["image_sha256"] for name, document in documents.items()}


HOSTILE = ("...jpg", "..jpg", "two\nlines GRADE 0.jpg", "esc\x1b[2J\x1b]0;title\x07.jpg", "<b>.jpg", "x" * 240 + ".jpg", "nul.jpg")


def test_hostile_names_stay_in_the_output_and_off_the_terminal(run: Run, tmp_path: Path) -> None:
    clinic, output = tmp_path / "clinic", tmp_path / "deep" / "out"
    names = (*HOSTILE, os.fsdecode(b"pat\xffient.jpg"))
    paths = [photograph(clinic / "made.jpg", number).rename(clinic / name) for number, name in enumerate(names)]
    before = {path for path in tmp_path.rglob("*")}
    status, documents, err = run(*paths, "--output", output)
    assert status == 0 and len(documents) == len(paths)
    assert sorted(found(output).values()) == sorted(map(sha256, paths))
    assert {path for path in tmp_path.rglob("*") if output not in path.parents and path != output and path != output.parent} == before
    assert (
        all(text.isprintable() for document in documents for text in document["text"].splitlines()) and err.replace("\n", "").isprintable()
    )
    assert not any(line.startswith("GRADE 0") for line in documents[2]["text"].splitlines()[:1])
    assert r"the results of " in err and r"two\nlines GRADE 0.jpg are named two_lines GRADE 0" in err


def test_a_bad_file_with_a_bad_name_is_one_line_and_the_rest_is_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\n\x1b[2J.jpg").write_bytes(b"no picture")
    photograph(tmp_path / "in" / "b.jpg")
    status, documents, err = run(tmp_path / "in")
    assert status == 1 and [document["document"] for document in documents] == ["failure", "explanation"]
    assert documents[0]["error"].startswith(r"a\n\x1b[2J.jpg is not a picture") and len(err.splitlines()) == 2


def test_a_made_up_name_is_no_other_photographs_and_is_told_beforehand(run: Run, tmp_path: Path) -> None:
    paths = [photograph(tmp_path / "in" / name, number) for number, name in enumerate(("a-2.jpg", "a.jpg", "a.png"))]
    status, documents, err = run(tmp_path / "in", "--output", tmp_path / "out")
    names = ["a-2", f"a~{sha256(paths[1])[:8]}", f"a~{sha256(paths[2])[:8]}"]
    assert status == 0 and [document["image"] for document in documents] == names
    assert found(tmp_path / "out") == dict(zip(names, map(sha256, paths), strict=True))
    assert err.splitlines()[:2] == [
        f"retinai: the results of {path} are named {name}" for path, name in list(zip(paths, names, strict=True))[1:]
    ]


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_another_photograph_of_the_same_name_never_takes_its_place(run: Run, tmp_path: Path, resume: list[str]) -> None:
    one, other = (photograph(tmp_path / clinic / "IMG_0001.jpg", n) for n, clinic in enumerate(("clinic_a", "clinic_b")))
    output = tmp_path / "out"
    run(one, "--output", output, *resume)
    status, (document,), err = run(other, "--output", output, *resume)
    name = f"IMG_0001~{sha256(other)[:8]}"
    assert status == 0 and document["image"] == name and document["provenance"]["image_sha256"] == sha256(other)
    assert found(output) == {"IMG_0001": sha256(one), name: sha256(other)}
    assert err == f"retinai: {output}/IMG_0001 holds something else; the results of {other} are named {name}\n"
    assert run(one, "--output", output, *resume)[1][0]["image"] == "IMG_0001" and len(found(output)) == 2


def test_resume_takes_over_what_the_same_file_models_and_settings_made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, output = photograph(tmp_path / "a.png"), tmp_path / "out"
    before = run(path, "--output", output)[1]
    monkeypatch.setattr(Pipeline, "read", lambda *_: pytest.fail("read again"))
    assert run(path, "--output", output, "--resume") == (0, before, "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weights_sha256": "f" * 64}, "it was made with another lesion model"),
        ({"views": 4, "ground": "prompt"}, "it was made with another --ground and number of test-time flips"),
        ({"vlm": {"name": "nano"}, "code_sha256": "0" * 64}, "it was made with another state of the program and language model"),
        (None, "it is not of this version of the documents"),
    ],
)
def test_resume_reads_again_what_others_made_and_says_so(run: Run, tmp_path: Path, change: dict[str, Any] | None, reason: str) -> None:
    path, output = photograph(tmp_path / "a.png"), tmp_path / "out"
    (right,) = run(path, "--output", output)[1]
    wrong = right | ({"provenance": right["provenance"] | change} if change else {"version": "0.9"})
    (output / "a/explanation.json").write_text(json.dumps(wrong))
    status, (document,), err = run(path, "--output", output, "--resume")
    assert err == f"retinai: the result in {output}/a is not taken over: {reason}; the photograph is read again\n"
    assert status == 0 and document["provenance"] | {"created": ""} == right["provenance"] | {"created": ""}
    assert json.loads((output / "a/explanation.json").read_text()) == document


def test_where_and_when_a_result_was_made_is_no_reason_to_read_again(run: Run, tmp_path: Path) -> None:
    path, output = photograph(tmp_path / "a.png"), tmp_path / "out"
    (document,) = run(path, "--output", output)[1]
    document["provenance"] |= {"created": "2020-01-01T00:00:00Z", "device": "cuda", "threads": 64, "platform": "elsewhere"}
    (output / "a/explanation.json").write_text(json.dumps(document))
    assert run(path, "--output", output, "--resume") == (0, [document], "")


def test_a_folder_that_cannot_be_written_is_one_line_and_the_rest_is_done(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate("abc"):
        photograph(tmp_path / "in" / f"{name}.png", number)
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if ".b." in str(self):
            raise OSError(28, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    status, documents, err = run(tmp_path / "in", "--output", tmp_path / "out")
    assert status == 1 and [document["image"] for document in documents] == ["a", "b", "c"]
    assert err == f"retinai: cannot write {tmp_path}/out/b: No space left on device\n"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "c"]


def test_an_output_that_is_no_folder_is_said_before_anything_is_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photograph(tmp_path / "a.png")
    monkeypatch.setattr(Pipeline, "read", lambda *_: pytest.fail("read"))
    assert run(path, "--output", path / "out") == (2, [], f"retinai: cannot write to {path}/out: Not a directory\n")


def test_interrupted_nothing_half_written_stays(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def interrupted(self: Path, data: bytes) -> int:
        if self.name == "overlay.png":
            raise KeyboardInterrupt
        return write(self, data)

    path = photograph(tmp_path / "a.png")
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    assert run(path, "--output", tmp_path / "out")[0] == 130 and list((tmp_path / "out").iterdir()) == []


def test_the_two_eyes_of_another_patient_are_not_written_over(run: Run, tmp_path: Path) -> None:
    eyes = [photograph(tmp_path / f"{n}.png", n) for n in range(3)]
    output = tmp_path / "out"
    assert run("--right", eyes[0], "--left", eyes[1], "--output", output)[0] == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    status, documents, err = run("--right", eyes[0], "--left", eyes[2], "--output", output)
    assert (status, documents) == (2, [])
    assert err == f"retinai: {output}/left holds something other than this eye; name another folder with --output\n"
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert run("--right", eyes[0], "--left", eyes[1], "--output", output)[0] == 0


def test_results_among_the_photographs_are_no_photographs(run: Run, tmp_path: Path) -> None:
    photograph(tmp_path / "in" / "a.png")
    assert [len(run(tmp_path / "in", "--output", tmp_path / "in")[1]) for _ in range(2)] == [1, 1]
