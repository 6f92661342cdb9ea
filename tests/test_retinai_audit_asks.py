"""The language model asked again: one that counts what it sees, one that always says the same, and a tiny LLaVA."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from drawn import draw_fundus
from tiny_llava import save_tiny_llava

from fusion.audit.truth import truth_of
from fusion.regions import Regions, find_regions
from retinai.audit import asks
from retinai.audit.case import Case
from retinai.audit.photographs import Item
from retinai.errors import SaliencyError, UsageError
from retinai.lesions import SEGMENTED
from retinai.pipeline import Reading
from retinai.readers.record import Record
from retinai.types import (
    CheckedAnswer,
    Evidence,
    Explanation,
    FundusImage,
    Grade,
    Landmarks,
    LesionMap,
    Quality,
    SaliencyMap,
)

SIDE = 240
CODES = ("HE", "EX")


def _image(lesions: int, name: str) -> tuple[FundusImage, dict[str, np.ndarray]]:
    """A grained retina with so many dark haemorrhages, and their masks."""
    rng = np.random.default_rng(lesions)
    field = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(field, (120, 120), 116, 1, cv2.FILLED)
    pixels = np.where(field[..., None] > 0, rng.normal((170, 90, 50), 3, (SIDE, SIDE, 3)), 0).astype(np.uint8)
    mask = np.zeros_like(field)
    for place in range(lesions):
        cv2.circle(mask, (round(120 + 60 * np.cos(place)), round(120 + 60 * np.sin(place))), 7, 1, cv2.FILLED)
    pixels[mask > 0] = (60, 15, 10)
    return FundusImage(name, pixels, field > 0), {"HE": mask > 0}


class Counting:
    """Gives grade 2 where it sees haemorrhages, and looks at them."""

    name = "counting"
    identity: ClassVar[dict[str, str]] = {}

    def _dark(self, image: FundusImage) -> np.ndarray:
        return (image.pixels[..., 1] < 40) & image.field

    def answer(self, image: FundusImage, evidence: Any = ()) -> Any:
        seen = cv2.connectedComponents(self._dark(image).astype(np.uint8))[0] - 1 if image.pixels[image.field].std() > 5 else 0
        level = 2 if seen else 0
        probs = np.full(5, 0.02)
        probs[level] = 0.92
        return SimpleNamespace(grade=Grade(level, tuple(probs), self.name), text=f"Grade: {level}. There are {seen} haemorrhages.")

    def look(self, image: FundusImage, level: int, evidence: Any = ()) -> SaliencyMap | None:
        values = np.asarray(cv2.GaussianBlur(self._dark(image).astype(np.float32), (0, 0), 3), np.float32)
        if values.max() <= 0:
            raise SaliencyError("blank")
        return SaliencyMap(values, f"grade {level}", "drawn")


class Parrot(Counting):
    """Says the same of everything, and looks at one place."""

    def answer(self, image: FundusImage, evidence: Any = ()) -> Any:
        return SimpleNamespace(grade=Grade(2, (0.02, 0.02, 0.92, 0.02, 0.02), self.name), text="Grade: 2. There are haemorrhages.")


def _case(talker: Any, kept: dict[str, Any] | None = None) -> Case:
    """A photograph with three haemorrhages, all found and all cited; the next one has one."""
    image, masks = _image(3, "one")
    other = _image(1, "other")[0]
    truth = truth_of(masks, image)
    probs = np.stack([masks.get(code, np.zeros_like(image.field)) for code in SEGMENTED]).astype(np.float32)
    regions = find_regions(LesionMap(probs, SEGMENTED), image, dict.fromkeys(SEGMENTED, 0.5), Landmarks())
    said = talker.answer(image)
    try:
        saliency = talker.look(image, said.grade.level)
    except SaliencyError:
        saliency = None
    explanation = _explanation(regions, CheckedAnswer(talker.name, said.text, False, said.grade))
    pipeline: Any = SimpleNamespace(talker=talker)
    item = Item("masked/one", Record("one", "validation", Path("one.jpg"), "idrid"), 2, True)
    keep = (kept if kept is not None else {}).update
    return Case(item, image, Reading(image, explanation, None, regions, saliency), pipeline, truth, [], lambda: other, keep)


def _explanation(regions: Regions, answer: CheckedAnswer) -> Explanation:
    evidence = Evidence("E1", "presence", "Haemorrhages were found.", tuple(lesion.id for lesion in regions.lesions))
    return Explanation(
        "one", Quality(True), Landmarks(), regions.lesions, (evidence,), None, None, None, (), "", {}, answer
    )  # fmt: skip


def test_a_model_that_counts_looks_and_a_parrot_does_not() -> None:
    looking, parrot = (asks.look(_case(talker))["product"] for talker in (Counting(), Parrot()))
    assert (looking["reacted_blank"], looking["reacted_swapped"]) == (1, 1)
    assert (parrot["edits"], parrot["reacted"]) == (4, 0)


def test_the_grade_depends_on_the_cited_lesions_or_not() -> None:
    kept: dict[str, Any] = {}
    product = asks.necessity(_case(Counting(), kept))["product"]
    assert (product["flip"], product["pass"], product["matched"]) == (1, 1, 1)
    assert set(kept) == {"without_cited", "without_control", "without_lesions", "without_rest"}
    assert (kept["without_control"] != _image(3, "one")[0].pixels).any()
    assert asks.necessity(_case(Parrot()))["product"]["pass"] == 0


def test_saliency_on_the_lesions() -> None:
    found = asks.saliency(_case(Counting()))
    assert found["product"]["pointing"] == 1 and found["product"]["lift"] > 5
    assert found["product"]["lift"] > found["null:centre"]["lift"]
    assert found["null:another"]["lift"] > found["null:uniform"]["lift"] == pytest.approx(1)  # its one lesion is where one of ours is


def test_curves_are_those_of_the_grade() -> None:
    found = asks.curves(_case(Counting()))
    assert found["product"]["deletion"] < found["null:random"]["deletion"]
    assert found["product"]["insertion"] >= found["null:random"]["insertion"]
    assert found["product"]["road"] == pytest.approx(0.45)  # 0.92 without the least salient, 0.02 without the most
    assert abs(found["null:random"]["road"]) < 0.2


def test_a_mirror_image_has_the_same_claims_and_the_mirrored_map() -> None:
    found = asks.stability(_case(Counting()))
    assert found["product"] == {"flip_jaccard": 1, "flip_map": pytest.approx(1, abs=0.02)}
    assert found["null:shuffled"]["flip_jaccard"] < 1


def test_without_a_grade_there_is_nothing_to_ask_and_without_a_model_nobody() -> None:
    class Mute(Counting):
        def answer(self, image: FundusImage, evidence: Any = ()) -> Any:
            return SimpleNamespace(grade=None, text="Ungradable.")

        def look(self, image: FundusImage, level: int, evidence: Any = ()) -> SaliencyMap | None:
            return None

    image, masks = _image(3, "one")
    mute = Mute()
    regions = Regions((), image.field.shape, {})
    explanation = _explanation(regions, CheckedAnswer("mute", "Ungradable.", False, None))
    item = Item("masked/one", Record("one", "validation", Path("one.jpg"), "idrid"), 2, True)
    reading, truth = Reading(image, explanation, None, regions), truth_of(masks, image)
    pipelines: list[Any] = [SimpleNamespace(talker=talker) for talker in (mute, None)]
    made = [Case(item, image, reading, pipeline, truth, [], lambda: image) for pipeline in pipelines]
    for ask in (asks.look, asks.necessity, asks.saliency, asks.curves, asks.sanity, asks.stability):
        assert ask(made[0]) == {"product": {}}
        with pytest.raises(UsageError, match="--vlm"):
            ask(made[1])


def test_a_model_that_is_here_is_sampled_and_its_weights_are_shuffled(tmp_path: Path) -> None:
    from retinai.talk import LocalTalker
    from vlm.generate import Vlm
    from vlm.model import load
    from vlm.randomise import randomised

    vlm = Vlm(load(save_tiny_llava(tmp_path), device="cpu"), "tiny")
    image = FundusImage("drawn", *_with_field(draw_fundus()[0]))
    logits = vlm.grade_logits(vlm.pictures([image]))[0]
    with randomised(vlm.model, 0):
        assert not np.allclose(vlm.grade_logits(vlm.pictures([image]))[0], logits)
    assert np.array_equal(vlm.grade_logits(vlm.pictures([image]))[0], logits)
    talker = LocalTalker(vlm, {})
    maps = asks._with_random_weights(talker, image, 2)
    assert len(maps) == asks.SEEDS
    assert len(asks._samples(talker, image)) == asks.SAMPLES


def _with_field(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pixels, pixels.max(axis=2) > 0
