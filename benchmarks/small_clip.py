"""A small CLIP for machines that reach no model hub: the ViT of `small_vit.py` beside a text tower that learns to name what it sees.

    python benchmarks/small_vit.py IDRID_ROOT runs/small-vit
    python benchmarks/small_clip.py IDRID_ROOT runs/small-vit runs/small-clip
    retinai train grader --config configs/grader-clip-coral.yaml data=IDRID_ROOT dataset=idrid backbone=clip/runs/small-clip size=384 \\
        output=runs/grader-small-clip

Every training photograph has two sentences: its grade, and the lesions that the lesion map is sure of. Sentences and photographs are drawn
together (contrastive learning: Radford et al., CLIP, 2021; photographs of equal sentences count as each other's). So the training
photographs' grades are in this CLIP, which they are not in OpenAI's; those of the tuning and validation photographs are not. It knows its
few dozen words and no others. How many tuning photographs lie nearest to their own grade's sentence is printed. Ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from retinai.backend import prepare_torch

prepare_torch()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from small_vit import SHAPE, Lessons, Teacher, parts_of, prepare  # noqa: E402
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPVisionModel, PreTrainedTokenizerFast  # noqa: E402

from retinai.grading.lesion_features import SURE, LesionReading  # noqa: E402
from retinai.grading.model import sentences  # noqa: E402
from retinai.grading.names import target_of  # noqa: E402
from retinai.image import read_photograph  # noqa: E402
from retinai.lesion_grading import LesionReader  # noqa: E402
from retinai.lesions import CLASSES, LESIONS  # noqa: E402
from retinai.progress import Progress  # noqa: E402
from retinai.schedule import one_cycle  # noqa: E402
from segmentation.model import normalise  # noqa: E402

EPOCHS, BATCH = 14, 24


def lesion_sentence(reading: LesionReading) -> str:
    """The lesions of which the map is sure, by kind: one to four are few."""
    counts = {code: sum(lesion.confidence >= SURE for lesion in reading.of(code)) for code in LESIONS}
    told = [f"{'few' if count < 5 else 'many'} {CLASSES[code].plural}" for code, count in counts.items() if count]
    return f"a fundus photograph with {' and '.join(told) or 'no lesions'}"


def tokenizer_of(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Whole words, each sentence with an end."""
    split = pre_tokenizers.Whitespace()
    words = sorted({word for text in texts for word, _ in split.pre_tokenize_str(text.lower())})
    places = {word: place for place, word in enumerate(["<pad>", "<unk>", *words, "<end>"])}
    plain = Tokenizer(models.WordLevel(places, unk_token="<unk>"))
    plain.normalizer, plain.pre_tokenizer = normalizers.Lowercase(), split
    plain.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", places["<end>"])])
    return PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>")


def build(vit: Path, tokenizer: PreTrainedTokenizerFast) -> CLIPModel:
    """The ViT's weights as the vision tower; a fresh text tower of two layers."""
    vision = CLIPVisionModel.from_pretrained(vit)
    words = len(tokenizer)
    width = SHAPE["projection_dim"]
    shape = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "projection_dim": width}
    text = shape | {"max_position_embeddings": 48, "vocab_size": words, "eos_token_id": words - 1, "bos_token_id": 0, "pad_token_id": 0}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision.config.to_dict(), projection_dim=width))
    model.vision_model.load_state_dict({key.removeprefix("vision_model."): value for key, value in vision.state_dict().items()})
    return model


