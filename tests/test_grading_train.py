"""Training an image grader: it learns, it goes on where it was, it comes back from disk the same; and what a config may not say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tiny_graders import SIDE, draw_set, tiny_clip, tiny_vit

from retinai.config import load_config
from retinai.errors import ConfigError, MissingModelError, UsageError, WeightsError
from retinai.grading import train as training
from retinai.grading.backbone import Backbone, Spec, build_backbone, load_pretrained, text_embeddings
from retinai.grading.data import balanced_order, plain_order, vary
from retinai.grading.heads import SoftmaxHead
from retinai.grading.image_grader import ImageGrader
from retinai.grading.model import GraderModel, merged
from retinai.grading.settings import ImageGraderConfig
from retinai.grading.train import CHECKPOINT, Stopping, train
from retinai.grading.weights import FILE
from retinai.image import read_photograph
from retinai.second import ByImage


class Colours(torch.nn.Module):
    """Stands in for a CNN: mean and deviation of what a small convolution sees."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = torch.nn.BatchNorm2d(8)

    def forward(self, pixels):
        return torch.relu(self.norm(self.conv(pixels))).mean((2, 3))


@pytest.fixture
def small(monkeypatch) -> None:
    """Every image grader gets the small CNN, so that a run takes a second."""

    def build(name, weights, size, options=None):
        torch.manual_seed(7)
        return Backbone(Colours(), 8, Spec("timm", "stand-in"))

    monkeypatch.setattr("retinai.grading.model.build_backbone", build)
    monkeypatch.setattr("retinai.grading.model.rebuild_backbone", lambda spec, size: build("", "", size))


def settings(root: Path, output: Path, **more) -> ImageGraderConfig:
    base = {"data": root, "dataset": "csv", "output": output, "size": SIDE, "epochs": 12, "batch": 10, "rate": 0.05, "workers": 0,
            "backbone_factor": 1.0, "dropout": 0.1, "jitter": 0.02, "patience": 50, "device": "cpu", "checkpoint_seconds": 0}  # fmt: skip
    return ImageGraderConfig(**(base | more))


def test_it_learns_brightness_and_comes_back_the_same(small, tmp_path):
    root = draw_set(tmp_path / "set")
    card = train(settings(root, tmp_path / "out"))
    assert card["trained_on"]["photographs"] == {"train": 25, "tuning": 5, "validation": 10}
    assert card["validation"]["kappa"] > 0.6 and card["validation"]["majority"] == 0.2
    grader = ImageGrader.load(tmp_path / "out", "cpu")
    photographs = [read_photograph(root / f"p{number:03d}.png") for number in (15, 17, 19)]  # validation, grades 0, 2, 4
    readings = grader.grade(photographs)
    levels = [reading.grade.level for reading in readings if reading.grade]
    assert levels == sorted(levels) and levels[2] > levels[0]
    assert readings[0].text.startswith(f"Grade {levels[0]}")
    assert grader.identity["weights"] == card["sha256"] and grader.grade([]) == []
    assert json.loads((tmp_path / "out" / "card.json").read_text()) == json.loads(json.dumps(card))


