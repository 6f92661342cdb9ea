"""The small LLaVA that is bundled: it loads, grades, describes, shows where it looked, and does not answer blindly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from retinai.cli import app
from retinai.image import read_photograph
from retinai.types import FundusImage
from vlm.generate import BUNDLED, Vlm
from vlm.picture import draw_ungradable
from vlm.saliency import explain_grade, explain_word

EXAMPLE = Path(__file__).parents[1] / "examples" / "IDRiD_18.jpg"


@pytest.fixture(scope="module")
def nano() -> Iterator[Vlm]:
    yield Vlm.load("nano", device="cpu")


@pytest.fixture(scope="module")
def photograph() -> FundusImage:
    return read_photograph(EXAMPLE)


def test_its_files_together_are_small() -> None:
    sizes = [path.stat().st_size for path in BUNDLED.iterdir()]
    assert sum(sizes) <= 24 * 2**20
    assert max(sizes) <= 16 * 2**20


def test_the_example_is_graded_as_diseased_and_described(nano: Vlm, photograph: FundusImage) -> None:
    answer = nano.answer([photograph])[0]
    assert answer.grade is not None and sum(answer.grade.probs) == pytest.approx(1)
    assert answer.grade.level >= 2  # its published grade is 3
    assert answer.text.startswith(f"Grade: {answer.grade.level}.")
    assert "exudate" in answer.text


def test_no_photograph_gets_no_grade(nano: Vlm) -> None:
    pictures = [draw_ungradable(seed) for seed in range(1000, 1008)]
    assert [answer.grade for answer in nano.answer(pictures)] == [None] * 8


def test_a_retina_without_detail_gets_another_answer(nano: Vlm, photograph: FundusImage) -> None:
    """One colour in the photograph's own field: whatever is said of it may not be what is said of the eye."""
    median = np.median(photograph.pixels[photograph.field], axis=0).astype(np.uint8)
    plain = replace(photograph, pixels=(photograph.field[..., None] * median).astype(np.uint8))
    seen, blind = nano.answer([photograph, plain])
    assert seen.grade is not None
    assert blind.grade is None or blind.grade.level != seen.grade.level


def test_where_it_looked(nano: Vlm, photograph: FundusImage) -> None:
    answer = nano.answer([photograph])[0]
    assert answer.grade is not None
    looked = explain_grade(nano, photograph, answer.grade.level)
    word = explain_word(nano, photograph, answer.text, "exudate")
    assert looked.values.shape == photograph.field.shape
    assert looked.values.max() == pytest.approx(1, abs=0.01)
    assert np.abs(looked.values - word.values).max() > 0.1


def test_explain_asks_it_by_default(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["explain", str(EXAMPLE), "--json", "--device", "cpu", "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout.splitlines()[-1])
    assert document["answer"]["source"] == "vlm:nano"
    assert document["provenance"]["vlm"]["weights_sha256"]
    assert (tmp_path / "IDRiD_18" / "saliency.png").stat().st_size > 10_000
    kept = [claim for claim in document["answer"]["claims"] if claim["kept"]]
    assert all(claim["evidence"] for claim in kept)
