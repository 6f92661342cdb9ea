"""Features of drawn lesions by hand, regressions that find what they were drawn from, and citations that exist."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import check_grad

from retinai.errors import DataError
from retinai.grading.fit_features import Table, fit_features, folds_of
from retinai.grading.lesion_features import FEATURES, LesionReading, lesion_features, told
from retinai.grading.names import target_of
from retinai.grading.ordinal import Regression, _loss, class_probs, fit_regression, oversampled, standardisation
from retinai.grading.tune import levels_of, quadratic_kappa, softmax
from retinai.lesions import LESIONS
from retinai.types import Landmarks, Lesion, Place

MEAN = dict.fromkeys(LESIONS, 0.0)


def lesion(code: str, number: int, centre=(10.0, 10.0), area=10, confidence=0.95, distance=None) -> Lesion:
    return Lesion(f"{code}-{number}", code, (0, 0, 5, 5), area, confidence, Place(centre, None, distance))


def reading(*lesions: Lesion, landmarks: Landmarks | None = None) -> LesionReading:
    return LesionReading(lesions, landmarks or Landmarks(), (50.0, 50.0), 10_000, MEAN, np.zeros(3, np.float32))


def test_nothing_found_is_nothing_but_zeros():
    values = lesion_features(reading())
    assert tuple(values) == FEATURES and set(values.values()) == {0.0} and len(FEATURES) == 30


def test_features_by_hand():
    found = reading(
        lesion("HE", 1, (10, 10), 30, 0.99), lesion("HE", 2, (90, 10), 10, 0.5), lesion("HE", 3, (90, 90), 5, 0.5),
        lesion("EX", 1, (20, 60), 8, 0.9, distance=1.0), lesion("EX", 2, (20, 80), 8, 0.9, distance=3.0),
    )  # fmt: skip
    values = lesion_features(found)
    assert values["HE count"] == 2.0 and values["HE sure"] == 1.0 and values["HE quarters"] == 3.0 and values["HE least"] == 0.0
    assert values["HE area"] == pytest.approx(math.log10(1 + 45 * 10)) and values["HE largest"] == pytest.approx(math.log10(301))
    assert values["HE strongest"] == 0.99 and values["EX nearness"] == 0.5 and values["MA count"] == 0.0
    around = lesion_features(reading(*found.lesions, landmarks=Landmarks(fovea=(95.0, 95.0))))
    assert around["HE quarters"] == 1.0


def test_more_lesions_never_lower_a_count():
    few, many = reading(lesion("MA", 1)), reading(lesion("MA", 1), lesion("MA", 2, (60, 60)))
    assert all(lesion_features(many)[name] >= lesion_features(few)[name] for name in FEATURES)


def test_class_probabilities_by_hand():
    probs = class_probs(np.array([0.0, 100.0, -100.0]), np.array([-1.0, 1.0]))
    low = 1 / (1 + math.e)
    assert probs[0].tolist() == pytest.approx([low, 1 - 2 * low, low])
    assert probs[1:].round(6).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_gradient_is_the_slope():
    rng = np.random.default_rng(0)
    x, levels, each = rng.normal(size=(20, 3)), rng.integers(0, 4, 20), rng.uniform(0.5, 2, 20)
    rest = (x, levels, 2.0, each, 3)
    at = np.array([0.3, -0.2, 0.1, -1.0, 0.1, -0.3])
    assert check_grad(lambda v: _loss(v, *rest)[0], lambda v: _loss(v, *rest)[1], at) < 1e-4


def drawn(count: int, seed: int) -> Table:
    """Two features that make the grade, and three that have nothing to do with it."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 5))
    score = 2 * features[:, 0] - features[:, 1] + rng.logistic(size=count) * 0.4
    return Table(features, np.digitize(score, [-2, -0.5, 1, 2.5]), np.zeros(5, np.int64), list(range(count)))


