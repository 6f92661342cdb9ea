"""A small LLaVA from nothing but a lesion U-Net: tower, projector, language model, and a tokenizer of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from retinai.lesions import LESIONS
from retinai.types import FundusImage
from vlm.findings import QUADRANTS, Finding, Report
from vlm.grammar import answer
from vlm.picture import Lens
from vlm.prompts import CHAT_TEMPLATE, GRADE_PROMPTS, PROMPTS, user_turn
from vlm.settings import NanoConfig
from vlm.tower import LesionTower, LesionTowerConfig

_SPECIAL = ("<pad>", "<s>", "</s>", "<image>")


def build_nano(config: NanoConfig) -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    """The untrained model, its tower filled with the U-Net and frozen, its projection still zero (see `fit_projection`)."""
    tokenizer = train_tokenizer(config.vocabulary)
    vision = LesionTowerConfig(image_size=config.image_size, tokens_per_side=config.tokens_per_side, projected=config.projected)
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=config.hidden, intermediate_size=8 * config.hidden // 3, num_hidden_layers=config.layers,
        num_attention_heads=config.heads, num_key_value_heads=config.heads, max_position_embeddings=1024, tie_word_embeddings=True,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    llava = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=3, image_seq_length=config.tokens_per_side**2,
        vision_feature_layer=-1, vision_feature_select_strategy="full", tie_word_embeddings=True,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(llava)
    tower = model.model.vision_tower
    assert isinstance(tower, LesionTower)
    tower.load_unet(config.unet)
    tower.requires_grad_(False)
    return model, tokenizer


def build_processor(config: NanoConfig, tokenizer: PreTrainedTokenizerFast, lens: Lens) -> LlavaProcessor:
    """What other programs feed the model with, once they have cropped a photograph to its field and padded it to a square."""
    side = {"height": config.image_size, "width": config.image_size}
    pictures = CLIPImageProcessor(size=side, do_center_crop=False, image_mean=lens.mean, image_std=lens.std)
    patch = config.image_size // config.tokens_per_side
    return LlavaProcessor(pictures, tokenizer, patch_size=patch, vision_feature_select_strategy="full", chat_template=CHAT_TEMPLATE)


def train_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of the grammar's sentences; every digit is a token. Any text can be encoded."""
    bpe = Tokenizer(models.BPE())
    pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    bpe.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=list(_SPECIAL), initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(_sentences(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", bos_token="<s>", eos_token="</s>", additional_special_tokens=["<image>"]
    )


def _sentences() -> Iterator[str]:
    rng = random.Random(0)
    for prompt in PROMPTS + GRADE_PROMPTS:
        yield user_turn(prompt, 0)
    for _ in range(4000):
        yield answer(_any_report(rng), rng)


def _any_report(rng: random.Random) -> Report:
    codes = [code for code in LESIONS if rng.random() < 0.5]
    places = [tuple(q for q in QUADRANTS if rng.random() < 0.5) for _ in codes]
    findings = tuple(Finding(code, rng.choice([1, 5, 30]), place, rng.uniform(0, 4)) for code, place in zip(codes, places, strict=True))
    return Report(rng.choice([0, 1, 2, 3, 4, None]), findings=rng.choice([findings, findings, None]))


@torch.no_grad()
def fit_projection(tower: LesionTower, images: Sequence[FundusImage], lens: Lens) -> None:
    """Set the tower's projection: the principal components of the deepest stage over the cells of `images`, to unit variance."""
    seen = [tower.look(lens.pixel_values(image)[None].to(tower.device))[0] for image in images]
    cells = torch.cat([tower.pooled(deep)[0] for deep in seen]).double()  # in single precision the decomposition gives NaN
    mean = cells.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((cells - mean).T))
    order = values.argsort(descending=True)[: tower.config.projected]
    projection = vectors[:, order] / values[order].clamp_min(1e-6).sqrt()
    if not projection.isfinite().all():
        raise ArithmeticError("the principal components are not finite")
    tower.mean.copy_(mean)
    tower.projection.copy_(projection)
