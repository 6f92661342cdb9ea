"""LLaVA-1.5-7B at its real size on the meta device, against figures known of the published model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retinai.errors import UsageError
from vlm.plan import GIB, PARAMETERS, Plan, _config_of, as_text, kv_cache_bytes, llava_7b_config, make_plan, nf4_bytes, on_meta
from vlm.settings import VlmConfig

# peft asks transformers by an old name
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


def settings(**changes) -> VlmConfig:
    return VlmConfig.model_validate({"data": Path("chat.jsonl")} | changes)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(settings())


def test_weights_and_cache_are_the_known_figures(plan):
    assert plan.parameters == PARAMETERS == 7_063_427_072
    assert plan.lora_parameters == 39_976_960  # 32 layers of rank 16 on seven matrices
    assert plan.weights_bf16 / GIB == pytest.approx(13.2, abs=0.05)
    assert plan.weights_nf4 / GIB == pytest.approx(4.2, abs=0.05)
    assert plan.kv_cache_per_token == 2**19


def test_training_and_answers_fit_their_targets(plan):
    assert plan.tokens == 776
    assert plan.training_peak_estimate < 16 * GIB
    assert plan.answer_peak(load_4bit=True) < 8 * GIB
    assert plan.answer_peak(load_4bit=True) == plan.weights_nf4 + 776 * 2**19
    assert (plan.lora, plan.gradients, plan.optimiser) == (4 * 39_976_960, 4 * 39_976_960, 2 * 39_976_960)


def test_the_text_fits_eighty_columns_and_gives_the_figures(plan):
    text = as_text(plan)
    assert max(map(len, text.splitlines())) <= 80
    assert "7,063,427,072 parameters" in text and "40.0 M parameters of LoRA" in text and "0.50 MiB of KV cache" in text
    assert plan.as_dict()["training_peak_estimate"] == plan.training_peak_estimate


def test_nf4_by_hand():
    assert nf4_bytes(64 * 256) == 64 * 256 // 2 + 256 + 4
    assert nf4_bytes(6_476_005_376) == 3_238_002_688 + 101_187_584 + 1_581_056


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The folder of a small LLaVA's configuration: 2 layers of width 64."""
    full: Any = llava_7b_config()
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    text = {"vocab_size": 100, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    folder = tmp_path_factory.mktemp("small")
    config = type(full)(
        vision_config=type(full.vision_config)(**vision),
        text_config=type(full.text_config)(num_key_value_heads=2, **text),
        image_seq_length=4,
    )
    config.save_pretrained(folder)
    return folder


def test_the_model_has_no_storage(small):
    model = on_meta(_config_of(settings(model=str(small))))
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert sum(p.numel() for p in model.parameters()) == make_plan(settings(model=str(small))).parameters


def test_every_setting_moves_its_line(small):
    plain = make_plan(settings(model=str(small)))
    assert plain.tokens == 204
    assert make_plan(settings(model=str(small), lora_rank=32)).lora == 2 * plain.lora
    assert make_plan(settings(model=str(small), optimizer="adamw")).optimiser == 4 * plain.optimiser
    assert make_plan(settings(model=str(small), batch=2)).activations_estimate == 2 * plain.activations_estimate
    assert make_plan(settings(model=str(small), gradient_checkpointing=False)).activations_estimate > plain.activations_estimate
    assert make_plan(settings(model=str(small), lora_on=("language_model", "vision_tower"))).lora > plain.lora
    full = make_plan(settings(model=str(small), load_4bit=False))
    assert (full.weights_training, full.unpacked_estimate) == (2 * full.parameters, 0)


def test_the_cache_counts_shared_heads_once(small):
    assert kv_cache_bytes(_config_of(settings(model=str(small))).text_config) == 2 * 2 * 32 * 2


def test_an_unknown_model_has_no_plan():
    with pytest.raises(UsageError, match="not for some/other"):
        make_plan(settings(model="some/other"))
    with pytest.raises(UsageError, match="not for the small LLaVA"):
        make_plan(settings(nano={"unet": "unet.safetensors"}))
