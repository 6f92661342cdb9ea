"""The audit's report: the same figures on the page, in Markdown and in JSON, nothing loaded from elsewhere, nothing unescaped."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from fusion.audit.figures import Figure, Result
from retinai.audit.document import read_cases, to_document, write_report
from retinai.report.audit_charts import bar, interval, number

NAN = float("nan")
_VOID = {"meta", "img", "br", "line", "circle", "polygon", "polyline"}


def made_up() -> dict:
    """Figures of most kinds, ten graded photographs, one photograph with a wrong sentence."""
    figures = [
        Figure(
            "claims_precision", 1, 0.91, 0.86, 0.95, 120, "claims", 11, "higher", {"denies all": 0.0, "template": 0.55}, 1.0, "claims right"
        ),
        Figure("hallucinated", 3, 0.1, 0.05, 0.2, 120, "claims", 11, "lower", {"template": 0.5}, 0.0, "claims made up"),
        Figure("necessity_drop", 7, 2.5, 0.5, 4.0, 11, "photographs", 11, "higher", {"matched patches": 0.1}, 3.5, "fall of log-odds"),
        Figure("saliency_lift", 8, NAN, NAN, NAN, 0, "photographs", 0, "higher", {"uniform": 1.0}, None, "lift"),
    ]
    rng = np.random.default_rng(0)
    results = []
    for place in range(10):
        truth, level = place % 5, place % 5 if place < 7 else 2
        probs = rng.dirichlet(np.eye(5)[level] * 6 + 0.5)
        numbers = {"truth": truth, "level": level} | {f"p{grade}": float(p) for grade, p in enumerate(probs)}
        results.append(Result(f"graded/{place}", "grade", "product", numbers))
    claim = {
        "text": "Soft exudates <b>were</b> seen.", "kind": "presence", "lesion": "SE", "polarity": "present",
        "verdict": "contradicted", "reason": "none is drawn", "statement": "Soft exudates are present.",
    }  # fmt: skip
    right = {**claim, "text": "Haemorrhages.", "verdict": "supported"}
    case = {
        "photograph": "masked/IDRiD_03", "grade": 2, "claims": {"raw": [], "rendered": [right, claim]}, "truth": None,
        "explanation": {"answer": {"grade": {"level": 3}}, "provenance": {"path": "clinic/someone/photograph.jpg"}},
    }  # fmt: skip
    verdicts = [
        {"name": "denier", "flagged": False, "line": "it names 9 of 10 true findings"},
        {"name": "dead layer", "flagged": None, "line": "no saliency"},
        {"name": "whole-image citer", "flagged": True, "line": "it cites 98 % of the retina"},
    ]
    return to_document(figures, results, [case], verdicts, "lesion map & nano", "idrid validation: 11 photographs", {"version": "0.1"})


class _Tags(HTMLParser):
    """Counts open tags and collects what would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    pictures = folder / "photographs" / "masked" / "IDRiD_03"
    pictures.mkdir(parents=True)
    for kind in ("photograph", "truth"):
        cv2.imwrite(str(pictures / f"{kind}.jpg"), np.full((8, 12, 3), 90, np.uint8))
    write_report(folder, made_up())
    return folder


def test_the_page_is_whole_and_loads_nothing(written: Path) -> None:
    text = (written / "audit.html").read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert len(tags.loaded) == 2 and all(source.startswith("data:image/jpeg;base64,") for source in tags.loaded)
    assert "http" not in text and "<script" not in text


def test_nothing_of_a_model_s_text_is_markup_and_no_path_is_told(written: Path) -> None:
    for name in ("audit.html", "audit.md", "audit.json"):
        text = (written / name).read_text(encoding="utf-8")
        assert "clinic/someone" not in text and str(written) not in text
    page = (written / "audit.html").read_text(encoding="utf-8")
    assert "<b>were</b>" not in page and "&lt;b&gt;were&lt;/b&gt;" in page
    assert "lesion map &amp; nano" in page
    assert "\\<b\\>were" in (written / "audit.md").read_text(encoding="utf-8")


def test_all_three_tell_the_same_figures(written: Path) -> None:
    document = json.loads((written / "audit.json").read_text(encoding="utf-8"))
    page, text = ((written / name).read_text(encoding="utf-8") for name in ("audit.html", "audit.md"))
    for figure in document["figures"][:3]:
        assert interval(figure) in page and interval(figure) in text
    assert document["figures"][0]["closed"] == pytest.approx(0.8)
    assert "80 %" in page and "80 %" in text
    assert document["figures"][3]["value"] is None
    assert "Not measured here: saliency_lift." in page and "Not measured here: saliency\\_lift." not in page
    assert np.sum(document["confusion"]) == 10 and document["risk_coverage"][-1] == [1.0, pytest.approx(0.2)]
    assert document["cases"][0]["given"] == 3 and "explanation" not in document["cases"][0]


def test_every_cheat_is_named_with_what_was_found(written: Path) -> None:
    page, text = ((written / name).read_text(encoding="utf-8") for name in ("audit.html", "audit.md"))
    assert re.search(r"whole-image citer</b><strong>\u2717 flagged", page) and "**whole-image citer: flagged.**" in text
    assert "**dead layer: not measured.**" in text and "**denier: not seen.**" in text


def test_right_is_always_better_on_a_bar() -> None:
    higher, lower = made_up()["figures"][:2]
    for figure in (higher, lower):
        marks = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', bar(figure))]
        oracle = float(re.findall(r'points="([\d.]+),', bar(figure))[0])
        assert max(marks[:-1]) < marks[-1] < oracle + 5.5  # nulls, then the value, then the oracle's left corner


def test_a_bar_of_log_odds_has_its_own_scale_and_none_without_a_value() -> None:
    drop, lift = made_up()["figures"][2:]
    ends = re.findall(r">(-?[\d.]+)</text>", bar(drop))
    assert float(ends[0]) == 0 and 4.0 < float(ends[1]) < 4.5
    assert bar(lift) == ""


def test_numbers_are_printed_in_three_figures() -> None:
    assert [number(value) for value in (None, 0.5, 0.91234, 12.345, 234.5, 1.0, -0.0)] == ["-", "0.500", "0.912", "12.3", "234", "1", "0"]


def test_an_audit_without_photographs_or_grades_still_has_a_page(tmp_path: Path) -> None:
    document = to_document([], [], [], [], "nobody", "nothing", {})
    write_report(tmp_path, document)
    assert "How it was made" in (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert read_cases(tmp_path, ["masked/x"]) == []
