"""What the bundled weights say of the bundled example: the head to the letter, numbers within tolerances, verdicts by kind."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from fusion.thresholds import Thresholds
from retinai.lesions import LESIONS
from retinai.pipeline import explain
from retinai.types import Explanation
from segmentation.weights import BUNDLED, read_card

ROOT = Path(__file__).parents[1]
HEAD = """\
Refer within 1 month. At least moderate NPDR (likely 2-3).
  By visible lesions: grade 2, moderate NPDR, or higher; DME risk 2.
  Language model: grade 3, severe NPDR (likely 2-3).
  Auxiliary grader: grade 3, severe NPDR (likely 3).
  Needs review by a grader.
"""
MARKED = {"MA": 32, "HE": 17, "EX": 53, "SE": 2}


@pytest.fixture(scope="module")
def example() -> Explanation:
    return explain(ROOT / "examples" / "IDRiD_18.jpg", device="cpu")


def test_the_head_is_what_to_do(example: Explanation) -> None:
    assert example.text.split("\n\n")[1] + "\n" == HEAD
    assert HEAD in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_grade_the_risk_and_the_counts(example: Explanation) -> None:
    assert example.interval and (example.interval.low, example.interval.visible) == (2, 2) and example.dme_risk == 2
    found = Counter(lesion.code for lesion in example.lesions)
    for code, count in MARKED.items():
        assert abs(found[code] - count) <= max(1, count // 10), code


def test_nothing_true_is_contradicted_and_what_is_left_open_says_why(example: Explanation) -> None:
    assert example.answer is not None
    verdicts = {(claim.lesion, claim.verdict) for claim in example.answer.claims if claim.lesion}
    assert ("EX", "supported") in verdicts and ("HE", "not_assessable") in verdicts  # the masks hold 53 haemorrhages, 17 are marked
    assert "contradicted" not in {verdict for _, verdict in verdicts}


def test_the_page_calls_possible_what_supports_nothing(example: Explanation) -> None:
    text = " ".join(example.text.split())
    assert re.search(r"\d+ hard exudates are marked \[", text)
    for word in ("microaneurysms", "haemorrhages", "soft exudates"):
        assert re.search(rf"\d possible {word} are marked \[", text)
    for unspoken in ("doubtful", "needs a human", "saliency", "nothing was understood", "vlm:", "were found"):
        assert unspoken not in text


def test_which_classes_can_be_supported_with_the_bundled_card() -> None:
    card = read_card(BUNDLED)
    points = Thresholds(card["peaks"], card["sure"])
    assert [code for code in LESIONS if points.high[code] is not None] == ["EX"]
