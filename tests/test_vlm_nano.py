"""The small LLaVA at toy size: tower, tokens, training, answers."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate.state import AcceleratorState
from tiny_llava import draw_chat, save_unet
from torch import Tensor

from retinai.errors import WeightsError
from retinai.image import read_photograph
from vlm.cache import TokenCache, dropped
from vlm.data import drawn_conversations, read_chat
from vlm.generate import Vlm
from vlm.model import llava
from vlm.nano import build_nano, train_tokenizer
from vlm.picture import DRAWN, Lens, draw_ungradable, turn
from vlm.saliency import explain_grade
from vlm.settings import NanoConfig, VlmConfig
from vlm.tower import LesionTower, LesionTowerConfig, cell_statistics
from vlm.train import train


def see_colours(tower: LesionTower, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
    """In place of `look`: the colours of each cell, spread over the encoder's channels, and as class probabilities."""
    mix = torch.randn(3, tower.config.encoder_width, generator=torch.Generator().manual_seed(0))
    cells = F.adaptive_avg_pool2d(pixel_values, tower.config.tokens_per_side)
    return torch.einsum("nchw,cd->ndhw", cells, mix), pixel_values[:, [0, 1, 2, 0, 1]].sigmoid()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nano")
    draw_chat(folder)
    save_unet(folder / "unet.safetensors")
    return folder


def small(home: Path) -> NanoConfig:
    return NanoConfig(
        unet=home / "unet.safetensors",
        image_size=96,
        tokens_per_side=3,
        projected=4,
        projection_photographs=8,
        vocabulary=400,
        hidden=48,
        layers=1,
        heads=2,
    )


def config(home: Path, output: Path, **changes: Any) -> VlmConfig:
    values: dict[str, Any] = {
        "data": home / "chat.jsonl", "output": output, "nano": small(home), "epochs": 60, "batch": 4, "accumulation": 1, "rate": 1e-2,
        "optimizer": "adamw", "ema": 0.8, "grade_weight": 5, "ungradable": 4, "workers": 0, "precision": "no", "token_dropout": 0.1,
    }  # fmt: skip
    return VlmConfig(**(values | changes))


@pytest.fixture(autouse=True)
def fresh_accelerate() -> Iterator[None]:
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)


