from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from retinai import talk
from retinai.errors import UsageError
from retinai.talk import LocalTalker, ServedTalker, load_talker
from vlm.prompts import PROMPTS, grounded


def test_none_is_nobody() -> None:
    assert load_talker("none") is None


def test_auto_is_nobody_where_the_small_model_is_not_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "_NANO", tmp_path / "model.safetensors")
    assert load_talker("auto") is None


def test_a_server_answers_but_cannot_be_looked_into() -> None:
    talker = load_talker("openai:http://localhost:8000/v1#eye")
    assert isinstance(talker, ServedTalker)
    assert talker.identity == {"name": "openai:http://localhost:8000/v1#eye"}
    with pytest.raises(UsageError, match="is not openai:URL#MODEL"):
        load_talker("openai:eye")


class Model:
    """A language model with room for a question of so many letters, which remembers what it was asked."""

    name, prompt = "vlm:test", "Grade it."

    def __init__(self, letters: int = 10_000) -> None:
        self.letters, self.asked = letters, ""

    def has_room(self, prompt: str) -> bool:
        return len(prompt) <= self.letters

    def answer(self, images: list[object], prompt: str) -> list[str]:
        self.asked = prompt
        return ["said"]


LINES = ("[E4] 2 haemorrhages were found [HE-1, HE-2].", "[E5] No hard exudates were found.")


@pytest.mark.parametrize("kind", [LocalTalker, ServedTalker])
def test_a_talker_asks_with_the_evidence_or_without(kind: Any) -> None:
    model: Any = Model()
    talker = kind(model, {} if kind is LocalTalker else "openai:test")
    assert talker.answer(cast(Any, None), LINES) == "said"
    question, how, *told = model.asked.splitlines()
    assert told == list(LINES) and "cite" in how and question
    talker.answer(cast(Any, None))
    assert model.asked == question


def test_a_small_model_is_told_as_much_as_it_has_room_for() -> None:
    model: Any = Model(len(grounded(PROMPTS[0], LINES[:1])))
    LocalTalker(model, {}).answer(cast(Any, None), LINES)
    assert model.asked.splitlines()[2:] == [LINES[0]]
    model.letters = 10
    LocalTalker(model, {}).answer(cast(Any, None), LINES)
    assert model.asked == PROMPTS[0]