@pytest.mark.parametrize("name", ["ordinal", "logistic"])
def test_a_regression_finds_what_the_grade_was_drawn_from(name):
    table, fresh = drawn(300, 0), drawn(200, 1)
    model, fitted = fit_features(name, table, (0.1, 1.0, 1e5), 5, "none", 0, target_of("grade"))
    assert fitted["strength"] < 1e5 and fitted["conformal"]["cases"] == 300 and 0.2 < fitted["temperature"] < 3
    probs = softmax(model.logits(fresh.features), fitted["temperature"])
    assert quadratic_kappa(fresh.levels, levels_of(probs, fitted["cuts"])) > 0.8
    again = Regression.of(name, model.arrays())
    assert np.allclose(again.logits(fresh.features), model.logits(fresh.features))
    if name == "ordinal":
        assert (np.diff(model.offsets) > 0).all() and model.weights[0] > 0 > model.weights[1]
        assert np.abs(model.weights[2:]).max() < 0.3 * model.weights[0]
        assert model.weights[0] / -model.weights[1] == pytest.approx(2, rel=0.25)


def test_rare_grades_are_filled_up_between_neighbours():
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(0, 1, (30, 2)), rng.normal(8, 1, (4, 2)), [[99.0, 99.0]]])
    levels = np.array([0] * 30 + [1] * 4 + [2])
    filled, named = oversampled(x, levels)
    assert np.bincount(named).tolist() == [30, 30, 1]  # the single photograph has no neighbour
    rare = x[30:34]
    assert (filled[named == 1] >= rare.min(0) - 1e-9).all() and (filled[named == 1] <= rare.max(0) + 1e-9).all()


def test_a_balanced_regression_gives_rare_grades_more_often():
    table = drawn(300, 0)
    kept = np.flatnonzero((table.levels < 3) | (np.arange(300) % 6 == 0))
    rare = (table.features[kept], table.levels[kept], table.blocks)
    fresh = drawn(400, 1).features
    given = {name: fit_regression("logistic", *rare, 1.0, name).logits(fresh).argmax(1) for name in ("none", "weights", "smote")}
    often = {name: int((levels >= 3).sum()) for name, levels in given.items()}
    assert often["none"] < min(often["weights"], often["smote"])


def test_what_a_feature_adds_sums_to_the_score():
    table = drawn(200, 0)
    model = fit_regression("ordinal", table.features, table.levels, table.blocks, 1.0)
    one = table.features[0]
    assert model.towards(one, 3).sum() == pytest.approx(model.standard(one[None])[0] @ model.weights)
    assert model.towards(one, 0).sum() == pytest.approx(-model.towards(one, 3).sum())


def test_a_large_group_of_features_gets_no_more_variance_than_a_small_one():
    features = np.random.default_rng(0).normal(size=(500, 12)) * 7
    blocks = np.array([0] * 2 + [1] * 10)
    mean, scale = standardisation(features, blocks)
    variance = ((features - mean) / scale).var(0)
    assert variance[:2].sum() == pytest.approx(2) and variance[2:].sum() == pytest.approx(2)
    assert standardisation(np.ones((4, 2)), np.zeros(2, int))[1].tolist() == [1, 1]


def test_folds_keep_patients_whole_and_classes_even():
    levels, units = [0] * 20 + [1] * 10, [f"p{n // 2}" for n in range(30)]
    parts = folds_of(levels, units, 5, 0)
    assert all(parts[n] == parts[n + 1] for n in range(0, 30, 2))
    assert [np.bincount(np.array(levels)[parts == part]).tolist() for part in range(5)] == [[4, 2]] * 5
    with pytest.raises(DataError, match="too few photographs of some class for 3 folds"):
        fit_features(
            "ordinal", Table(np.eye(4), np.array([0, 0, 0, 1]), np.zeros(4, int), range(4)), (1.0,), 3, "none", 0, target_of("grade")
        )


def test_only_lesions_that_are_told_are_cited():
    found = reading(*(lesion("HE", n, confidence=1 - n / 100) for n in range(1, 9)), lesion("EX", 1, confidence=0.6))
    peaks = dict.fromkeys(LESIONS, 0.9)
    text = told(2, {"MA": 0.0, "HE": 1.5, "EX": 0.7, "SE": 0.0}, found, peaks)
    assert text == "Grade 2 by the lesion map. It rests mainly on 8 haemorrhages [HE-1, HE-2, HE-3, HE-4, HE-5, HE-6 and 2 more]."
    assert told(0, {"HE": -1.0}, found, peaks) == "Grade 0 by the lesion map. No lesion that is marked weighs for it."
    assert told(2, {"HE": 0.1}, found, peaks, other=2.0).endswith("Features of the picture that name no lesion weigh more.")
    assert "1 haemorrhage [HE-1]" in told(1, {"HE": 1.0}, reading(lesion("HE", 1)), peaks)
