"""The command as its users meet it: good input, bad input, folders with both."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from drawn import draw_fundus
from PIL import Image
from untrained import untrained_weights

from retinai.cli import main
from retinai.lesions import DISCLAIMER


@dataclass
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained U-Net: what is tested here is the shell, not the lesions."""
    return untrained_weights(tmp_path_factory.mktemp("weights"), 128)


@pytest.fixture()
def run(weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str | Path) -> Result:
        monkeypatch.setattr(
            sys, "argv", ["retinai", "explain", "--weights", str(weights), "--device", "cpu", "--vlm", "none", *map(str, words)]
        )
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = capsys.readouterr()
        return Result(int(exit_info.value.code or 0), captured.out, captured.err)

    return call


def photograph(path: Path, seed: int = 0) -> Path:
    pixels, _ = draw_fundus(640, 480, seed)
    Image.fromarray(pixels).save(path)
    return path


def huge_header(path: Path) -> Path:
    """A PNG of a hundred bytes that claims 30000x30000 pixels."""
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    parts = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_one_document_a_line_that_carries_the_disclaimer_and_its_provenance(run: Run, tmp_path: Path) -> None:
    result = run(photograph(tmp_path / "eye.png"), "--json")
    document = json.loads(result.out)
    assert result.code == 0 and document["image"] == "eye"
    assert document["disclaimer"] == DISCLAIMER
    assert len(document["provenance"]["weights_sha256"]) == 64
    assert result.out.count("\n") == 1


def test_text_ends_with_the_disclaimer(run: Run, tmp_path: Path) -> None:
    assert DISCLAIMER in run(photograph(tmp_path / "eye.png")).out


def test_output_folder_holds_what_the_help_says(run: Run, tmp_path: Path) -> None:
    result = run(photograph(tmp_path / "eye.png"), "--json", "--output", tmp_path / "out")
    folder = tmp_path / "out" / "eye"
    document = json.loads((folder / "explanation.json").read_text())
    assert document == json.loads(result.out)
    assert size(folder / "overlay.png")[0] == 640
    rows = (folder / "lesions.csv").read_text().splitlines()
    assert rows[0].startswith("id,code,name,confidence") and len(rows) == 1 + len(document["lesions"])
    if document["quality"]["gradable"]:
        assert {p.stem for p in (folder / "masks").iterdir()} == {"MA", "HE", "EX", "SE", "OD"}
        assert size(folder / "masks" / "MA.png") == (640, 480)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b""), "is empty"),
        (lambda p: p.write_text("not a picture, only called one"), "is not a picture"),
        (lambda p: p.write_bytes(photograph(p.with_suffix(".png")).read_bytes()[:3000]), "is truncated or damaged"),
        (lambda p: p.write_bytes(photograph(p).read_bytes()[:5000] + b"\xff\xd9"), "is truncated or damaged"),
        (lambda p: Image.new("RGB", (1, 1)).save(p), "1 x 1 pixels, too small"),
        (huge_header, "30000 x 30000 pixels"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_1(run: Run, tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    import re

    bad = tmp_path / "bad.jpg"
    make(bad)
    result = run(bad)
    assert result.code == 1 and result.out == ""
    assert result.err.count("\n") == 1 and "bad.jpg" in result.err and re.search(words, result.err)


def test_a_missing_file_is_usage(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "none.jpg")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"retinai: no image at {tmp_path / 'none.jpg'}\n"


def test_a_file_without_permission_is_said_to_be_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = photograph(tmp_path / "mine.png"), Path.open

    def refused(self: Path, *args: Any, **options: Any) -> Any:  # root, as whom tests may run, may read everything
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refused)
    result = run(path)
    assert (result.code, result.err) == (1, f"retinai: no permission to read {path}\n")


def test_one_bad_file_among_ten_does_not_lose_the_nine(run: Run, tmp_path: Path) -> None:
    for number in range(9):
        photograph(tmp_path / f"eye{number}.png", seed=number)
    (tmp_path / "eye4b.jpg").write_bytes(b"\xff\xd8 broken")
    result = run(tmp_path, "--json", "--output", tmp_path / "out")
    documents = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 1 and len(documents) == 10
    assert [d["image"] for d in documents if "error" in d] == ["eye4b"]
    assert len(list((tmp_path / "out").glob("*/explanation.json"))) == 9
    assert len([line for line in result.err.splitlines() if "eye4b" in line]) == 1


def test_resume_reads_what_is_there_and_does_the_rest(run: Run, tmp_path: Path) -> None:
    first, out = photograph(tmp_path / "a.png"), tmp_path / "out"
    before = run(first, "--json", "--output", out).out
    stamp = (out / "a" / "explanation.json").stat().st_mtime_ns
    photograph(tmp_path / "b.png", seed=1)
    after = run(tmp_path, "--json", "--output", out, "--resume").out
    assert json.loads(after.splitlines()[0]) == json.loads(before)
    assert (out / "a" / "explanation.json").stat().st_mtime_ns == stamp
    assert (out / "b" / "explanation.json").is_file()


def test_a_black_picture_is_ungradable_and_only_strict_makes_it_a_status(run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480)).save(tmp_path / "black.png")
    plain, strict = run(tmp_path / "black.png"), run(tmp_path / "black.png", "--strict")
    assert (plain.code, strict.code) == (0, 3)
    assert "take another photograph" in plain.out and "grade 0" not in plain.out.lower()


def test_wrong_weights_are_one_line(run: Run, tmp_path: Path) -> None:
    result = run(photograph(tmp_path / "eye.png"), "--weights", tmp_path)
    assert result.code == 2 and result.err.startswith("retinai: no lesion weights in")


def test_an_unread_file_is_a_document_without_its_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"")
    document = json.loads(run(tmp_path / "bad.jpg", "--json").out)
    assert (document["document"], document["image"]) == ("failure", "bad")
    assert "bad.jpg" in document["error"] and str(tmp_path) not in json.dumps(document)


def test_two_eyes_are_one_document_and_two_folders(run: Run, tmp_path: Path) -> None:
    right, left = photograph(tmp_path / "r.png"), photograph(tmp_path / "l.png", seed=1)
    result = run("--right", right, "--left", left, "--json", "--output", tmp_path / "out")
    document = json.loads(result.out)
    assert result.code == 0 and document["document"] == "patient"
    assert (document["right"]["image"], document["left"]["image"]) == ("r", "l")
    assert json.loads((tmp_path / "out" / "patient.json").read_text()) == document
    assert all((tmp_path / "out" / eye / "explanation.json").is_file() for eye in ("right", "left"))
    text = run("--right", right, "--left", left).out
    assert text.startswith("Both eyes\n") and "== RIGHT EYE ==" in text and "== LEFT EYE ==" in text


def test_one_photograph_is_not_two_eyes(run: Run, tmp_path: Path) -> None:
    path = photograph(tmp_path / "eye.png")
    result = run("--right", path, "--left", path)
    assert (result.code, result.err) == (2, "retinai: --right and --left are the same photograph\n")


def test_a_pair_with_an_unreadable_eye_says_nothing_of_the_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"")
    result = run("--right", photograph(tmp_path / "r.png"), "--left", tmp_path / "bad.jpg")
    assert (result.code, result.out) == (1, "") and "bad.jpg" in result.err


def test_the_findings_cannot_be_told_to_nobody(run: Run, tmp_path: Path) -> None:
    result = run(photograph(tmp_path / "eye.png"), "--ground", "prompt")
    assert result.code == 2 and result.err.startswith("retinai: --ground prompt needs a language model")
