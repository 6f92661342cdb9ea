"""Will LLaVA-1.5-7B fit? Its memory counted on the meta device, without weights and without a network.

    retinai train vlm --config configs/vlm-idrid.yaml --plan

The published configuration is written down here, the model is built from it at full size but without storage,
LoRA is put on as in training, and the parameters of the real modules are counted. What depends on the kernels
that run (activations, workspace) is an estimate and is called one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import init_empty_weights
from torch import nn
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from retinai.errors import UsageError
from vlm.model import new_adapter
from vlm.settings import VlmConfig

GIB = 2**30
PUBLISHED = "llava-hf/llava-1.5-7b-hf"
PARAMETERS = 7_063_427_072
"""Of the published model."""
TEXT_TOKENS = 200
"""Of question and answer, about as many as the longest answers of the grammar have."""
_NF4_BLOCK = 64  # weights that share a scale
_SCALE_BLOCK = 256  # scales that share a scale of their own, under double quantisation


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes, except where the name says otherwise. tokens: of image and text in one training example;
    weights_training: as they lie while training, nf4 or bf16 by the config."""

    parameters: int
    lora_parameters: int
    tokens: int
    batch: int
    weights_bf16: int
    weights_nf4: int
    weights_training: int
    lora: int
    average: int
    gradients: int
    optimiser: int
    kv_cache_per_token: int
    activations_estimate: int
    unpacked_estimate: int

    @property
    def training_peak_estimate(self) -> int:
        """One training step, without what CUDA takes for itself."""
        fixed = self.weights_training + self.lora + self.average + self.gradients + self.optimiser
        return fixed + self.activations_estimate + self.unpacked_estimate

    def answer_peak(self, load_4bit: bool) -> int:
        """Weights and the KV cache of one answer over `tokens`."""
        return (self.weights_nf4 if load_4bit else self.weights_bf16) + self.tokens * self.kv_cache_per_token

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the derived ones included."""
        peaks = {"answer_peak_nf4": self.answer_peak(True), "answer_peak_bf16": self.answer_peak(False)}
        return asdict(self) | {"training_peak_estimate": self.training_peak_estimate} | peaks


def llava_7b_config() -> LlavaConfig:
    """llava-hf/llava-1.5-7b-hf: CLIP ViT-L/14 at 336 px and Vicuna-7B v1.5, the vocabulary padded to 32064 (Liu et al., CVPR 2024)."""
    vision = CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336, patch_size=14,
        projection_dim=768,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=32064, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32,
        max_position_embeddings=4096, rms_norm_eps=1e-5, tie_word_embeddings=False,
    )  # fmt: skip
    return LlavaConfig(vision_config=vision, text_config=text, image_token_index=32000, vision_feature_layer=-2, tie_word_embeddings=False)


def on_meta(config: LlavaConfig) -> LlavaForConditionalGeneration:
    """The model of `config` with shapes and no storage."""
    with init_empty_weights(include_buffers=True):
        return LlavaForConditionalGeneration(config)


def make_plan(settings: VlmConfig) -> Plan:
    """Count everything for training by `settings` on a GPU. Raises UsageError for a model whose configuration is not known here."""
    config = _config_of(settings)
    model = on_meta(config)
    parameters = _count(model)
    linears = [m.weight.numel() for m in model.model.language_model.modules() if isinstance(m, nn.Linear)]
    rest = parameters - sum(linears)
    in_4bit = settings.load_4bit is not False
    adapters = _lora_parameters(model, settings)
    tokens = config.image_seq_length + TEXT_TOKENS
    text: Any = config.text_config
    return Plan(
        parameters=parameters,
        lora_parameters=adapters,
        tokens=tokens,
        batch=settings.batch,
        weights_bf16=2 * parameters,
        weights_nf4=nf4_bytes(sum(linears)) + 2 * rest,
        weights_training=nf4_bytes(sum(linears)) + 4 * rest if in_4bit else 2 * parameters,  # peft widens the rest to float32
        lora=4 * adapters,  # float32, so that a rate of 2e-5 is not rounded away
        average=4 * adapters,
        gradients=4 * adapters,
        optimiser=(2 if settings.optimizer == "adamw8bit" else 8) * adapters,  # two moments
        kv_cache_per_token=kv_cache_bytes(text),
        activations_estimate=settings.batch * activation_bytes(text, tokens, settings.gradient_checkpointing),
        unpacked_estimate=2 * max(linears) if in_4bit else 0,
    )


def _config_of(settings: VlmConfig) -> LlavaConfig:
    """The published configuration, or that of a local folder."""
    if settings.nano is None and settings.model == PUBLISHED:
        return llava_7b_config()
    if settings.nano is None and (Path(settings.model) / "config.json").is_file():
        return LlavaConfig.from_pretrained(settings.model)
    other = "the small LLaVA" if settings.nano else settings.model
    raise UsageError(f"a plan is made for {PUBLISHED} or a folder with a LLaVA, not for {other}")


def _lora_parameters(model: LlavaForConditionalGeneration, settings: VlmConfig) -> int:
    """What LoRA adds, counted on the model as training adapts it. Changes `model`."""
    return sum(p.numel() for p in new_adapter(model, settings).parameters() if p.requires_grad)


def nf4_bytes(weights: int) -> int:
    """4 bits a weight, an 8-bit scale per 64, a float32 per 256 scales (QLoRA: Dettmers et al., NeurIPS 2023, section 3)."""
    scales = weights // _NF4_BLOCK
    return weights // 2 + scales + 4 * (scales // _SCALE_BLOCK)


def kv_cache_bytes(text: Any) -> int:
    """Keys and values of one token in every layer of a LlamaConfig, bf16."""
    heads = text.num_key_value_heads * (text.hidden_size // text.num_attention_heads)
    return 2 * text.num_hidden_layers * heads * 2


def activation_bytes(text: Any, tokens: int, checkpointing: bool) -> int:
    """An estimate, with fused attention. A layer makes about 24 hidden-wide and 10 feed-forward-wide tensors of 16 bits,
    LoRA's wider copies counted in; all layers keep them, or with checkpointing one does and the others only their input.
    To these come the logits of question and answer, their softmax and the gradients of both."""
    layer = 2 * (24 * text.hidden_size + 10 * text.intermediate_size)
    layers = layer + text.num_hidden_layers * 2 * text.hidden_size if checkpointing else text.num_hidden_layers * layer
    return tokens * layers + TEXT_TOKENS * 12 * text.vocab_size


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def as_text(plan: Plan) -> str:
    """The plan for people, in eighty columns, beside the known figures of LLaVA-1.5-7B."""
    rows = (
        ("weights, bf16", plan.weights_bf16, "LLaVA-1.5-7B: 13.2"),
        ("weights, language model in nf4", plan.weights_nf4, "LLaVA-1.5-7B: 4.2"),
        ("weights while training", plan.weights_training, ""),
        ("LoRA", plan.lora, ""),
        ("its running average", plan.average, ""),
        ("gradients", plan.gradients, ""),
        ("optimiser", plan.optimiser, ""),
        ("activations", plan.activations_estimate, "estimate"),
        ("one matrix unpacked from nf4", plan.unpacked_estimate, "estimate"),
        ("a training step at its peak", plan.training_peak_estimate, "estimate"),
        ("an answer in nf4, with its KV cache", plan.answer_peak(True), ""),
        ("an answer in bf16, with its KV cache", plan.answer_peak(False), ""),
    )
    lines = [f"{plan.parameters:,} parameters (LLaVA-1.5-7B: {PARAMETERS:,})"]
    lines += [f"{plan.lora_parameters / 1e6:.1f} M parameters of LoRA"]
    lines += [f"batch {plan.batch}, {plan.tokens} tokens, {plan.kv_cache_per_token / 2**20:.2f} MiB of KV cache per token", ""]
    lines += [f"{name:<40}{size / GIB:>8.2f} GiB  {note}".rstrip() for name, size, note in rows]
    return "\n".join([*lines, "", "Counted on the meta device. CUDA itself takes about 0.5 GiB more."])
