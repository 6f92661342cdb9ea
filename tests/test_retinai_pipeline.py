"""The whole story with stand-ins for both models: the same photograph twice, what is asked and told, what a document says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from fusion.grid import Grid
from retinai import pipeline
from retinai.errors import SaliencyError
from retinai.fit import Fit
from retinai.lesions import LESIONS, SEGMENTED
from retinai.pipeline import Pipeline
from retinai.report.schema import validate
from retinai.types import FundusImage, Grade, GradeSet, Landmarks, LesionMap, Quality, SaliencyMap, SecondOpinion
from tests.drawn import draw_fundus

SURE = dict.fromkeys(SEGMENTED, 0.5)


class Detector:
    """Finds what was drawn."""

    thresholds, peaks, sure = SURE, SURE, SURE
    sides, views = (128,), 1
    profiles = ()

    class device:
        type = "cpu"

    def __init__(self, masks: dict[str, np.ndarray]) -> None:
        self.card = {"sha256": "0" * 64, "encoder": "none", "thresholds": SURE}
        self.probs = np.stack([masks[code] * np.float32(0.9) for code in SEGMENTED])

    def detect(self, image: FundusImage) -> LesionMap:
        return LesionMap(self.probs, SEGMENTED)


class Talker:
    """Says what it is told to say, looks at the upper left, and remembers what it was asked."""

    name = "vlm:stand-in"

    def __init__(self, text: str, level: int | None = 2, blank: bool = False) -> None:
        self.identity = {"name": self.name, "weights_sha256": "1" * 64}
        self.text, self.level, self.blank = text, level, blank
        self.asked: list[tuple[str, ...]] = []

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Any:
        self.asked.append(tuple(evidence))
        if self.level is None:
            return SimpleNamespace(grade=None, text=self.text, malformed=False, gradable=0.1)
        probs = tuple(0.6 if level == self.level else 0.1 for level in range(5))
        near = GradeSet(tuple(range(max(0, self.level - 1), self.level + 1)), 0.9, 50)
        grade = Grade(self.level, probs, self.name, near)
        return SimpleNamespace(grade=grade, text=self.text, malformed=False, gradable=0.9)

    def look(self, image: FundusImage, level: int, evidence: Sequence[str] = ()) -> SaliencyMap:
        if self.blank:
            raise SaliencyError("blank")
        grid = Grid.of(Fit.of(image.field, 64), 4)
        cells = np.eye(4, dtype=np.float32) + np.float32(0.1)
        values = np.asarray(grid.rows @ cells @ grid.columns.T, np.float32)
        return SaliencyMap(values, f"grade {level}", "Grad-CAM", "layer", 4, 64)


def drawn() -> tuple[FundusImage, dict[str, np.ndarray]]:
    pixels, masks = draw_fundus(320, 240)
    field = pixels.max(axis=2) > 0
    return FundusImage("drawn", pixels, field), masks


@pytest.fixture(autouse=True)
def gradable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drawn photograph passes for one that is large enough and whose disc and fovea were found."""
    monkeypatch.setattr(pipeline, "assess", lambda image: Quality(True))
    monkeypatch.setattr("fusion.unseen.SHOWN_FROM_PX", dict.fromkeys(LESIONS, 1))
    monkeypatch.setattr(pipeline, "find_landmarks", lambda *_: Landmarks((230.0, 120.0), 30.0, 0.9, (150.0, 122.0), 0.9, "right"))


def clock(minute: int) -> Callable[[], datetime]:
    return lambda: datetime(2026, 1, 31, 8, minute, tzinfo=UTC)


def read(talker: Talker | None, minute: int = 5, **settings: Any) -> pipeline.Reading:
    image, masks = drawn()
    return Pipeline(Detector(masks), talker, clock=clock(minute), **settings).read(image, "2" * 64)  # type: ignore[arg-type]


TEXT = "Grade: 2. Haemorrhages are seen [HE-1]. Soft exudates are absent. Microaneurysms in all four quadrants [MA-7]."


