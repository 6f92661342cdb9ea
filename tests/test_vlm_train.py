"""The real classes at toy size: 4-bit weights, LoRA, 8-bit AdamW, checkpointing, saving, resuming, answering."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file
from tiny_llava import draw_chat, draw_fundus, save_tiny_llava

from retinai.errors import DataError, MissingModelError, WeightsError
from retinai.image import read_photograph
from vlm import train as training
from vlm.data import Chats, Sample, read_chat, validation_split
from vlm.encode import IGNORED
from vlm.generate import Vlm
from vlm.grammar import GRADE_WORD
from vlm.model import Loaded, is_4bit, llava, load, mend_4bit, new_adapter, prepare_training
from vlm.picture import Lens
from vlm.settings import VlmConfig
from vlm.train import answer_loss, micro_step, train

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),  # peft asks transformers by an old name
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.jit"),  # bitsandbytes
]


@pytest.fixture(autouse=True)
def fresh_accelerate() -> Iterator[None]:
    """accelerate keeps its precision for the life of a process."""
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llava")
    draw_chat(folder)
    save_tiny_llava(folder / "llava")
    return folder


def config(home: Path, output: Path, **changes: Any) -> VlmConfig:
    values: dict[str, Any] = {
        "data": home / "chat.jsonl", "output": output, "model": str(home / "llava"), "load_4bit": True, "epochs": 4, "batch": 2,
        "accumulation": 2, "rate": 2e-2, "workers": 0, "checkpoint_seconds": 0, "precision": "no", "views": ("plain",), "jitter": 0.0,
    }  # fmt: skip
    return VlmConfig(**(values | changes))


def adapted(home: Path, **changes: Any) -> Loaded:
    loaded = load(home / "llava", load_4bit=changes.pop("load_4bit", True), device="cpu")
    settings = config(home, home / "unused", **changes)
    model = new_adapter(prepare_training(loaded.model, settings.gradient_checkpointing), settings)  # type: ignore[arg-type]
    mend_4bit(model)
    return Loaded(model, loaded.tokenizer, loaded.lens)


def batch_of(home: Path, loaded: Loaded, size: int = 2) -> dict[str, torch.Tensor]:
    conversations = read_chat(home / "chat.jsonl", "train")
    samples = Chats(conversations, lambda c, v, r: loaded.lens.pixel_values(c.open()), ("plain",), "none", size, 0)
    return loaded.encoder.batch([samples[i] for i in range(size)])


def adapter_gradient(model: torch.nn.Module) -> float:
    """The largest gradient of the second factor of LoRA (the first one's is zero at the start)."""
    return max(float(p.grad.abs().max()) for n, p in model.named_parameters() if "lora_B" in n and p.grad is not None)


def test_only_the_language_model_is_in_4_bits(home: Path) -> None:
    from bitsandbytes.nn import Linear4bit

    loaded = load(home / "llava", load_4bit=True, device="cpu")
    quantised = [name for name, module in loaded.model.named_modules() if isinstance(module, Linear4bit)]
    assert is_4bit(loaded.model) and len(quantised) == 2 * 7
    assert all("language_model.layers" in name for name in quantised)


def test_auto_is_full_precision_on_a_cpu(home: Path) -> None:
    model = load(home / "llava", device="cpu").model
    assert not is_4bit(model) and llava(model).dtype == torch.float32


def test_lora_is_put_where_the_config_says(home: Path) -> None:
    def places(on: tuple[str, ...]) -> set[str]:
        model = adapted(home, load_4bit=False, lora_on=on).model
        return {name.split(".lora_A")[0].rsplit(".", 1)[1] for name, _ in model.named_parameters() if "lora_A" in name}

    language = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert places(("language_model",)) == language
    assert places(("multi_modal_projector",)) == {"linear_1", "linear_2"}
    assert places(("vision_tower",)) == {"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"}


def test_only_the_assistants_words_count(home: Path) -> None:
    loaded = load(home / "llava", device="cpu")
    sample = Sample("Grade it.", "Grade: 2. There are haemorrhages.", torch.zeros(3, 28, 28), 1.0)
    batch = loaded.encoder.batch([sample], grade_weight=5.0)
    counted = batch["labels"][0] != IGNORED
    assert loaded.tokenizer.decode(batch["input_ids"][0][counted]) == "Grade: 2. There are haemorrhages.</s>"
    assert (batch["input_ids"][0] == 3).sum() == 16 and not counted[batch["input_ids"][0] == 3].any()
    heavy = batch["input_ids"][0][batch["weights"][0] == 5.0]
    assert loaded.tokenizer.decode(heavy).strip().endswith("2")
    changed = {**batch, "labels": batch["labels"].clone()}
    changed["labels"][0, ~counted] = IGNORED
    assert answer_loss(loaded.model, changed) == answer_loss(loaded.model, batch)


def test_the_loss_is_the_plain_mean_over_the_answer(home: Path) -> None:
    loaded = load(home / "llava", device="cpu")
    batch = batch_of(home, loaded)
    whole = loaded.model(input_ids=batch["input_ids"], pixel_values=batch["pixel_values"], labels=batch["labels"]).loss
    assert answer_loss(loaded.model, batch).item() == pytest.approx(whole.item(), abs=1e-5)


def test_gradients_live_after_an_evaluation_in_4_bits(home: Path) -> None:
    loaded = adapted(home, gradient_checkpointing=False)
    batch = batch_of(home, loaded)
    with torch.no_grad():
        loaded.model.eval()(input_ids=batch["input_ids"], pixel_values=batch["pixel_values"])
    answer_loss(loaded.model.train(), batch).backward()
    assert adapter_gradient(loaded.model) > 1e-6


def test_gradient_checkpointing_changes_no_gradient(home: Path) -> None:
    gradients = []
    for checkpointing in (True, False):
        torch.manual_seed(0)
        loaded = adapted(home, gradient_checkpointing=checkpointing, lora_dropout=0.0, load_4bit=False)
        answer_loss(loaded.model.train(), batch_of(home, loaded)).backward()
        gradients.append(adapter_gradient(loaded.model))
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-4) and gradients[0] > 0


