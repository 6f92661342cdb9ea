"""Grad-CAM at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_llava import draw_fundus, save_tiny_llava, save_unet
from torch import Tensor, nn

from fusion.grid import Grid
from retinai.errors import SaliencyError
from retinai.fit import Fit
from retinai.image import read_photograph
from retinai.types import FundusImage
from vlm.generate import Vlm
from vlm.model import Loaded, load
from vlm.nano import build_nano
from vlm.picture import Lens
from vlm.saliency import explain_grade, explain_word, target_layer
from vlm.settings import NanoConfig


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Vlm:
    return Vlm(load(save_tiny_llava(tmp_path_factory.mktemp("clip")), device="cpu"), "clip")


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Vlm:
    unet = save_unet(tmp_path_factory.mktemp("nano") / "unet.safetensors")
    torch.manual_seed(1)
    model, tokenizer = build_nano(
        NanoConfig(
            unet=unet, image_size=96, tokens_per_side=3, projected=4, projection_photographs=8, vocabulary=400, hidden=48, layers=1, heads=2
        )
    )
    model.model.vision_tower.projection.normal_(std=0.1)
    return Vlm(Loaded(model, tokenizer, Lens(96)), "nano")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FundusImage:
    return read_photograph(draw_fundus(tmp_path_factory.mktemp("image") / "eye.png", 4, 0))


@pytest.mark.parametrize("name", ["clip", "nano"])
def test_maps_are_native_and_lie_in_the_field(name: str, image: FundusImage, request: pytest.FixtureRequest) -> None:
    vlm = request.getfixturevalue(name)
    maps = [explain_grade(vlm, image, level).values for level in range(5)] if name == "nano" else [explain_grade(vlm, image, 2).values]
    for values in maps:
        assert values.shape == image.pixels.shape[:2] and values.dtype == np.float32
        assert values.min() >= 0 and 0.5 < values.max() <= 1


def test_the_layer_is_the_one_that_feeds_the_projector(clip: Vlm, nano: Vlm, image: FundusImage) -> None:
    tower = clip.model.model.vision_tower
    assert target_layer(clip) is tower.encoder.layers[-2]
    assert target_layer(nano) is nano.model.model.vision_tower.out
    pixels = clip.pictures([image]).requires_grad_()
    outputs: dict[int, Tensor] = {}
    hooks = [layer.register_forward_hook(lambda m, i, o, n=n: outputs.update({n: o})) for n, layer in enumerate(tower.encoder.layers)]
    with torch.enable_grad():
        score = clip.slot_logits(pixels)[0, -1, 5]
        grads = torch.autograd.grad(score, [outputs[n] for n in sorted(outputs)], allow_unused=True)
    for hook in hooks:
        hook.remove()
    alive = [grad is not None and bool(grad.abs().max() > 0) for grad in grads]
    assert alive[-2] and not alive[-1]


class Blind(nn.Module):
    """A projector that lets nothing through."""

    def __init__(self, projector: nn.Module) -> None:
        super().__init__()
        self.projector = projector

    def forward(self, tokens: Tensor) -> Tensor:
        return self.projector(tokens) * 0


def test_a_blank_map_raises(nano: Vlm, image: FundusImage) -> None:
    projector = nano.model.model.multi_modal_projector
    nano.model.model.multi_modal_projector = Blind(projector)
    try:
        with pytest.raises(SaliencyError, match="saliency map of eye is blank"):
            explain_grade(nano, image, 2)
    finally:
        nano.model.model.multi_modal_projector = projector


def test_a_word_is_explained_where_it_is_said(clip: Vlm, image: FundusImage) -> None:
    answer = "Grade: 2. There are hard exudates."
    shown = explain_word(clip, image, answer, "exudates")
    assert shown.target == "the word 'exudates'" and shown.values.shape == image.field.shape
    with pytest.raises(SaliencyError, match="does not say 'haemorrhages'"):
        explain_word(clip, image, answer, "haemorrhages")


def test_a_map_is_what_its_grid_spreads(nano: Vlm, image: FundusImage) -> None:
    """What the ceilings of `fusion.grid` rest on: nine cells, stretched bilinearly, make up the whole map."""
    found = explain_grade(nano, image, 2)
    assert (found.cells, found.side) == (3, 96) and found.layer
    grid = Grid.of(Fit.of(image.field, 96), 3)
    cells = np.linalg.pinv(grid.rows) @ found.values @ np.linalg.pinv(grid.columns).T
    assert np.abs(grid.rows @ cells @ grid.columns.T - found.values).max() < 1e-3


def test_a_model_tells_its_name_and_not_where_it_lies(tmp_path: Path) -> None:
    vlm = Vlm.load(save_tiny_llava(tmp_path / "eye"), device="cpu")
    assert vlm.name == "vlm:eye"
    assert vlm.has_room("Grade it.", 20) and not vlm.has_room("Grade it. " * 200, 20)