def test_a_killed_run_ends_with_the_same_weights(small, tmp_path, monkeypatch):
    root = draw_set(tmp_path / "set")
    train(settings(root, tmp_path / "whole", epochs=4))
    step, calls = training.train_step, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(training, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(settings(root, tmp_path / "cut", epochs=4))
    assert (tmp_path / "cut" / CHECKPOINT).exists()
    monkeypatch.setattr(training, "train_step", step)
    train(settings(root, tmp_path / "cut", epochs=4))
    whole, cut = (load_file(tmp_path / name / FILE) for name in ("whole", "cut"))
    assert whole.keys() == cut.keys() and all(np.array_equal(whole[key], cut[key]) for key in whole)


def test_neighbours_and_other_targets(small, tmp_path):
    root = draw_set(tmp_path / "set")
    card = train(settings(root, tmp_path / "near", inference="neighbours", neighbours=5, head="softmax"))
    assert load_file(tmp_path / "near" / FILE)["bank.features"].shape == (25, 8)
    assert card["validation"]["kappa"] > 0.6
    photograph = read_photograph(root / "p015.png")
    near = ImageGrader.load(tmp_path / "near", "cpu")
    found = near.grade([photograph])[0]
    assert found.grade is not None
    human = "" if found.grade.probs[found.grade.level] >= card["review"]["threshold"] else "; to be looked at by a human"
    assert found.text == f"Grade {found.grade.level}{human}."
    assert ByImage(near).look(photograph, found.grade.level) is None  # a vote has no gradient
    card = train(settings(root, tmp_path / "refer", target="referable", head="softmax", epochs=4))
    assert card["classes"] == ["not referable", "referable"] and card["conformal"] is None
    with pytest.raises(UsageError, match="tells not referable, referable, not ICDR grades"):
        ImageGrader.load(tmp_path / "refer", "cpu").grade([photograph])


def test_a_grader_that_learns_nothing_is_named(small, tmp_path, capsys):
    card = train(settings(draw_set(tmp_path / "set"), tmp_path / "out", rate=1e-12, epochs=1, head="regression"))
    assert card["alarms"] and "collapsed to 'moderate" in card["alarms"][0]
    assert "retinai: warning: step" in capsys.readouterr().err


def test_stopping_waits_as_long_as_it_was_told():
    stopping = Stopping(2)
    assert [stopping.better(score) for score in (0.1, 0.3, 0.2)] == [True, True, False] and not stopping.over
    assert not stopping.better(0.3) and stopping.over and float(stopping.best) == 0.3


def test_every_batch_is_balanced_and_no_photograph_is_forgotten():
    levels = [0] * 10 + [1] * 4 + [2] * 2
    order = balanced_order(levels, 6, 20, seed=0).reshape(20, 6)
    drawn = np.array(levels)[order]
    assert all(np.bincount(batch, minlength=3).tolist() == [2, 2, 2] for batch in drawn)
    assert set(order.ravel()) == set(range(16))
    assert np.bincount(order.ravel())[:10].tolist() == [4] * 10  # 40 draws of ten photographs
    assert (balanced_order(levels, 6, 20, 0) == order.ravel()).all() and (balanced_order(levels, 6, 20, 1) != order.ravel()).any()
    assert sorted(plain_order([0] * 5, 2, 5, 0).tolist()) == sorted(list(range(5)) * 2)


def test_varied_photographs_stay_photographs():
    rng = np.random.default_rng(0)
    square = np.zeros((32, 32, 3), np.uint8)
    square[8:24, 8:24] = 120
    assert (vary(square, 0, 0, np.random.default_rng(0)) > 0).mean() == pytest.approx((square > 0).mean(), abs=0.1)
    turned = vary(square, 180, 0.2, rng)
    assert turned.shape == square.shape and turned[0, 0].tolist() == [0, 0, 0] and turned[16, 16].min() > 60


def test_a_backbone_file_may_be_wrapped_and_must_be_whole(tmp_path):
    from safetensors.torch import save_file

    net, fresh = Colours(), Colours()
    state = {f"encoder.{key}": value for key, value in net.state_dict().items()} | {"decoder.x": torch.zeros(1)}
    save_file(state, tmp_path / "unet.safetensors")
    load_pretrained(fresh, tmp_path / "unet.safetensors")
    assert torch.equal(fresh.conv.weight, net.conv.weight)
    save_file({"conv.weight": net.conv.weight.detach()}, tmp_path / "half.safetensors")
    with pytest.raises(WeightsError, match=r"no tensor conv\.bias"):
        load_pretrained(fresh, tmp_path / "half.safetensors")


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks transformers by an old name
def test_lora_trains_little_and_merges_without_a_trace(tmp_path):
    vit = tiny_vit(tmp_path / "vit")
    values = {"data": tmp_path, "backbone": f"transformers/{vit}", "size": SIDE, "lora_rank": 2, "head": "softmax"}
    config = ImageGraderConfig(**values)
    from retinai.grading.model import build_model, rebuild_model

    model = build_model(config).eval()
    assert model.backbone.spec.mean == (0.4, 0.3, 0.2)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained and all("lora" in name or name.startswith("head") for name in trained)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    pixels = torch.rand(2, 3, SIDE, SIDE) * 255
    before = model(pixels)
    whole = merged(model)
    assert torch.allclose(before, whole(pixels), atol=1e-4)
    card = {
        "backbone": json.loads(json.dumps(whole.backbone.spec.values())),
        "size": SIDE,
        "classes": [0] * 5,
        "head": "softmax",
        "projected": 4,
    }
    again = rebuild_model(card).eval()
    again.load_state_dict(whole.state_dict())
    assert torch.allclose(again(pixels), whole(pixels), atol=1e-6)
    with pytest.raises(ConfigError, match="lora_on names no layer of the backbone; its linear layers are"):
        build_model(config.model_copy(update={"lora_on": ("nothing",)}))
    with pytest.raises(ConfigError, match="sees 64 px, not 384: set size=64"):
        build_backbone(f"transformers/{vit}", "hub", 384)


def test_clip_learns_on_prototypes_alone(tmp_path):
    clip = tiny_clip(tmp_path / "clip")
    more = {"backbone": f"clip/{clip}", "head": "prototypes", "projected": 8, "frozen": True, "inference": "neighbours", "rate": 0.01}
    card = train(settings(draw_set(tmp_path / "set", per_grade=4), tmp_path / "out", epochs=2, **more))
    tensors = load_file(tmp_path / "out" / FILE)
    assert tensors["head.texts"].shape == (5, 16) and len(np.unique(tensors["head.texts"], axis=0)) == 5
    original = {key for key in tensors if key.startswith("backbone.net.")}
    assert original and card["head"] == "prototypes"
    assert ImageGrader.load(tmp_path / "out", "cpu").grade([read_photograph(tmp_path / "set" / "p000.png")])[0].grade


def test_a_clip_whose_towers_do_not_fit_is_refused_in_one_line(tmp_path, capfd):
    clip = tiny_clip(tmp_path / "clip")
    config = json.loads((clip / "config.json").read_text())
    assert text_embeddings(str(clip), ["a fundus photograph"]).shape == (1, 16)
    config["text_config"]["projection_dim"] = 8
    (clip / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"do not fill the model: 1 tensors missing or of another shape, such as \W*text_projection"):
        text_embeddings(str(clip), ["a fundus photograph"])
    assert "REPORT" not in "".join(capfd.readouterr())


def test_what_contradicts_itself_is_refused(tmp_path):
    def message(**values) -> str:
        with pytest.raises(ConfigError) as error:
            load_config(ImageGraderConfig, None, [f"data={tmp_path}", *(f"{key}={value}" for key, value in values.items())])
        return str(error.value)

    assert "loss focal does not fit head coral; it takes coral" in message(loss="focal", head="coral")
    assert "come together" in message(head="prototypes") and "come together" in message(target="label")
    assert "contradict" in message(frozen=True, lora_rank=4)
    assert "unknown key 'learning_rate'" in message(learning_rate=1)
    with pytest.raises(ConfigError, match="no backbone 'resnet18'; it is LIBRARY/NAME with timm, torchvision"):
        build_backbone("resnet18", "none", 64)
    with pytest.raises(MissingModelError, match="no weights of transformers/"):
        build_backbone(f"transformers/{tmp_path}/nothing", "hub", 64)


def test_every_library_gives_features():
    for name in ("timm/resnet10t", "torchvision/mobilenet_v2", "torchvision/resnet18"):
        backbone = build_backbone(name, "none", 64).eval()
        assert backbone(torch.rand(1, 3, 64, 64) * 255).shape == (1, backbone.features)
    with pytest.raises(ConfigError, match="timm has no 'efficientnet_b99'; near it: "):
        build_backbone("timm/efficientnet_b99", "none", 64)


def test_logits_are_the_heads_own():
    model = GraderModel(Backbone(Colours(), 8, Spec("timm", "stand-in")), SoftmaxHead(8, 5)).eval()
    pixels = torch.rand(2, 3, 32, 32) * 255
    assert torch.equal(model.logits(pixels), model(pixels))
    assert model.embed(pixels).norm(dim=1).tolist() == pytest.approx([1, 1])
