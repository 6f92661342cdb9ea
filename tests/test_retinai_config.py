"""Configs: a file, words that change it, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from retinai.config import Config, load_config
from retinai.errors import ConfigError


class Inner(Config):
    width: int = 8
    unet: str = "bundled"


class Outer(Config):
    epochs: float = 1.0
    inner: Inner | None = None


@pytest.fixture()
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text("epochs: 3\ninner: {width: 16}\n")
    return path


def test_words_change_what_the_file_says(file: Path) -> None:
    found = load_config(Outer, file, ["epochs=5", "inner.unet=other"])
    assert found == Outer(epochs=5, inner=Inner(width=16, unet="other"))


def test_a_part_that_the_file_leaves_out_is_made(tmp_path: Path) -> None:
    assert load_config(Outer, None, ["inner.width=4"]).inner == Inner(width=4)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epochs", "'epochs' is not key=value"),
        ("epoch=2", "unknown key 'epoch'; valid keys: epochs, inner"),
        ("inner.depth=2", "unknown key 'inner.depth'; valid keys: unet, width"),
        ("epochs.half=2", "epochs.half: epochs has no keys (it is 3)"),
        ("inner.width=wide", "inner.width: Input should be a valid integer"),
    ],
)
def test_one_line_says_what_is_wrong(file: Path, word: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Outer, file, [word])
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
