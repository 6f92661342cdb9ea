from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retinai.errors import WeightsError
from vlm.calibrate import Calibration, fit_temperature, prior_bias, with_sets


def test_probabilities_sum_to_one_and_the_temperature_flattens() -> None:
    logits = np.array([[2.0, 0, 0, 0, 0]])
    warm, cold = Calibration(temperature=4.0).probs(logits), Calibration().probs(logits)
    assert warm.sum() == pytest.approx(1) and cold[0, 0] == pytest.approx(np.e**2 / (np.e**2 + 4))
    assert warm[0, 0] < cold[0, 0] and warm.argmax() == cold.argmax()


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1.5, (4000, 5))
    odds = np.exp(true)
    levels = np.array([rng.choice(5, p=row / row.sum()) for row in odds])
    assert fit_temperature(3 * true, levels, (0.0,) * 5).temperature == pytest.approx(3, rel=0.1)


def test_rare_grades_get_back_their_rarity() -> None:
    bias = prior_bias([0] * 79 + [1] * 9 + [2] * 4, balanced=True)
    assert bias[0] - bias[1] == pytest.approx(np.log(8)) and bias[3] == bias[4] < bias[2] < bias[1]
    assert prior_bias([0, 0, 1], balanced=False) == (0.0,) * 5
    assert Calibration(bias).probs(np.zeros((1, 5)))[0, 0] == pytest.approx(80 / 97)


def test_a_calibration_comes_back_and_a_broken_one_is_named(tmp_path: Path) -> None:
    stored = Calibration((0.1, -2.0, 0.0, 0.0, 0.3), 1.7)
    stored.save(tmp_path)
    assert Calibration.load(tmp_path) == stored
    assert Calibration.load(tmp_path / "nowhere") == Calibration()
    (tmp_path / "grade.json").write_text("{}")
    with pytest.raises(WeightsError, match="no bias and temperature"):
        Calibration.load(tmp_path)


def test_sets_of_grades_are_set_on_the_same_answers_and_stored_with_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1, (30, 5))
    levels = logits.argmax(1)
    levels[:6] = (levels[:6] + 1) % 5
    fitted = with_sets(Calibration(temperature=2.0), logits, levels)
    assert fitted.conformal is not None and fitted.conformal.cases == 30 and fitted.conformal.threshold > 0
    fitted.save(tmp_path)
    assert Calibration.load(tmp_path) == fitted
    assert with_sets(Calibration(), logits[:8], levels[:8]).conformal is None
