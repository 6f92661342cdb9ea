"""From `--grader` to a grader: options arrive, weights are told apart, answers become readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vlm.generate
from retinai.errors import UsageError
from retinai.files import sha256_of_folder
from retinai.graders import Options, load_grader
from retinai.image import fundus_image
from retinai.types import Grade
from vlm.generate import Answer

GRADE = Grade(2, (0.1, 0.1, 0.6, 0.1, 0.1), "vlm:x")
ANSWERS = [
    Answer(GRADE, "Grade: 2.", malformed=False, gradable=0.9),
    Answer(GRADE, "Grade: 2. Half a", malformed=True, gradable=0.9),
    Answer(None, "Grade: none.", malformed=False, gradable=0.1),
]


@pytest.fixture
def loaded(monkeypatch) -> list[tuple]:
    """Loads nothing, and remembers what it should have loaded."""
    calls = []

    class Recorder:
        @classmethod
        def load(cls, source, adapter=None, load_4bit="auto", device="auto"):
            calls.append((source, adapter, load_4bit, device))
            return cls()

        def answer(self, images):
            return ANSWERS[: len(images)]

    monkeypatch.setattr(vlm.generate, "Vlm", Recorder)
    return calls


def test_every_option_arrives(loaded):
    load_grader("vlm:nano")
    load_grader("vlm:llava-hf/llava-1.5-7b-hf", Options(Path("runs/a"), False, "cuda"))
    assert loaded == [("nano", None, "auto", "auto"), ("llava-hf/llava-1.5-7b-hf", Path("runs/a"), False, "cuda")]


def test_an_answer_becomes_a_reading_and_a_refusal_has_its_reason(loaded):
    photograph = fundus_image(np.full((64, 64, 3), 90, np.uint8), "p")
    good, half, none = load_grader("vlm:nano").grade([photograph] * 3)
    assert (good.grade, good.text, good.malformed, good.reason) == (GRADE, "Grade: 2.", False, "")
    assert half.grade == GRADE and half.malformed
    assert (none.grade, none.reason) == (None, "said to be ungradable")


def test_weights_and_calibration_are_part_of_the_identity(loaded, tmp_path):
    model, adapter = tmp_path / "model", tmp_path / "adapter"
    for folder in (model, adapter):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"one")

    def identity():
        return dict(load_grader(f"vlm:{model}", Options(adapter)).identity)

    first = identity()
    assert first["name"] == f"vlm:{model}" and {"weights", "adapter", "load_4bit"} <= set(first)
    (model / "grade.json").write_text('{"temperature": 2}')
    second = identity()
    (adapter / "model.safetensors").write_bytes(b"two")
    assert first["weights"] != second["weights"] != identity()["adapter"] != first["adapter"]
    assert dict(load_grader(f"vlm:{model}", Options(load_4bit=True)).identity)["load_4bit"] == "True"


def test_checksum_depends_on_content_alone(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.bin").write_bytes(b"same")
    (tmp_path / "b" / "note.txt").write_text("not asked for")
    assert (
        sha256_of_folder(tmp_path / "a", "*.bin")
        == sha256_of_folder(tmp_path / "b", "*.bin")
        != sha256_of_folder(tmp_path / "b", "*.bin", "*.txt")
    )


@pytest.mark.parametrize("name", ["", "gpt", "vlm", "vlm:", "openai:"])
def test_an_unknown_grader_lists_the_known_ones(name):
    with pytest.raises(UsageError, match="there are vlm:nano, vlm:PATH, vlm:MODEL, openai:URL#MODEL"):
        load_grader(name)