@pytest.fixture(scope="module")
def trained(home: Path) -> Iterator[tuple[Vlm, dict[str, Any]]]:
    """A small LLaVA whose tower sees colours, since a U-Net with random weights sees nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LesionTower, "look", see_colours)
        AcceleratorState._reset_state(True)
        card = train(config(home, home / "run"))
        yield Vlm.load(home / "run" / "model", device="cpu"), card


def test_cell_statistics_by_hand() -> None:
    probs = torch.zeros(1, 1, 8, 8)
    probs[0, 0, 0, 0], probs[0, 0, 5, 5], probs[0, 0, 6, 6] = 0.4, 1.0, 1.0
    highest, area, sure = cell_statistics(probs, 2)[0]
    assert np.allclose(highest, [[0.4, 0], [0, 1]])
    assert np.allclose(area, [[np.log(1.4) / np.log(17), 0], [0, np.log(3) / np.log(17)]])
    assert np.allclose(sure, [[0, 0], [0, np.log(3) / np.log(17)]])


def test_the_tower_gives_as_many_tokens_as_llava() -> None:
    assert LesionTowerConfig().tokens_per_side ** 2 == 576
    assert LesionTowerConfig(projected=10).hidden_size == 10 + 3 * 5 + 2
    assert LesionTowerConfig(image_size=96, tokens_per_side=3).patch_size == 32


def test_tokens_computed_before_are_passed_through_and_the_tower_stays_in_evaluation() -> None:
    tower = LesionTower(LesionTowerConfig(image_size=96, tokens_per_side=3, projected=4))
    assert not tower.unet.training and not tower.train().unet.training
    tokens = torch.rand(2, 9, 21)
    assert tower(tokens).hidden_states[-1] is tokens
    seen = tower(torch.rand(1, 3, 96, 96)).last_hidden_state
    assert seen.shape == (1, 9, 21)
    assert seen[0, 0, -2:].tolist() == pytest.approx([-2 / 3, -2 / 3]) and seen[0, 2, -2:].tolist() == pytest.approx([2 / 3, -2 / 3])


def test_a_unet_that_does_not_fit_is_refused(tmp_path: Path, home: Path) -> None:
    tower = LesionTower(LesionTowerConfig(decoder_channels=(16, 16, 16, 16, 16)))
    with pytest.raises(WeightsError, match="does not fit the tower"):
        tower.load_unet(home / "unet.safetensors")
    with pytest.raises(WeightsError, match="no lesion weights at"):
        tower.load_unet(tmp_path / "none.safetensors")


def test_the_tokenizer_takes_any_text_and_gives_every_digit_a_token() -> None:
    tokenizer = train_tokenizer(400)
    text = "Grade: 13. Ünïcode, 40% of {braces}"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer("40", add_special_tokens=False)["input_ids"]) == 2


def test_the_projection_has_unit_variance_and_is_kept(home: Path) -> None:
    chats = read_chat(home / "chat.jsonl", "train")
    towers = []
    for _ in range(2):
        model, _ = build_nano(small(home))
        tower = model.model.vision_tower
        assert isinstance(tower, LesionTower)
        cache = TokenCache(home / "cache", tower, Lens(96), small(home))
        cache.fit_tower(chats)
        cache.fill(chats, ("plain", "mirrored"), lambda done: None)
        towers.append(tower)
    tokens = torch.stack([cache.read(each, "plain") for each in chats])
    assert tokens[..., :4].flatten(0, 1).std(0).numpy() == pytest.approx(np.ones(4), abs=0.05)
    assert torch.equal(towers[0].projection, towers[1].projection)
    assert not torch.equal(cache.read(chats[1], "plain"), cache.read(chats[1], "mirrored"))


def test_a_reloaded_tower_sees_what_was_cached(home: Path, tmp_path: Path) -> None:
    train(config(home, tmp_path, epochs=0.1, ungradable=0))
    cached = np.load(next((tmp_path / "cache").glob("*/8-plain-*.npy")))
    vlm = Vlm.load(tmp_path / "model", device="cpu")
    seen = vlm.pictures([read_photograph(home / "8.png")])[0].numpy()
    # bf16 makes single cells differ with the number of threads
    assert np.abs(cached - seen).mean() < 0.01 < 0.1 < np.abs(cached - np.roll(seen, 7, axis=0)).mean()


def test_dropping_tokens() -> None:
    rng = np.random.default_rng(0)
    tokens = torch.ones(1000, 3)
    left = dropped(tokens, 0.3, rng)
    assert left.sum(1).unique().tolist() == [0, 3] and 250 < (left[:, 0] == 0).sum() < 350
    assert dropped(tokens, 0.0, rng) is tokens


def test_the_trained_model_tells_grades_apart_and_refuses_drawings(home: Path, trained: tuple[Vlm, dict[str, Any]]) -> None:
    vlm, card = trained
    answers = vlm.answer([read_photograph(home / f"{i}.png") for i in range(8, 12)], most_tokens=40)
    levels = [answer.grade.level if answer.grade else None for answer in answers]
    assert levels == [0, 4, 0, 4]
    assert answers[0].text.startswith("Grade: 0") and answers[1].text.startswith("Grade: 4")
    assert all(answer.grade and sum(answer.grade.probs) == pytest.approx(1) for answer in answers)
    assert card["validation"]["accuracy"][0] == 1.0 and card["validation"]["kappa"][0] == 1.0
    assert card["recipe"]["nano"]["hidden"] == 48 and "unet" not in card["recipe"]["nano"]
    refusals = vlm.answer([draw_ungradable(seed) for seed in range(4)], most_tokens=40)
    assert [each.grade for each in refusals] == [None] * 4


def test_answers_do_not_depend_on_their_batch(home: Path, trained: tuple[Vlm, dict[str, Any]]) -> None:
    vlm, _ = trained
    images = [read_photograph(home / f"{i}.png") for i in range(3)]
    together, apart = vlm.answer(images, batch=3, most_tokens=10), [vlm.answer([image], most_tokens=10)[0] for image in images]
    assert [each.text for each in together] == [each.text for each in apart]
    assert [g.level for g in vlm.grade(images) if g] == [a.grade.level for a in apart if a.grade]


def test_sampling_is_seeded(home: Path, trained: tuple[Vlm, dict[str, Any]]) -> None:
    vlm, _ = trained
    image = read_photograph(home / "1.png")
    first, again = (vlm.answer([image], sample=True, seed=5, most_tokens=20)[0].text for _ in range(2))
    assert first == again


def test_a_text_only_twin_answers_the_same_to_everything(home: Path, tmp_path: Path) -> None:
    card = train(config(home, tmp_path, pictures=False, epochs=2))
    assert card["validation"]["kappa"][0] == 0.0


def test_the_model_folder_is_compact_and_complete(home: Path, trained: tuple[Vlm, dict[str, Any]]) -> None:
    from safetensors.torch import load_file

    folder = home / "run" / "model"
    tensors = load_file(folder / "model.safetensors")
    kernels = {value.dtype for value in tensors.values() if value.ndim > 1 and value.shape[1] > 1}
    depthwise = {value.dtype for value in tensors.values() if value.ndim == 4 and value.shape[1] == 1}
    assert kernels == {torch.float16} and depthwise == {torch.float32}
    assert {"config.json", "tokenizer.json", "processor_config.json", "card.json", "grade.json"} <= {path.name for path in folder.iterdir()}


def test_drawn_pictures_differ_and_are_reproducible() -> None:
    pictures = [draw_ungradable(seed).pixels for seed in range(2 * len(DRAWN))]
    assert all(not np.array_equal(pictures[i], pictures[i + len(DRAWN)]) for i in range(len(DRAWN)))
    assert np.array_equal(pictures[1], draw_ungradable(1).pixels)
    assert {each.answer[:11] for each in drawn_conversations(3)} == {"Grade: none"}


def test_turning_a_photograph(home: Path) -> None:
    image = read_photograph(home / "1.png")
    assert np.array_equal(turn(turn(image, "mirrored"), "mirrored").pixels, image.pixels)
    assert np.array_equal(turn(image, "turned").pixels, image.pixels[::-1, ::-1])
    assert np.array_equal(turn(image, "upturned").field, image.field[::-1])


def test_the_tower_looks_once_at_a_photograph(home: Path, trained: tuple[Vlm, dict[str, Any]]) -> None:
    vlm, _ = trained
    looks: list[int] = []
    tower = llava(vlm.model).model.vision_tower
    handle = tower.register_forward_pre_hook(lambda _, given: looks.append(1) if given and given[0].ndim == 4 else None)
    one, other = (read_photograph(home / f"{i}.png") for i in (8, 9))
    answer = vlm.answer([one], most_tokens=4)[0]
    assert answer.grade is not None
    explain_grade(vlm, one, answer.grade.level)
    assert len(looks) == 1
    assert not torch.equal(vlm.pictures([other]), vlm.pictures([one])) and len(looks) == 2
    handle.remove()
    del one, other
    gc.collect()
    assert len(vlm._tokens) == 0
