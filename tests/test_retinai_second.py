"""From the word after --second to a second opinion on the lesions that were found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import draw_fundus
from untrained import untrained_weights

from fusion.landmarks import find_landmarks
from fusion.regions import Regions, find_regions
from retinai.errors import MissingModelError, UsageError, WeightsError
from retinai.grading.lesion_features import FEATURES
from retinai.grading.ordinal import Regression
from retinai.grading.weights import BUNDLED, save_grader
from retinai.image import fundus_image, read_photograph
from retinai.lesion_grading import LesionReader
from retinai.lesions import SEGMENTED
from retinai.second import load_second
from retinai.types import Landmarks, LesionMap
from segmentation.detector import LesionDetector

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> LesionDetector:
    """A real but untrained U-Net."""
    folder = untrained_weights(tmp_path_factory.mktemp("weights"), 64)
    return LesionDetector.load(folder, "cpu")


def grader(folder: Path, lesion_weights: str, encoder: int = 0) -> Path:
    """A regression whose only weight is that of the haemorrhages' mean probability."""
    count = len(FEATURES) + encoder
    weights = np.zeros(count)
    weights[FEATURES.index("HE mean")] = 5.0
    model = Regression("ordinal", np.zeros(count), np.ones(count), weights, np.array([1.0, 2.0, 3.0, 4.0]))
    features = ["lesions", "encoder"] if encoder else ["lesions"]
    save_grader(
        folder,
        model.arrays(),
        {"kind": "lesions", "model": "ordinal", "features": features, "lesion_weights": lesion_weights, "temperature": 1.0, "cuts": None,
         "conformal": {"threshold": 0.5, "rate": 0.9, "cases": 20}, "target": "grade", "classes": list("01234"),
         "review": {"threshold": 0.5}},
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("encoder", [0, 2560])
def test_it_reads_the_lesions_that_were_found_as_if_it_had_looked_itself(detector: LesionDetector, tmp_path: Path, encoder: int) -> None:
    folder = grader(tmp_path / "g", detector.card["sha256"], encoder)
    second = load_second(f"lesions:{folder}", detector)
    assert second is not None
    image = fundus_image(draw_fundus()[0], "a")
    lesion_map = detector.detect(image)
    landmarks = find_landmarks(lesion_map, image)
    regions = find_regions(lesion_map, image, detector.thresholds, landmarks, dict.fromkeys(detector.thresholds, 0.99))
    opinion = second.opinion(image, lesion_map, landmarks, regions)
    assert opinion is not None and opinion.from_lesions and opinion.grade.source == f"lesions:{folder}"
    alone = second.grader.judge(LesionReader(detector).read(image))  # type: ignore[attr-defined]
    assert alone.grade is not None and opinion.grade.probs == pytest.approx(alone.grade.probs)
    assert opinion.grade.conformal is not None and opinion.grade.level in opinion.grade.conformal.levels
    assert second.look(image, opinion.grade.level) is None  # it cites lesions instead


def test_the_bundled_grader_fits_the_bundled_lesion_weights() -> None:
    second = load_second("auto", LesionDetector.load(device="cpu"))
    assert second is not None and second.identity["name"] == "lesions"


def test_the_bundled_image_grader_reads_a_photograph_and_no_lesion(detector: LesionDetector) -> None:
    second = load_second("image", detector)  # whatever the lesion weights are
    assert second is not None and second.identity["name"] == "image"
    image = read_photograph(ROOT / "examples" / "IDRiD_18.jpg")
    nothing = LesionMap(np.zeros((len(SEGMENTED), *image.field.shape), np.float32), SEGMENTED)
    opinion = second.opinion(image, nothing, Landmarks(), Regions((), image.field.shape, {}))
    assert opinion is not None and not opinion.from_lesions
    assert opinion.grade.level >= 2 and sum(opinion.grade.probs[2:]) > 0.9  # its label is 2
    assert "HE-" not in opinion.text and opinion.grade.conformal is not None
    looked = second.look(image, opinion.grade.level)
    assert looked is not None and looked.values.shape == image.field.shape
    assert looked.values[~image.field].sum() < 0.2 * looked.values.sum()
    assert (BUNDLED["image"] / "grader.safetensors").stat().st_size < 12e6


def test_nobody_where_nobody_is_asked_or_fits(detector: LesionDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retinai.second.BUNDLED", {"lesions": tmp_path / "none", "image": tmp_path / "none"})
    assert load_second("none", detector) is None and load_second("auto", detector) is None
    for source in ("retinai.second.BUNDLED", "retinai.graders.BUNDLED"):
        monkeypatch.setattr(source, {"lesions": grader(tmp_path / "other", "f" * 64), "image": tmp_path / "none"})
    assert load_second("auto", detector) is None  # fitted on other lesion weights
    (tmp_path / "other" / "grader.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="does not match the checksum"):
        load_second("auto", detector)  # not silently without it
    grader(tmp_path / "other", "f" * 64)
    with pytest.raises(WeightsError, match="fitted on other lesion weights"):
        load_second("lesions", detector)
    with pytest.raises(MissingModelError, match="no image grader comes with this version"):
        load_second("image", detector)
    for name in ("vlm:nano", "lesions:", "nobody"):
        with pytest.raises(UsageError, match="no second opinion"):
            load_second(name, detector)
