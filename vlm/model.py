"""Loading a LLaVA: in full or in 4 bits, with an adapter or with a fresh one to train."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoConfig, AutoProcessor, BitsAndBytesConfig, LlavaForConditionalGeneration, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

import vlm.tower
from retinai.artifacts import building, check_folder
from retinai.errors import MissingModelError, WeightsError
from vlm.encode import Encoder
from vlm.picture import Lens
from vlm.settings import VlmConfig

disable_progress_bar()
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it says at import that an optional kernel is not there

BUNDLED = Path(__file__).parent / "weights" / "nano"
"""The small LLaVA that comes with the project: `Vlm.load('nano')`."""
_NO_CODE: dict[str, Any] = {"trust_remote_code": False}
"""Said, since transformers asks at the terminal where it is not."""
NOT_IN_4BIT = ["model.vision_tower", "model.multi_modal_projector", "lm_head"]
"""What stays in 16 bits. The full names are needed: 'vision_tower' alone skips nothing, without a word."""
LINEARS = "(q_proj|k_proj|v_proj|o_proj|out_proj|gate_proj|up_proj|down_proj|fc1|fc2|linear_1|linear_2)"
"""The linear layers of Llama, of CLIP and of the projector."""


@dataclass(frozen=True)
class Loaded:
    """A model and what feeds it. model: LlavaForConditionalGeneration, or peft's wrapper of one; sees: whether it is
    shown pictures at all."""

    model: PreTrainedModel
    tokenizer: Any
    lens: Lens
    sees: bool = True

    @property
    def encoder(self) -> Encoder:
        return Encoder(self.tokenizer, self.llava.config.image_seq_length if self.sees else 0)

    @property
    def llava(self) -> LlavaForConditionalGeneration:
        """The LLaVA itself, out of any wrapper."""
        return llava(self.model)


def load(
    source: str | Path,
    *,
    adapter: Path | None = None,
    load_4bit: Literal["auto"] | bool = "auto",
    device: str = "auto",
    trainable: bool = False,
) -> Loaded:
    """Load a LLaVA-1.5-style model from a hub id or a folder.

    load_4bit: nf4 with double quantisation of the language model; 'auto' does so on a GPU, except for the small LLaVA.
    Nothing is ever unpickled, and no code of a model is run. A folder is held against its card first, where it has one.
    Raises MissingModelError where it is neither on this machine nor to be had, WeightsError where it was changed or is broken.
    """
    place = pick_device(device)
    if Path(source).is_dir():
        check_folder(Path(source), card_needed=Path(source) == BUNDLED)
    with building(source):
        try:
            processor = AutoProcessor.from_pretrained(source, **_NO_CODE)
            model = _filled(source, _how(source, load_4bit, place))
        except OSError as error:
            if Path(source).is_dir():
                raise
            raise missing(source) from error
    mend_4bit(model)
    if _is_small(source):
        model.model.vision_tower.to(memory_format=torch.channels_last)  # 0.6 of the time of its convolutions on a CPU
    if adapter is not None:
        model = load_adapter(model, adapter, trainable)
    return Loaded(model.eval(), processor.tokenizer, lens_of(model, processor.image_processor))


def _filled(source: str | Path, how: dict[str, Any]) -> Any:
    """The model with its stored weights. Tensors that are not stored would be left random without a word: WeightsError."""
    loaded: Any = LlavaForConditionalGeneration.from_pretrained(source, output_loading_info=True, **how)
    model, report = loaded
    lost = sorted(str(key) for key in (*report["missing_keys"], *report["mismatched_keys"]))
    if lost:
        raise WeightsError(f"the weights of {source} do not fill the model: {len(lost)} tensors missing, such as {lost[0]}")
    return model


def missing(source: str | Path) -> MissingModelError:
    """One line that says how to get a model that is not here."""
    offline = " (the network is switched off by HF_HUB_OFFLINE)" if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0") else ""
    return MissingModelError(f"no model {source} on this machine{offline}; with a network: hf download {source}")


def load_adapter(model: PreTrainedModel, folder: Path, trainable: bool = False) -> Any:
    """Put a LoRA adapter on: peft's wrapper of the model. Raises WeightsError where there is none."""
    if not all((Path(folder) / name).is_file() for name in ("adapter_config.json", "adapter_model.safetensors")):
        raise WeightsError(f"no adapter in {folder}: expected adapter_config.json and adapter_model.safetensors")
    from peft import PeftModel

    check_folder(Path(folder))
    with building(folder):
        return PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)


def new_adapter(model: PreTrainedModel, config: VlmConfig) -> Any:
    """peft's wrapper of the model with a fresh LoRA on the linear layers of the parts that the config names."""
    from peft import LoraConfig, get_peft_model

    parts = "|".join(config.lora_on)
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=rf".*({parts})\b.*\.{LINEARS}",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def prepare_training(model: PreTrainedModel, gradient_checkpointing: bool) -> PreTrainedModel:
    """Freeze the model for LoRA; norms in float32 where it is quantised."""
    if is_4bit(model):
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    model.requires_grad_(False)
    if gradient_checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable  # before 5.2x
        enable({"use_reentrant": False})
    return model


def quantisation() -> BitsAndBytesConfig:
    """nf4 with double quantisation and bf16 arithmetic (QLoRA: Dettmers et al., NeurIPS 2023), language model only."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=NOT_IN_4BIT,
    )


def mend_4bit(model: nn.Module) -> int:
    """Keep 4-bit layers differentiable on every processor; returns how many there are.

    On processors with AVX512-BF16 bitsandbytes repacks weights in the first pass without gradients into a form that
    has none: LoRA and Grad-CAM would silently get zeros after the first evaluation.
    """
    if not is_4bit(model):
        return 0
    from bitsandbytes.nn import Linear4bit

    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)


def is_4bit(model: nn.Module) -> bool:
    return bool(getattr(model, "is_loaded_in_4bit", False))


def llava(model: nn.Module) -> LlavaForConditionalGeneration:
    """The LLaVA itself, out of peft's and accelerate's wrappers."""
    for module in model.modules():
        if isinstance(module, LlavaForConditionalGeneration):
            return module
    raise TypeError(f"no LLaVA in a {type(model).__name__}")


def lens_of(model: nn.Module, image_processor: Any) -> Lens:
    """The square and the colour scale that the vision tower was trained with."""
    vision: Any = llava(model).config.vision_config
    return Lens(vision.image_size, tuple(image_processor.image_mean), tuple(image_processor.image_std))


def pick_device(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda[:n]' -> a device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _how(source: str | Path, load_4bit: Literal["auto"] | bool, device: torch.device) -> dict[str, Any]:
    """Arguments of `from_pretrained`: 4 bits, bf16 on a GPU, float32 on a CPU."""
    small = _is_small(source)
    quantise = device.type == "cuda" and not small if load_4bit == "auto" else load_4bit
    dtype = torch.bfloat16 if quantise or (device.type == "cuda" and not small) else torch.float32
    how = {"dtype": dtype, "device_map": {"": device}, "use_safetensors": True, **_NO_CODE}
    return how | ({"quantization_config": quantisation()} if quantise else {})


def _is_small(source: str | Path) -> bool:
    return AutoConfig.from_pretrained(source, **_NO_CODE).vision_config.model_type == vlm.tower.LesionTowerConfig.model_type
