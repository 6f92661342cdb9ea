"""Exports give torch's probabilities; Grad-CAM looks where the class is, for a CNN, a ViT and a CLIP, and never draws a blank map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_graders import SIDE, tiny_clip, tiny_vit
from typer.testing import CliRunner

from retinai.cli import app
from retinai.errors import SaliencyError, UsageError, WeightsError
from retinai.grading import export as exporting
from retinai.grading.backbone import build_backbone
from retinai.grading.finish import tensors_of
from retinai.grading.heads import build_head
from retinai.grading.image_grader import ImageGrader
from retinai.grading.model import GraderModel
from retinai.grading.ordinal import fit_regression
from retinai.grading.saliency import cam, explain_class, planes, target_layer
from retinai.grading.tune import softmax
from retinai.grading.weights import save_grader
from retinai.image import fundus_image

REST = {"kind": "image", "target": "grade", "classes": list("abcde"), "ordered": True, "projected": 8, "inference": "head", "cuts": None,
        "conformal": None, "review": {"threshold": 0.5, "kept": 1.0, "error": 0.0}}  # fmt: skip


def grader(folder: Path, backbone: str, head: Any = "coral", size: int = SIDE, **card: Any) -> ImageGrader:
    """A random grader that went through its files."""
    torch.manual_seed(1)
    built = build_backbone(backbone, "none", size)
    model = GraderModel(built, build_head(head, built.features, 5, 8, torch.randn(5, built.features))).eval()
    values = {"backbone": built.spec.values(), "head": head, "size": size, "temperature": 1.5} | card
    save_grader(folder, tensors_of(model), REST | values)
    return ImageGrader.load(folder, "cpu", "image")


def backbones(tmp_path: Path) -> dict[str, tuple[str, Any]]:
    return {
        "cnn": ("timm/resnet10t", "coral"),
        "vit": (f"transformers/{tiny_vit(tmp_path / 'vit')}", "regression"),
        "clip": (f"clip/{tiny_clip(tmp_path / 'clip')}", "prototypes"),
    }


@pytest.mark.parametrize("name", ["cnn", "vit", "clip"])
def test_onnx_agrees_with_torch(name, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    one = grader(tmp_path / "grader", *backbones(tmp_path)[name])
    words = ["export", "onnx", "--grader", f"image:{tmp_path / 'grader'}", "--output", str(tmp_path / "g.onnx"), "--json"]
    made = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)
    assert made["difference"] <= 1e-4 and made["milliseconds"] > 0 and made["bytes"] == (tmp_path / "g.onnx").stat().st_size
    photograph = fundus_image(np.random.default_rng(3).integers(60, 200, (80, 90, 3)).astype(np.uint8), "p")
    session = exporting.open_session(tmp_path / "g.onnx")
    found = exporting.run(session, one.pixels([photograph, photograph, photograph]).numpy())
    assert np.allclose(found, one.probs([photograph]), atol=1e-4)  # three photographs though two were traced


@pytest.mark.parametrize("name", ["ordinal", "logistic"])
def test_a_regression_as_onnx(name, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    rng = np.random.default_rng(0)
    features = rng.normal(5, 3, (60, 6))
    model = fit_regression(name, features, np.arange(60) % 5, np.zeros(6, int), 1.0)
    made = exporting.export_features(model, 0.7, tmp_path / "f.onnx")
    found = exporting.run(exporting.open_session(made.path), features.astype(np.float32))
    assert made.difference <= 1e-4 and np.allclose(found, softmax(model.logits(features), 0.7), atol=1e-4)


def test_an_export_that_differs_is_not_written(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(exporting, "run", lambda session, inputs: np.zeros((len(inputs), 5), np.float32))
    model = fit_regression("logistic", np.eye(10), np.arange(10) % 5, np.zeros(10, int), 1.0)
    with pytest.raises(WeightsError, match="ONNX Runtime and torch differ by"):
        exporting.export_features(model, 1.0, tmp_path / "f.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_says_so(tmp_path):
    from retinai.export_grader import export_grader

    with pytest.raises(UsageError, match="'vlm:nano' cannot be exported; image, image:FOLDER"):
        export_grader("vlm:nano", tmp_path / "x.onnx")


class Spot(torch.nn.Module):
    """A network whose first class is what is bright, and whose others are nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 2, 4, 4)
        torch.nn.init.constant_(self.conv.weight, 0.1)
        torch.nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def logits(self, pixels):
        bright = torch.relu(self.conv(pixels / 255)).mean((1, 2, 3))
        return torch.stack([bright * 50, bright * 0], 1)


def test_the_map_lies_where_the_class_is():
    pixels = torch.zeros(1, 3, 64, 64)
    pixels[:, :, 8:24, 40:56] = 200
    grey, cells = cam(Spot(), pixels, 0)  # type: ignore[arg-type]
    assert cells == 16 and grey.shape == (64, 64) and grey[8:24, 40:56].mean() > 0.8 and grey[40:].max() < 0.1


@pytest.mark.parametrize("name", ["cnn", "vit", "clip"])
def test_every_backbone_has_a_layer_that_keeps_places_apart(name, tmp_path):
    one = grader(tmp_path / "grader", *backbones(tmp_path)[name])
    pixels = torch.rand(1, 3, SIDE, SIDE) * 255
    layer = target_layer(torch.nn.Sequential(LogitsOnly(one.model)), pixels)
    maps = [cam(one.model, pixels, level)[0] for level in range(5)]
    assert isinstance(layer, torch.nn.Module) and maps[0].shape == (SIDE, SIDE)
    assert any(grey.max() > 0 for grey in maps)  # of random weights some class has something to show
    photograph = fundus_image(np.random.default_rng(0).integers(60, 200, (70, 110, 3)).astype(np.uint8), "p")
    shown = [level for level in range(5) if saliency_or_none(one, photograph, level) is not None]
    assert shown
    saliency = explain_class(one, photograph, shown[0])
    assert saliency.values.shape == (70, 110) and saliency.target == f"grade {shown[0]}" and saliency.method == "Grad-CAM"
    assert saliency.side == SIDE and (saliency.cells == SIDE // 16 or name == "cnn")


class LogitsOnly(torch.nn.Module):
    def __init__(self, model: GraderModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels):
        return self.model.logits(pixels)


def saliency_or_none(one: ImageGrader, photograph, level: int):
    try:
        return explain_class(one, photograph, level)
    except SaliencyError:
        return None


def test_a_blank_map_is_an_error(tmp_path):
    one = grader(tmp_path / "grader", "timm/resnet10t", "softmax")
    torch.nn.init.zeros_(one.model.head.linear.weight)  # type: ignore[union-attr, arg-type]
    photograph = fundus_image(np.full((80, 80, 3), 120, np.uint8), "dull")
    with pytest.raises(SaliencyError):
        explain_class(one, photograph, 0)


def test_tokens_become_planes_without_the_first():
    tokens = torch.arange(10.0).view(1, 10, 1)
    assert planes(tokens)[0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert planes(torch.zeros(2, 3, 4, 5)).shape == (2, 3, 4, 5)