def test_two_runs_differ_in_the_time_alone() -> None:
    first, second = (read(Talker(TEXT), minute).document() for minute in (5, 6))
    assert first["provenance"].pop("created") == "2026-01-31T08:05:00Z"
    assert second["provenance"].pop("created") == "2026-01-31T08:06:00Z"
    assert json.dumps(first) == json.dumps(second)
    assert json.dumps(read(Talker(TEXT)).document()) == json.dumps(read(Talker(TEXT)).document())


@pytest.mark.parametrize("talker", [None, Talker(TEXT), Talker("", None), Talker("Grade: 4.", 4, blank=True)])
def test_what_is_made_is_valid(talker: Talker | None) -> None:
    validate(json.loads(json.dumps(read(talker).document(), allow_nan=False)))


def test_an_ungradable_photograph_is_valid_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "assess", lambda image: Quality(False, ("too dark",)))
    talker = Talker(TEXT)
    document = read(talker).document()
    validate(document)
    assert talker.asked == [] and document["advice"] is None and document["answer"] is None


def test_the_evidence_is_told_beforehand_only_where_it_is_asked_for() -> None:
    verify, prompt = Talker(TEXT), Talker(TEXT)
    one, other = read(verify).explanation, read(prompt, ground="prompt").explanation
    assert verify.asked == [()] and any("haemorrhage is marked [HE-1]" in line for line in prompt.asked[0])
    assert not any("Grade" in line or "DME" in line for line in prompt.asked[0])
    assert one.answer is not None and other.answer is not None
    assert (one.answer.grounded, other.answer.grounded) == (False, True)
    assert [claim.verdict for claim in one.answer.claims] == [claim.verdict for claim in other.answer.claims]
    assert other.provenance["ground"] == "prompt" and "its agreement counts for little" in " ".join(other.text.split())


def test_claims_carry_saliency_and_citations() -> None:
    answer = read(Talker(TEXT)).explanation.answer
    assert answer is not None and answer.invented == ("MA-7",)
    haemorrhages = next(claim for claim in answer.claims if claim.lesion == "HE")
    assert haemorrhages.kept and haemorrhages.cited == ("HE-1",)
    assert haemorrhages.attribution is not None and 0 < haemorrhages.attribution.mass_share < 1
    assert haemorrhages.attribution.layer == "layer" and 0 < (haemorrhages.attribution.ceiling_share or 0) <= 1


def test_every_lesion_has_its_row_of_saliency() -> None:
    explanation = read(Talker(TEXT)).explanation
    assert explanation.saliency is not None
    assert [row.lesion for row in explanation.saliency.lesions] == [lesion.id for lesion in explanation.lesions]
    assert read(Talker(TEXT, blank=True)).explanation.saliency is None and read(None).explanation.saliency is None


def test_the_worst_consistent_reading_is_followed() -> None:
    explanation = read(Talker("Grade: 4.", 4)).explanation
    assert explanation.advice is not None and explanation.advice.level == 4 and explanation.follow_up == explanation.advice.text
    assert "Needs review by a grader" in explanation.text
    refused = read(Talker("Ungradable.", None)).explanation
    assert refused.advice is not None and refused.advice.human == ("the language model holds the photograph for ungradable",)


class Other:
    """A second opinion that notes what it was shown."""

    identity: ClassVar = {"name": "lesions", "weights": "4" * 64}

    def __init__(self, level: int, looks: str = "nowhere") -> None:
        self.level, self.looks, self.seen = level, looks, ()

    def look(self, image: FundusImage, level: int) -> SaliencyMap | None:
        if self.looks == "blank":
            raise SaliencyError("blank")
        return SaliencyMap(image.field.astype(np.float32), f"grade {level}", "Grad-CAM") if self.looks == "everywhere" else None

    def opinion(self, image: FundusImage, lesion_map: LesionMap, landmarks: Landmarks, regions: Any) -> SecondOpinion:
        self.seen = tuple(lesion.id for lesion in regions.lesions)
        probs = tuple(0.8 if level == self.level else 0.05 for level in range(5))
        grade = Grade(self.level, probs, "lesions", GradeSet((self.level,), 0.9, 50))
        return SecondOpinion(grade, f"Grade {self.level} by the lesion map.", from_lesions=True)