def contrast(images: Tensor, texts: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy both ways over (N, N) cosines; equal sentences, `same`, share the probability."""
    logits = scale.exp().clamp(max=100) * F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T
    wanted = same / same.sum(1, keepdim=True)
    return F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)


def learn(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, paths: Sequence[Path], texts: Sequence[Sequence[str]]) -> None:
    """EPOCHS times every photograph with one of its sentences."""
    steps = round(EPOCHS * len(paths) / BATCH)
    tower = list(model.vision_model.parameters())
    fresh = [parameter for name, parameter in model.named_parameters() if not name.startswith("vision_model.")]
    optimizer = torch.optim.AdamW([{"params": fresh}, {"params": tower}], weight_decay=0.05)
    views = DataLoader(Numbered(paths, steps * BATCH), BATCH, num_workers=1)
    rng = np.random.default_rng(3)
    with Progress("contrasting", steps) as progress:
        for step, (images, places) in enumerate(views):
            for group, rate in zip(optimizer.param_groups, (1e-3, 1e-4), strict=True):
                group["lr"] = one_cycle(step, steps, rate)
            said = [str(rng.choice(texts[place])) for place in places.tolist()]
            same = torch.tensor([[float(a == b) for b in said] for a in said])
            with torch.autocast("cpu", torch.bfloat16):
                seen, read = embed_images(model, images), embed_texts(model, tokenizer, said)
            loss = contrast(seen.float(), read.float(), same, model.logit_scale)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            progress.to(step + 1, f"loss {loss.item():.3f}")


class Numbered(Lessons):
    """Whole fields alone, in some order, and which photograph each is of."""

    def __init__(self, paths: Sequence[Path], count: int) -> None:
        super().__init__(paths, 0, count)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        place = self.place(number)
        view, _ = self.lesson(place, 2 * (number // len(self.paths)), number)
        return view, torch.tensor(place)


def embed_images(model: CLIPModel, images: Tensor) -> Tensor:
    """(N, SEEN, SEEN, 3) uint8 -> (N, D)."""
    return model.visual_projection(model.vision_model(pixel_values=normalise(images)).pooler_output)


def embed_texts(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, said: Sequence[str]) -> Tensor:
    """N sentences -> (N, D)."""
    tokens = tokenizer(list(said), padding=True, return_tensors="pt")
    return model.text_projection(model.text_model(tokens["input_ids"], tokens["attention_mask"]).pooler_output)


@torch.inference_mode()
def nearest(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, paths: Sequence[Path], grades: Sequence[int]) -> int:
    """How many photographs lie nearest to the sentence of their own grade."""
    texts = F.normalize(embed_texts(model, tokenizer, sentences(target_of("grade"))), dim=1)
    seen = torch.cat([embed_images(model, load_file(path)["views"][:1]) for path in paths])
    return int(((F.normalize(seen, dim=1) @ texts.T).argmax(1) == torch.tensor(grades)).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="root of IDRiD")
    parser.add_argument("vit", type=Path, help="what small_vit.py made, with its lessons")
    parser.add_argument("output", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("runs/lesion-readings"), help="where lesions are kept")
    given = parser.parse_args()
    parts, teacher, reader = parts_of(given.data), Teacher(given.vit), LesionReader.load(cache=given.cache)
    paths = {name: prepare(parts[name].records, given.vit / "lessons" / name, teacher) for name in ("train", "tuning")}
    graded = sentences(target_of("grade"))
    train = parts["train"]
    with Progress("reading lesions", len(train.levels)) as progress:
        texts = []
        for record, level in zip(train.records, train.levels, strict=True):
            texts.append((graded[level], lesion_sentence(reader.read(read_photograph(record.image)))))
            progress.to(len(texts))
    torch.manual_seed(0)
    tokenizer = tokenizer_of([*graded, *(text for both in texts for text in both)])
    model = build(given.vit, tokenizer)
    learn(model, tokenizer, paths["train"], texts)
    model.eval().save_pretrained(given.output)
    tokenizer.save_pretrained(given.output)
    CLIPImageProcessor.from_pretrained(given.vit).save_pretrained(given.output)
    levels = parts["tuning"].levels
    found, null = nearest(model, tokenizer, paths["tuning"], levels), max(map(levels.count, levels))
    print(f"{given.output}: of {len(levels)} tuning photographs {found} lie nearest to their grade's sentence, {null} have the commonest")


if __name__ == "__main__":
    main()
