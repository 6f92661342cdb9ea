"""Tiny graders and photographs for the tests: a CNN of torchvision, a ViT and a CLIP, all with random weights."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIDE = 64


def draw_set(root: Path, per_grade: int = 8, grades: int = 5) -> Path:
    """Discs that are the brighter the higher the grade, as a CSV data set with its own validation part (a quarter)."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    line = np.linspace(-1, 1, 96)
    disc = (line[:, None] ** 2 + line**2 < 0.95)[..., None]
    rows = []
    for number in range(per_grade * grades):
        grade = number % grades
        pixels = np.clip(45 + 45 * grade + rng.normal(0, 5, (96, 96, 3)), 1, 255) * disc
        name = f"p{number:03d}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(root / name)
        rows.append({"image": name, "grade": grade, "split": "validation" if number // grades % 4 == 3 else "train"})
    with (root / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root


def tiny_vit(folder: Path) -> Path:
    """A ViT of two layers in transformers' own format."""
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=SIDE, patch_size=16)
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    ViTImageProcessor(size={"height": SIDE, "width": SIDE}, image_mean=[0.4, 0.3, 0.2], image_std=[0.2, 0.2, 0.2]).save_pretrained(folder)
    return folder


def tiny_clip(folder: Path) -> Path:
    """A CLIP of two layers a tower, with a tokenizer of whole words that ends every sentence."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

    words = ["a", "fundus", "photograph", "showing", "no", "mild", "moderate", "severe", "proliferative", "diabetic", "retinopathy"]
    vocabulary = {word: place for place, word in enumerate(["<pad>", "<unk>", *words, "<end>"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", vocabulary["<end>"])])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "projection_dim": 16}
    text = shape | {"vocab_size": len(vocabulary), "max_position_embeddings": 32, "eos_token_id": len(vocabulary) - 1}
    vision = shape | {"image_size": SIDE, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    CLIPImageProcessor(size=SIDE, crop_size=SIDE).save_pretrained(folder)
    return folder
