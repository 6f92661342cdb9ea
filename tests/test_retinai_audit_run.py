"""The audit from photographs to report: drawn eyes, an explainer that is right by construction, and the cheats."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audited import DENIER, TEMPLATE, CiteAll, Sayer, explainer
from drawn import draw_grading, draw_idrid

import retinai.pipeline
from fusion.audit.figures import Result
from retinai.audit.compare import compare
from retinai.audit.metrics import METRICS, chosen
from retinai.audit.photographs import Item, choose
from retinai.audit.report import report
from retinai.audit.run import RESULTS, audit
from retinai.errors import DataError, UsageError
from retinai.pipeline import Pipeline
from retinai.types import Quality

ABOUT = {"dataset": "idrid", "split": "all"}
TRUE = "Grade: 2. There are microaneurysms, haemorrhages, hard exudates and soft exudates."
PLAIN = "claims,spatial,counts,grade"


@pytest.fixture(autouse=True)
def gradable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is not what is tested: a drawn eye of 192 px is too blurred for it."""
    monkeypatch.setattr(retinai.pipeline, "assess", lambda image: Quality(True))


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photographs with masks, the second without soft exudates, and six with a grade."""
    root = tmp_path_factory.mktemp("idrid")
    return draw_grading(draw_idrid(root), [0, 2, 2, 2, 0, 2])


def run(eyes: Path, folder: Path, pipeline: Pipeline, names: str = PLAIN, limit: int | None = 4) -> tuple[list[Result], dict[str, Any]]:
    items = choose("idrid", eyes, "all", limit)
    metrics = chosen(names, talks=pipeline.talker is not None)
    results = audit(pipeline, items, metrics, folder, ABOUT, quiet=True)
    return results, report(results, metrics, items, {**ABOUT, "vlm": {"name": "test"}}, folder, resamples=20)


def named(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {figure["name"]: figure for figure in document["figures"]}


def flags(document: dict[str, Any]) -> dict[str, bool | None]:
    return {verdict["name"]: verdict["flagged"] for verdict in document["verdicts"]}


def test_both_kinds_of_photographs_are_chosen_and_spread(eyes: Path) -> None:
    every, some = choose("idrid", eyes, "all"), choose("idrid", eyes, "all", 2)
    assert [item.name for item in every][:2] == ["masked/IDRiD_01", "masked/IDRiD_02"]
    assert sum(item.masked for item in every) == 6 and sum(item.grade is not None for item in every) == 6
    assert [item.name for item in some] == ["masked/IDRiD_01", "masked/IDRiD_03", "graded/IDRiD_001", "graded/IDRiD_006"]


def test_one_that_is_right_by_construction_scores_so(eyes: Path, tmp_path: Path) -> None:
    """But for the soft exudates of the second photograph, which are drawn and in no mask: those count as made up."""
    _, document = run(eyes, tmp_path, explainer(Sayer([TRUE], levels=(0, 2))), limit=None)
    found = named(document)
    assert (
        found["raw_recall"]["value"] == 1.0 and found["raw_recall"]["n"] == 23
    )  # four classes of six, one photograph without soft exudates
    assert found["raw_chair_i"]["value"] == pytest.approx(1 / 24, abs=1e-4)
    assert found["rendered_chair_i"]["value"] == pytest.approx(1 / 24, abs=1e-4)
    assert found["rendered_precision"]["value"] == pytest.approx(23 / 24, abs=1e-4)
    assert found["cited_lesions_right"]["value"] == pytest.approx(23 / 24, abs=1e-4) and found["true_lesions_cited"]["value"] == 1.0
    assert found["spatial_precision"]["value"] > 0.8 and found["spatial_recall"]["value"] > 0.8
    assert flags(document)["denier"] is False and flags(document)["whole-image citer"] is False


def test_the_report_is_three_files_and_names_no_folder(eyes: Path, tmp_path: Path) -> None:
    _, document = run(eyes, tmp_path, explainer(Sayer([TRUE])), limit=2)
    assert {path.name for path in tmp_path.glob("audit.*")} == {"audit.json", "audit.md", "audit.html"}
    assert json.loads((tmp_path / "audit.json").read_text()) == document
    for name in ("audit.json", "audit.md", "audit.html", "run.json", RESULTS):
        assert str(eyes) not in (tmp_path / name).read_text()
    pictures = {path.name for path in (tmp_path / "photographs/masked/IDRiD_01").glob("*.jpg")}
    assert {"photograph.jpg", "truth.jpg", "found.jpg"} <= pictures


@pytest.mark.parametrize("share", [0.2, 0.5, 0.999])
def test_a_killed_audit_goes_on_to_the_same_results(eyes: Path, tmp_path: Path, share: float) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _, wanted = run(eyes, whole, explainer(), "claims,spatial,grade", limit=2)
    run(eyes, killed, explainer(), "claims,spatial,grade", limit=2)
    content = (killed / RESULTS).read_bytes()
    (killed / RESULTS).write_bytes(content[: int(len(content) * share)])
    _, document = run(eyes, killed, explainer(), "claims,spatial,grade", limit=2)
    assert (killed / RESULTS).read_bytes() == (whole / RESULTS).read_bytes() == content
    assert document == wanted


def test_what_is_done_is_not_done_again(eyes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = run(eyes, tmp_path, explainer(), "spatial", limit=2)
    monkeypatch.setattr(Pipeline, "read", lambda *_: pytest.fail("read again"))
    again, _ = run(eyes, tmp_path, explainer(), "spatial", limit=2)
    assert again == first


def test_one_photograph_is_measured_again_where_its_lines_are_deleted(eyes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = run(eyes, tmp_path, explainer(), "spatial", limit=3)
    path = tmp_path / RESULTS
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("masked/IDRiD_01")))
    read: Callable[..., Any] = Pipeline.read
    seen = []
    monkeypatch.setattr(Pipeline, "read", lambda self, image: seen.append(image.id) or read(self, image))
    again, _ = run(eyes, tmp_path, explainer(), "spatial", limit=3)
    assert seen == ["IDRiD_01"] and again == first


def test_more_metrics_and_photographs_are_added_to_a_run(eyes: Path, tmp_path: Path) -> None:
    run(eyes, tmp_path, explainer(), "spatial", limit=2)
    results, _ = run(eyes, tmp_path, explainer(), "spatial,claims", limit=3)
    assert {result.metric for result in results} == {"spatial", "claims"}
    assert len({result.photograph for result in results}) == 3


def test_a_folder_holds_one_run(eyes: Path, tmp_path: Path) -> None:
    run(eyes, tmp_path, explainer(), "spatial", limit=1)
    with pytest.raises(UsageError, match="holds the results of another run"):
        run(eyes, tmp_path, explainer(DENIER), "spatial", limit=1)


def test_a_photograph_that_cannot_be_read_is_told_and_the_others_go_on(eyes: Path, tmp_path: Path) -> None:
    items = choose("idrid", eyes, "all", 3)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 broken")
    record = items[1].record
    items[1] = Item(items[1].name, type(record)(record.id, record.split, broken, record.source, masks=record.masks), None, True)
    metrics = chosen("spatial", talks=False)
    results = audit(explainer(), items, metrics, tmp_path / "out", ABOUT, quiet=True)
    assert [(r.photograph, r.metric) for r in results if r.metric == "failed"] == [(items[1].name, "failed")]
    assert len({r.photograph for r in results if r.metric == "spatial"}) == 2
    assert f"1 could not be read: {items[1].name}" in report(results, metrics, items, ABOUT, tmp_path / "out", 20)["on"]


@pytest.mark.parametrize(
    ("cheat", "pipeline"),
    [
        ("denier", explainer(DENIER)),
        ("template", explainer(TEMPLATE)),
        ("grades by chance", explainer(TEMPLATE)),
        ("whole-image citer", explainer(None, CiteAll())),
    ],
)
def test_cheats_are_flagged_by_name(cheat: str, pipeline: Pipeline, eyes: Path, tmp_path: Path) -> None:
    _, document = run(eyes, tmp_path, pipeline, limit=None)
    assert flags(document)[cheat] is True
    assert cheat in (tmp_path / "audit.md").read_text() and cheat in (tmp_path / "audit.html").read_text()


def test_one_that_ignores_the_photograph_is_flagged(eyes: Path, tmp_path: Path) -> None:
    _, document = run(eyes, tmp_path, explainer(TEMPLATE), "look", limit=3)
    assert flags(document)["photo-blind"] is True and named(document)["looks"]["value"] == 0.0
    assert flags(document)["denier"] is None


def test_without_a_language_model_only_what_needs_none_is_measured(eyes: Path, tmp_path: Path) -> None:
    assert [metric.name for metric in chosen("all", talks=False)] == ["claims", "spatial", "counts", "grade"]
    with pytest.raises(UsageError, match="asks a language model"):
        chosen("look", talks=False)
    with pytest.raises(UsageError, match="no metric 'nonsense'; there are all, claims, spatial"):
        chosen("nonsense", talks=True)
    assert len({spec.name for metric in METRICS.values() for spec in metric.specs}) == sum(len(m.specs) for m in METRICS.values())


def test_two_audits_are_compared_on_the_same_photographs(eyes: Path, tmp_path: Path) -> None:
    run(eyes, tmp_path / "liar", explainer(DENIER), "claims", limit=None)
    run(eyes, tmp_path / "right", explainer(Sayer([TRUE])), "claims", limit=4)
    found = {each.name: each for each in compare(tmp_path / "liar", tmp_path / "right", resamples=50)}
    assert (found["raw_recall"].first, found["raw_recall"].second, found["raw_recall"].better) == (0.0, 1.0, True)
    assert found["raw_recall"].photographs == 4
    assert found["rendered_recall"].difference == 0.0 and found["rendered_recall"].better is None
    assert "raw_precision" not in found  # who claims nothing has none


def test_what_cannot_be_compared_is_one_line(eyes: Path, tmp_path: Path) -> None:
    run(eyes, tmp_path / "a", explainer(), "spatial", limit=1)
    with pytest.raises(DataError, match=r"no audit in .*: expected run.json and results.csv"):
        compare(tmp_path / "a", tmp_path)
    run(eyes, tmp_path / "b", explainer(), "grade", limit=1)
    with pytest.raises(DataError, match="no photograph in common"):
        compare(tmp_path / "a", tmp_path / "b")


def test_the_file_is_one_number_a_line(eyes: Path, tmp_path: Path) -> None:
    run(eyes, tmp_path, explainer(), "grade", limit=1)
    with (tmp_path / RESULTS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "photograph": "graded/IDRiD_001",
        "unit": "",
        "metric": "grade",
        "source": "product",
        "name": "truth",
        "value": "0.0",
    }
    assert rows[-1]["source"] == "end"
