"""A LLaVA of the real class with a few thousand parameters, drawn photographs, and conversations about them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from vlm.data import Conversation, converse, write_chat
from vlm.findings import Finding, Report
from vlm.nano import train_tokenizer
from vlm.tower import LesionTower, LesionTowerConfig


def save_tiny_llava(folder: Path) -> Path:
    """CLIP tower (28 px, 16 patches and CLS), projector, Llama of 2 layers, processor."""
    from transformers import (  # after vlm, which makes torchvision importable beside any torch
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    tokenizer = train_tokenizer(400)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=28, patch_size=7, projection_dim=16
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=256, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=3, image_seq_length=16, vision_feature_layer=-2)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(
        pictures, tokenizer, patch_size=7, vision_feature_select_strategy="default", num_additional_image_tokens=1
    ).save_pretrained(folder)
    return folder


def save_unet(path: Path) -> Path:
    """A lesion U-Net with random weights, as the small LLaVA's tower takes it."""
    torch.manual_seed(0)
    unet = LesionTower(LesionTowerConfig()).unet.train()
    for _ in range(10):  # batch norms that were never fed let nothing through
        with torch.no_grad():
            unet(2 * torch.randn(4, 3, 1, 1) + torch.randn(4, 3, 64, 64))
    save_file({key: value.half() for key, value in unet.state_dict().items() if not key.endswith("num_batches_tracked")}, path)
    return path


def draw_fundus(path: Path, grade: int, seed: int) -> Path:
    """A round field, redder from grade to grade, with as many dark dots as twice the grade."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((80, 100, 3), np.uint8)
    cv2.circle(picture, (50, 40), 38, (90 + 40 * grade, 60, 110 - 25 * grade), -1)
    for x, y in rng.integers(20, 60, (2 * grade, 2)):
        cv2.circle(picture, (int(x) + 10, int(y)), 2, (40, 5, 5), -1)
    Image.fromarray(picture).save(path)
    return path


def draw_chat(folder: Path, photographs: int = 8, held_out: int = 4) -> Path:
    """Conversations of grades 0 and 4 in turn; the last `held_out` are for validation."""
    conversations = [_conversation(folder, number, number >= photographs) for number in range(photographs + held_out)]
    write_chat(folder / "chat.jsonl", conversations)
    return folder / "chat.jsonl"


def _conversation(folder: Path, number: int, held_out: bool) -> Conversation:
    grade = 4 * (number % 2)
    found = (Finding("HE", 8, ("superotemporal",)),) if grade else ()
    path = draw_fundus(folder / f"{number}.png", grade, number)
    return converse(str(number), "drawn-fundus", "validation" if held_out else "train", path, Report(grade, findings=found), "masks")
