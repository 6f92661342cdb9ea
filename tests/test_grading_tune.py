"""Temperatures, cuts, review thresholds, neighbours and alarms, by known numbers and orderings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retinai.camera.profile import bundled_profiles
from retinai.errors import UsageError, WeightsError
from retinai.grading.knn import Bank
from retinai.grading.metrics import confusion, kappa
from retinai.grading.review import area_under_risk, review_threshold, risk_coverage
from retinai.grading.shortcuts import (
    acquisition,
    as_lines,
    by_group,
    collapse,
    from_group_alone,
    shortcut_alarms,
    within_lines,
    within_sources,
)
from retinai.grading.tune import fit_temperature, levels_of, log_loss, quadratic_kappa, softmax, tune_cuts
from retinai.grading.weights import FILE, load_grader_files, save_grader
from retinai.readers.record import Record

EXAMPLE = Path(__file__).parents[1] / "examples" / "IDRiD_18.jpg"


def drawn(count: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a grader that is `shift` grades too low, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, count)
    seen = truth + rng.normal(0, 0.5, count) - shift
    return -((seen[:, None] - np.arange(5)) ** 2), truth


def test_the_temperature_undoes_overconfidence():
    logits, truth = drawn(600, 0.0)
    best = fit_temperature(logits, truth)
    assert fit_temperature(4 * logits, truth) == pytest.approx(4 * best, rel=1e-3)
    assert log_loss(softmax(logits, best), truth) <= log_loss(softmax(logits), truth)


def test_cuts_mend_a_grader_that_is_too_low_and_leave_a_good_one_alone():
    logits, truth = drawn(300, 0.8)
    fresh, fresh_truth = drawn(300, 0.8, seed=1)
    cuts = tune_cuts(softmax(logits), truth)
    assert cuts is not None and cuts == sorted(cuts)
    mended = quadratic_kappa(fresh_truth, levels_of(softmax(fresh), cuts))
    assert mended > quadratic_kappa(fresh_truth, levels_of(softmax(fresh))) + 0.05
    perfect = np.eye(5)[truth] * 20
    assert tune_cuts(softmax(perfect), truth) is None


def test_levels_count_the_cuts_that_the_expected_grade_reaches():
    probs = np.array([[0.5, 0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]])  # expected 1.0 and 3.5
    assert levels_of(probs, [0.5, 1.0, 2.5, 3.6]).tolist() == [2, 3]
    assert levels_of(probs).tolist() == [0, 3]


def test_kappa_agrees_with_the_report():
    rng = np.random.default_rng(0)
    truth, given = rng.integers(0, 5, 80), rng.integers(0, 5, 80)
    assert quadratic_kappa(truth, given) == pytest.approx(kappa(confusion(truth, given)))
    assert quadratic_kappa(np.zeros(4, int), np.zeros(4, int)) == 0.0


def test_risk_and_coverage_by_hand():
    confidence, correct = np.array([0.9, 0.6, 0.8, 0.6]), np.array([True, False, True, True])
    coverage, risk = risk_coverage(confidence, correct)
    assert coverage.tolist() == [0.25, 0.5, 1.0] and risk.tolist() == [0.0, 0.0, 0.25]  # the two of 0.6 come in together
    assert area_under_risk(confidence, correct) == pytest.approx(0.125)
    found = review_threshold(confidence, correct, error=0.1)
    assert (found.threshold, found.kept, found.error) == (0.8, 0.5, 0.0)
    assert review_threshold(np.array([0.9]), np.array([False])).threshold == 1.0


def test_the_nearest_vote_and_near_ones_count_more():
    angles = np.array([0.0, 0.1, 1.5, 1.6])
    bank = Bank(np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float16), np.array([0, 0, 1, 1]))
    probs = np.exp(bank.logits(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), 3, 2))
    assert probs.sum(1).tolist() == pytest.approx([1, 1])
    assert probs[0, 0] > 0.8 and probs[1, 1] > 0.8
    with pytest.raises(UsageError, match="at most 25"):
        Bank(np.zeros((13 * 2**10, 2**10), np.float16), np.zeros(13 * 2**10, np.int64))


def test_a_collapse_is_named_and_a_true_majority_is_not():
    names = ("normal", "sick")
    truth = np.array([0] * 60 + [1] * 40)
    assert collapse(np.zeros(100, int), truth, names) == "collapsed to 'normal': 100 of 100 answers, true of 60"
    assert collapse(truth, truth, names) is None
    assert collapse(np.zeros(100, int), np.zeros(100, int), names) is None


def test_what_the_camera_alone_tells(tmp_path: Path):
    sizes = {"a": (70, 66), "b": (80, 66)}
    for name, size in sizes.items():
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    sources = ["a"] * 6 + ["b"] * 4
    records = [Record(str(i), "validation", tmp_path / f"{s}.png", s) for i, s in enumerate(sources)]
    truth = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    given = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 0])
    found = by_group(records, truth, given, ("normal", "sick"))
    assert found["source"]["a"] | {"interval": None} == {"accuracy": 0.833, "interval": None, "count": 6, "majority": 0.833}
    assert found["size"]["80x66"]["accuracy"] == 0.75 and found["class"]["sick"]["accuracy"] == 0.6
    assert found["from_source_alone"] == found["from_size_alone"] == 0.9  # better than the grader's own 0.8: it is the camera
    assert from_group_alone([0] * 10, truth) == 0.5
    assert max(map(len, as_lines(found))) <= 80
    assert shortcut_alarms(found, 0.5)[0] == "knowing the source alone is right in 0.900, the most frequent class in 0.500: a shortcut"
    assert shortcut_alarms(found, 0.85) == []


def test_marks_and_exposure_of_the_camera_are_traits(tmp_path: Path):
    (profile,) = bundled_profiles()
    with Image.open(EXAMPLE) as picture:
        clean = np.asarray(picture.resize(profile.pattern.shape[1::-1]).convert("RGB"))
    dusty = np.clip((clean + 4.0) * np.exp(profile.pattern) - 4, 0, 255).astype(np.uint8)
    pictures = {"clean": clean, "dusty": dusty, "darker": (clean * 0.5).astype(np.uint8)}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.new("RGB", (70, 66)).save(tmp_path / "other.png")
    names = [*pictures, "other"]
    found = acquisition([Record(name, "validation", tmp_path / f"{name}.png", "a") for name in names])
    assert found["marks"] == ["clean", "dusty", "clean", "unknown"]
    assert found["exposure"][0] == "bright" and found["exposure"][3] == "dark"


def test_within_a_source_the_camera_tells_nothing():
    names = ("normal", "sick", "rare")
    sources = ["a"] * 60 + ["b"] * 60
    truth = np.array([0] * 50 + [1] * 10 + [0] * 10 + [1] * 48 + [2] * 2)  # mostly sick from b
    records = [Record(str(i), "validation", Path(), s) for i, s in enumerate(sources)]
    camera = np.array([[0.8, 0.2, 0.0] if s == "a" else [0.2, 0.8, 0.0] for s in sources])
    assert (camera.argmax(1) == truth).mean() > 0.8  # which looks good
    found = within_sources(records, truth, camera, names)
    assert {source: sorted(told) for source, told in found.items()} == {"a": ["normal", "sick"], "b": ["normal", "sick"]}  # two are too few
    assert all(row["auc"] == 0.5 and row["interval"] == [0.5, 0.5] for told in found.values() for row in told.values())
    eye = np.eye(3)[truth]
    assert within_sources(records, truth, eye, names)["a"]["sick"] == {"auc": 1.0, "interval": [1.0, 1.0], "count": 10}
    lines = within_lines(found)
    assert len(lines) == 5 and max(map(len, lines)) <= 80 and within_lines({}) == []


CARD = {
    "kind": "lesions",
    "target": "grade",
    "classes": list("abcde"),
    "model": "logistic",
    "features": ["lesions"],
    "lesion_weights": "f" * 64,
    "temperature": 1.0,
    "cuts": None,
    "conformal": None,
    "review": {"threshold": 0.5},
}


def test_a_grader_on_disk_is_whole_or_refused(tmp_path: Path):
    card = save_grader(tmp_path, {"w": np.arange(3.0)}, CARD)
    tensors, read = load_grader_files(tmp_path, "lesions")
    assert read == card and tensors["w"].tolist() == [0, 1, 2]
    with pytest.raises(WeightsError, match="of kind 'lesions', not 'image'"):
        load_grader_files(tmp_path, "image")
    (tmp_path / FILE).write_bytes(b"other")
    with pytest.raises(WeightsError, match="does not match the checksum"):
        load_grader_files(tmp_path, "lesions")
    with pytest.raises(WeightsError, match="no weights of a grader"):
        load_grader_files(tmp_path / "none", "image")
