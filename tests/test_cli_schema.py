"""`retinai schema`, and what `retinai explain` does with the two eyes of a patient."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retinai.cli import main

ROOT = Path(__file__).parents[1]


def test_the_schema_is_printed_without_torch(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; from retinai.cli.schema import schema; schema(); assert not {'torch', 'transformers'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    monkeypatch.setattr(sys, "argv", ["retinai", "schema"])
    with pytest.raises(SystemExit) as exit_info:
        main()
    schema = json.loads(capsys.readouterr().out)
    assert not exit_info.value.code and _unordered(schema) == _unordered(json.loads(done.stdout))
    assert schema["$schema"].endswith("2020-12/schema")


def _unordered(value: object) -> object:
    """Lists as sorted: typing keeps one of several equal Literals, so that the order of an enum depends on what was imported before."""
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    return sorted(json.dumps(_unordered(item)) for item in value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "no photographs"),
        (["--right", "a.jpg"], "--right and --left come together"),
        (["--right", "a.jpg", "--left", "b.jpg", "c.jpg"], "take neither other photographs"),
        (["--right", "a.jpg", "--left", "b.jpg", "--output", "out", "--resume"], "nor --resume"),
        (["--right", "no.jpg", "--left", "b.jpg"], "no image at no.jpg"),
    ],
)
def test_pairs_that_are_none_are_usage(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["retinai", "explain", *words])
    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code == 2 and line in capsys.readouterr().err
