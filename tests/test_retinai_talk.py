from __future__ import annotations

from pathlib import Path

import pytest

from retinai import talk
from retinai.errors import UsageError
from retinai.talk import ServedTalker, load_talker


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