def test_the_second_opinion_stands_beside_the_others() -> None:
    image, masks = drawn()
    other = Other(2)
    explanation = Pipeline(Detector(masks), Talker(TEXT), second=other).read(image).explanation  # type: ignore[arg-type]
    text = " ".join(explanation.text.split())
    assert other.seen == tuple(lesion.id for lesion in explanation.lesions)
    assert explanation.second is not None and explanation.second.grade.level == 2
    assert "Auxiliary grader: grade 2, moderate NPDR (likely 2)." in text
    said = "The auxiliary grader says grade 2, moderate non-proliferative diabetic retinopathy (likely 2) by the lesion map."
    assert f"{said} It reads the same lesion map." in text
    assert "Auxiliary grader, chance of each grade: 0 (5%), 1 (5%), 2 (80%), 3 (5%), 4 (5%)." in text
    assert explanation.provenance["second"] == Other.identity


def test_where_the_second_opinion_looked_is_joined_to_the_lesions_and_drawn(tmp_path: Path) -> None:
    image, masks = drawn()
    reading = Pipeline(Detector(masks), second=Other(2, "everywhere")).read(image)  # type: ignore[arg-type]
    second = reading.explanation.second
    assert second is not None and second.saliency is not None and second.saliency.target == "grade 2"
    assert second.saliency.together.lift == pytest.approx(1.0, abs=0.01)  # it looked at everything alike
    assert [row.lesion for row in second.saliency.lesions] == [lesion.id for lesion in reading.explanation.lesions]
    assert "saliency" not in reading.explanation.text.lower() and "lift" not in reading.explanation.text
    validate(json.loads(json.dumps(reading.document(), allow_nan=False)))
    reading.write(tmp_path)
    assert (tmp_path / "second-saliency.png").read_bytes().startswith(b"\x89PNG") and not (tmp_path / "saliency.png").exists()


def test_no_picture_of_an_earlier_reading_stays_beside_a_new_one(tmp_path: Path) -> None:
    image, masks = drawn()
    Pipeline(Detector(masks), Talker(TEXT), second=Other(2, "everywhere")).read(image).write(tmp_path)  # type: ignore[arg-type]
    assert {"saliency.png", "second-saliency.png"} <= {path.name for path in tmp_path.iterdir()}
    Pipeline(Detector(masks)).read(image).write(tmp_path)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["overlay.png"]


@pytest.mark.parametrize("looks", ["nowhere", "blank"])
def test_a_second_opinion_that_looked_nowhere_is_told_without_a_map(looks: str, tmp_path: Path) -> None:
    image, masks = drawn()
    reading = Pipeline(Detector(masks), second=Other(2, looks)).read(image)  # type: ignore[arg-type]
    assert reading.explanation.second is not None and reading.explanation.second.saliency is None
    reading.write(tmp_path)
    assert not (tmp_path / "second-saliency.png").exists()


@pytest.mark.parametrize(
    ("level", "review"),
    [(2, False), (3, False), (0, True)],  # only where it stands alone on its side of the referral line
)
def test_how_a_second_opinion_stands_to_the_lesions_is_said(level: int, review: bool) -> None:
    image, masks = drawn()
    reading = Pipeline(Detector(masks), second=Other(level)).read(image)  # type: ignore[arg-type]
    assert reading.explanation.interval is not None and reading.explanation.interval.visible == 2
    assert ("Needs review by a grader" in reading.explanation.text) == review
    validate(json.loads(json.dumps(reading.document(), allow_nan=False)))


def test_provenance_says_what_a_second_run_needs() -> None:
    provenance = read(Talker(TEXT)).document()["provenance"]
    assert provenance["vlm"] == Talker(TEXT).identity and provenance["seed"] == 0 and provenance["image_sha256"] == "2" * 64
    assert all(len(provenance[f"{part}_sha256"]) == 64 for part in ("weights", "config", "code"))
    assert {"retinai", "torch", "numpy"} <= set(provenance["versions"])
    assert (provenance["runtime"], provenance["precision"]) == ("torch", "bf16")