@pytest.mark.parametrize("in_4bit", [True, False])
def test_a_few_steps_lower_the_loss_and_the_adapter_comes_back(home: Path, tmp_path: Path, in_4bit: bool, monkeypatch: Any) -> None:
    losses: list[float] = []

    def listen(*args: Any) -> float:
        losses.append(micro_step(*args))
        return losses[-1]

    monkeypatch.setattr(training, "micro_step", listen)
    card = train(config(home, tmp_path, load_4bit=in_4bit, epochs=8))
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[:8])
    assert card["kind"] == "LoRA adapter" and card["validation_photographs"] == 4
    vlm = Vlm.load(home / "llava", adapter=tmp_path / "model", load_4bit=in_4bit)
    image = read_photograph(home / "0.png")
    first, again = vlm.answer([image, image], most_tokens=12)
    assert first.text == again.text and first.text.startswith(GRADE_WORD)
    if first.grade is not None and again.grade is not None:  # rows of a batch differ in the last digits
        assert first.grade.probs == pytest.approx(again.grade.probs, abs=1e-4)
    assert vlm.calibration.temperature == pytest.approx(card["calibration"]["temperature"])
    assert first.grade is None or sum(first.grade.probs) == pytest.approx(1)


def test_a_killed_run_goes_on_as_if_it_had_not_been(home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    train(config(home, tmp_path / "whole"))
    steps = 0

    def stop_after_three(*args: Any) -> None:
        nonlocal steps
        saved(*args)
        if (steps := steps + 1) == 3:
            raise KeyboardInterrupt

    saved = training.save_checkpoint
    monkeypatch.setattr(training, "save_checkpoint", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        train(config(home, tmp_path / "cut"))
    monkeypatch.setattr(training, "save_checkpoint", saved)
    AcceleratorState._reset_state(True)
    train(config(home, tmp_path / "cut"))
    whole, cut = (load_file(tmp_path / name / "model" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert all(torch.allclose(whole[key], cut[key], atol=2e-3) for key in whole)


def test_the_second_phase_starts_from_the_firsts_adapter(home: Path, tmp_path: Path) -> None:
    train(config(home, tmp_path / "one", load_4bit=False))
    AcceleratorState._reset_state(True)
    train(config(home, tmp_path / "two", load_4bit=False, adapter=tmp_path / "one" / "model", rate=1e-12, epochs=0.1))
    first, second = (load_file(tmp_path / name / "model" / "adapter_model.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(first[key], second[key], atol=1e-6) for key in first)


def test_the_sampler_draws_every_grade_equally_often(home: Path) -> None:
    conversations = read_chat(home / "chat.jsonl", "train")
    uneven = [each for each in conversations if each.report.grade == 0] + [each for each in conversations if each.report.grade == 4][:1]
    drawn = Chats(uneven, None, ("plain",), "sampler", 400, 0)
    zeros = sum(drawn[i].answer.startswith("Grade: 0") for i in range(400))
    assert 150 < zeros < 250
    weighed = Chats(uneven, None, ("plain",), "loss", 400, 0)
    assert weighed.weights[-1] == pytest.approx(4 * weighed.weights[0])
    assert weighed.weights.mean() == pytest.approx(1)
    assert np.unique(Chats(uneven, None, ("plain",), "none", 4, 0).weights) == [1.0]


def test_a_sample_depends_on_the_seed_and_its_number_alone(home: Path) -> None:
    conversations = read_chat(home / "chat.jsonl", "train")
    first, second = (Chats(conversations, None, ("plain", "mirrored"), "sampler", 50, 3) for _ in range(2))
    assert [first[i] for i in range(50)] == [second[i] for i in reversed(range(50))][::-1]


def test_validation_photographs_are_not_trained_on(home: Path) -> None:
    conversations = read_chat(home / "chat.jsonl")
    assert {each.id for each in validation_split(conversations)} == {"8", "9", "10", "11"}


def test_the_photograph_is_cropped_to_its_field_and_never_centre_cropped(tmp_path: Path) -> None:
    image = read_photograph(draw_fundus(tmp_path / "wide.png", 2, 0))
    pixels = Lens(28).pixel_values(image)
    shown = (pixels.sum(0) > pixels.sum(0).min() + 1e-3).numpy()
    assert pixels.shape == (3, 28, 28)
    assert shown[:, 0].any() and shown[:, -1].any() and shown[0].any() and shown[-1].any()


def test_a_missing_model_says_how_to_get_it_in_one_line() -> None:
    with pytest.raises(MissingModelError, match=r"no model nobody/nothing on this machine.*HF_HUB_OFFLINE.*hf download") as caught:
        Vlm.load("nobody/nothing")
    assert "\n" not in str(caught.value)


def test_a_missing_adapter_and_missing_conversations_are_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no adapter in .*nowhere"):
        Vlm.load(home / "llava", adapter=tmp_path / "nowhere")
    with pytest.raises(DataError, match="retinai data prepare"):
        read_chat(tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(DataError, match=r"bad.jsonl:1 is no conversation"):
        read_chat(tmp_path / "bad.jsonl")
