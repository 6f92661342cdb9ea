from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from drawn import draw_grading, draw_idrid
from safetensors.torch import load_file

from retinai.calibrate import calibrate
from retinai.errors import ConfigError, DataError
from retinai.lesions import LESIONS
from retinai.schedule import one_cycle
from segmentation import train as training
from segmentation.report import evaluate
from segmentation.settings import SegmentationConfig
from segmentation.train import train
from segmentation.weights import read_card


@pytest.fixture(scope="module")
def idrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_grading(draw_idrid(tmp_path_factory.mktemp("idrid")), [0] * 10 + [2] * 5)


def settings(root: Path, output: Path, **changes: Any) -> SegmentationConfig:
    small: dict[str, Any] = {
        "encoder_weights": None, "decoder_channels": (16, 16, 16, 8, 8), "cache_side": 128, "side": 128, "crop": 64, "batch": 2,
        "steps": 4, "validate_every": 0, "workers": 0, "checkpoint_seconds": 0, "precision": "no",
    }  # fmt: skip
    return SegmentationConfig(data=root, output=output, **(small | changes))


def test_a_run_that_was_killed_ends_as_one_that_was_not(idrid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(settings(idrid, tmp_path / "whole"))
    step, calls = training.train_step, []

    def killed(*args: Any) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(training, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(settings(idrid, tmp_path / "killed"))
    monkeypatch.setattr(training, "train_step", step)
    assert train(settings(idrid, tmp_path / "killed")) == whole
    first, second = (load_file(tmp_path / name / "lesions.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_seed_decides_the_weights(idrid: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        train(settings(idrid, tmp_path / name, steps=1, seed=seed))
    a, b = (load_file(tmp_path / name / "lesions.safetensors") for name in ("a", "b"))
    assert not torch.equal(a["segmentation_head.0.weight"], b["segmentation_head.0.weight"])


def test_training_learns_what_is_drawn_and_calibration_and_evaluation_see_it(
    idrid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentation.evaluate.DRAWS", 50)
    config = settings(idrid, tmp_path / "run", steps=80, batch=4, rate=4e-3, ema=0.5)
    train(config)
    stored = calibrate(idrid, config.output, None, 2, "cpu")
    report = evaluate(idrid, "validation", config.output, None, None, "cpu")
    assert report["images"] == 1 and set(report["lesions"]) == {"MA", "HE", "EX", "SE"}
    disc = report["optic_disc"]
    assert disc["aupr_exact_1440"] > 10 * disc["prevalence"]
    low, high = disc["aupr_exact_ci"]
    assert low <= disc["aupr_exact"] <= high
    assert report["views"] == 2 and disc["threshold"] == stored["thresholds"]["OD"]  # stored with the weights
    assert {key: disc[key] for key in ("dice", "aupr_exact")} == {
        key: stored["validation"]["optic_disc"][key] for key in ("dice", "aupr_exact")
    }
    card = read_card(config.output)
    assert card["told"]["HE"]["healthy_photographs"] == 2  # a fifth of the ten of grade 0
    assert all(card["thresholds"][code] <= card["peaks"][code] + 0.01 for code in LESIONS)


def test_self_training_starts_from_the_teacher_and_needs_one(idrid: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs teacher or initial"):
        settings(idrid, tmp_path, self_training=True)
    train(settings(idrid, tmp_path / "teacher", steps=1))
    teacher = tmp_path / "teacher" / "lesions.safetensors"
    train(settings(idrid, tmp_path / "student", steps=2, rate=1e-9, ema=0.0, self_training=True, initial=teacher, graded_side=128))
    first, second = (load_file(tmp_path / name / "lesions.safetensors") for name in ("teacher", "student"))
    name = "segmentation_head.0.weight"
    assert torch.allclose(first[name].float(), second[name].float(), atol=1e-3)
    assert len(list((tmp_path / "student" / "graded").glob("*.npy"))) == 12  # 15 less the validation fifths


def test_a_wrong_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected .*A\. Segmentation"):
        train(settings(tmp_path, tmp_path / "run"))


def test_one_cycle_rises_then_falls() -> None:
    rates = [one_cycle(step, 100, 1e-3) for step in range(100)]
    assert rates[0] == pytest.approx(4e-5) and rates[10] == pytest.approx(1e-3) and rates[-1] < 5e-6
    assert rates[:11] == sorted(rates[:11]) and rates[10:] == sorted(rates[10:], reverse=True)


def test_settings_refuse_what_they_do_not_know() -> None:
    from retinai.config import load_config

    with pytest.raises(ConfigError, match=r"unknown key 'stepz'; valid keys: .*steps"):
        load_config(SegmentationConfig, None, ["data=x", "stepz=3"])
    with pytest.raises(ConfigError, match=r"crop: .*multiple of 32"):
        load_config(SegmentationConfig, None, ["data=x", "crop=100"])
