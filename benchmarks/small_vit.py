"""A small ViT for machines that reach no model hub: it learns to see what the lesion U-Net's encoder sees, in half its pixels.

    python benchmarks/small_vit.py IDRID_ROOT runs/small-vit
    retinai train grader --config configs/grader-vit-lora.yaml data=IDRID_ROOT backbone=transformers/runs/small-vit size=384 \\
        dataset=idrid output=runs/grader-small-vit

Whole fields and close-ups of the photographs that image graders train on (no tuning, no validation photograph, no grade). The encoder sees
768 px, the ViT 384: each of its tokens is taught the principal components of the encoder's deepest stage there, its class token their mean
(distillation of features: Romero et al., FitNets, 2015). How much of their variance it tells on views of the tuning photographs is printed.
A run that was stopped goes on. About an hour on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from retinai.backend import prepare_torch

prepare_torch()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel  # noqa: E402
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD  # noqa: E402

from retinai.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from retinai.files import sha256_of  # noqa: E402
from retinai.grading.data import square_of  # noqa: E402
from retinai.grading.names import target_of  # noqa: E402
from retinai.grading.settings import ImageGraderConfig  # noqa: E402
from retinai.grading.train import CHECKPOINT, Part, samples  # noqa: E402
from retinai.image import read_photograph  # noqa: E402
from retinai.progress import Progress  # noqa: E402
from retinai.readers.record import Record  # noqa: E402
from retinai.schedule import one_cycle  # noqa: E402
from segmentation.detector import LesionDetector  # noqa: E402
from segmentation.model import normalise  # noqa: E402

SQUARE, TAUGHT, SEEN, GRID, COMPONENTS = 1280, 768, 384, 24, 128
VIEWS, EPOCHS, BATCH, RATE = 12, 6, 24, 1e-3
SHAPE = {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 8, "num_attention_heads": 3, "projection_dim": 192}


def parts_of(root: Path) -> dict[str, Part]:
    """The photographs of IDRiD in the parts that every image grader here is trained with."""
    return samples(ImageGraderConfig(data=root, head="softmax"), target_of("grade"))


def view_of(square: NDArray[np.uint8], number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(TAUGHT, TAUGHT, 3) of a photograph, turned; every other one a close-up."""
    zoom = rng.uniform(1.3, 3.0) if number % 2 else rng.uniform(0.92, 1.0)
    centre = rng.uniform(0.3, 0.7, 2) * SQUARE if number % 2 else np.full(2, SQUARE / 2)
    matrix = cv2.getRotationMatrix2D(tuple(centre), rng.uniform(0, 360), zoom * TAUGHT / SQUARE)
    matrix[:, 2] += TAUGHT / 2 - centre
    return cv2.warpAffine(square, matrix, (TAUGHT, TAUGHT), flags=cv2.INTER_AREA)


class Teacher:
    """The lesion encoder's deepest stage in principal components, about 1 in deviation the first and less the others."""

    def __init__(self, folder: Path) -> None:
        self.encoder, self.path = LesionDetector.load(device="cpu").model.encoder, folder / "components.safetensors"

    @torch.inference_mode()
    def stage(self, views: NDArray[np.uint8]) -> Tensor:
        """(N, GRID, GRID, C) of (N, TAUGHT, TAUGHT, 3)."""
        return self.encoder(normalise(torch.from_numpy(views)))[-1].float().permute(0, 2, 3, 1)

    def fit(self, records: Sequence[Record]) -> None:
        """The components, of some photographs' views; kept in the folder."""
        if not self.path.exists():
            rng = np.random.default_rng(0)
            some = [self.stage(np.stack(views_of(record, rng)[:4])).flatten(0, 2)[::3] for record in records[::6]]
            tokens = torch.cat(some)
            mean = tokens.mean(0)
            values, vectors = torch.linalg.eigh(torch.cov((tokens - mean).T.double()))
            top = vectors[:, -COMPONENTS:].flip(1) / values[-COMPONENTS:].flip(0).clamp_min(1e-9) ** 0.25 / values[-1] ** 0.25
            save_file({"mean": mean, "components": top.float().contiguous()}, self.path)

    def teach(self, views: NDArray[np.uint8]) -> Tensor:
        """(N, GRID, GRID, COMPONENTS)."""
        basis = load_file(self.path)
        return torch.cat([(self.stage(views[at : at + 2]) - basis["mean"]) @ basis["components"] for at in range(0, len(views), 2)])


def views_of(record: Record, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    square = square_of(read_photograph(record.image), SQUARE)
    return [view_of(square, number, rng) for number in range(VIEWS)]


def prepare(records: Sequence[Record], folder: Path, teacher: Teacher) -> list[Path]:
    """A file for each photograph: its views as the ViT sees them, and what the encoder says of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with Progress("asking the encoder", len(records)) as progress:
        for number, record in enumerate(records, start=1):
            path = folder / f"{sha256_of(record.image)}.safetensors"
            if not path.exists():
                views = np.stack(views_of(record, np.random.default_rng(number)))
                small = np.stack([cv2.resize(view, (SEEN, SEEN), interpolation=cv2.INTER_AREA) for view in views])
                partial = path.with_suffix(".partial")
                save_file({"views": torch.from_numpy(small), "taught": teacher.teach(views).half().contiguous()}, partial)
                partial.replace(path)
            paths.append(path)
            progress.to(number)
    return paths


class Lessons(Dataset):
    """(SEEN, SEEN, 3) uint8 and (GRID, GRID, COMPONENTS): a view in one of its eight orientations, its light and colour changed."""

    def __init__(self, paths: Sequence[Path], start: int, count: int) -> None:
        self.paths, self.start, self.count = paths, start, count

    def __len__(self) -> int:
        return self.count - self.start

    def place(self, number: int) -> int:
        """Which photograph comes as the number-th: each once before any comes again."""
        rounds, rest = divmod(number, len(self.paths))
        return int(np.random.default_rng((1, rounds)).permutation(len(self.paths))[rest])

    def lesson(self, place: int, view: int, number: int) -> tuple[Tensor, Tensor]:
        """A photograph's view, turned and changed as `number` draws."""
        rng, stored = np.random.default_rng((2, number)), load_file(self.paths[place])
        turns = int(rng.integers(4))
        seen, taught = (stored[key][view % VIEWS].float().rot90(turns, (0, 1)) for key in ("views", "taught"))
        if rng.random() < 0.5:
            seen, taught = seen.flip(1), taught.flip(1)
        light = torch.tensor(rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3), dtype=torch.float32)
        return (seen * light).clamp(0, 255).byte(), taught.contiguous()

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        number += self.start
        return self.lesson(self.place(number), number // len(self.paths), number)


class Pupil(nn.Module):
    """The ViT with what compares it: (N, SEEN, SEEN, 3) uint8 -> (N, GRID, GRID, COMPONENTS), and their mean of (N, COMPONENTS)."""

    def __init__(self) -> None:
        super().__init__()
        self.vit = CLIPVisionModel(CLIPVisionConfig(**SHAPE, image_size=SEEN, patch_size=SEEN // GRID))
        self.told = nn.Sequential(nn.LayerNorm(SHAPE["hidden_size"]), nn.Linear(SHAPE["hidden_size"], COMPONENTS))
        self.mean = nn.Sequential(nn.LayerNorm(SHAPE["hidden_size"]), nn.Linear(SHAPE["hidden_size"], COMPONENTS))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.vit(pixel_values=normalise(images)).last_hidden_state
        return self.told(hidden[:, 1:]).unflatten(1, (GRID, GRID)), self.mean(hidden[:, 0])


def learn(pupil: Pupil, paths: Sequence[Path], output: Path) -> None:
    """Every view EPOCHS times, on average."""
    steps = EPOCHS * VIEWS * len(paths) // BATCH
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=RATE, weight_decay=0.05)
    checkpoint, kept = output / CHECKPOINT, {"pupil": pupil}
    start = load_checkpoint(checkpoint, kept, optimizer) if checkpoint.exists() else 0
    lessons = DataLoader(Lessons(paths, start * BATCH, steps * BATCH), BATCH, num_workers=1)
    with Progress("distilling", steps) as progress:
        for step, (views, taught) in enumerate(lessons, start=start + 1):
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(step - 1, steps, RATE)
            with torch.autocast("cpu", torch.bfloat16):
                told, mean = pupil(views)
            loss = F.mse_loss(told.float(), taught) + F.mse_loss(mean.float(), taught.mean((1, 2)))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
            optimizer.step()
            progress.to(step, f"loss {loss.item():.4f}")
            if step % 100 == 0 or step == steps:
                save_checkpoint(checkpoint, step, kept, optimizer)


@torch.inference_mode()
def told_share(pupil: Pupil, paths: Sequence[Path]) -> tuple[float, float]:
    """Share of the variance that is told on new photographs' views: by the tokens, and by the class token."""
    tokens, means, wrong = [], [], torch.zeros(2)
    for path in paths:
        lesson = load_file(path)
        told, mean = pupil(lesson["views"])
        taught = lesson["taught"].float()
        wrong += torch.stack([(told - taught).square().sum(), (mean - taught.mean((1, 2))).square().sum()])
        tokens.append(taught.flatten(0, 2)[::7])
        means.append(taught.mean((1, 2)))
    both = [torch.cat(part) for part in (tokens, means)]
    spread = [float((part - part.mean(0)).square().mean()) for part in both]
    counts = [len(paths) * VIEWS * GRID * GRID * COMPONENTS, len(paths) * VIEWS * COMPONENTS]
    return tuple(1 - float(wrong[k]) / counts[k] / spread[k] for k in range(2))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="root of IDRiD")
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    parts, teacher = parts_of(given.data), Teacher(given.output)
    teacher.fit(parts["train"].records)
    records = {"train": parts["train"].records, "tuning": parts["tuning"].records[::3]}
    paths = {name: prepare(those, given.output / "lessons" / name, teacher) for name, those in records.items()}
    torch.manual_seed(0)
    pupil = Pupil()
    learn(pupil, paths["train"], given.output)
    pupil.eval().vit.save_pretrained(given.output)
    CLIPImageProcessor(size=SEEN, crop_size=SEEN, image_mean=IMAGENET_DEFAULT_MEAN, image_std=IMAGENET_DEFAULT_STD).save_pretrained(
        given.output
    )
    tokens, means = told_share(pupil, paths["tuning"])
    print(f"{given.output}: of what the encoder says of {len(paths['tuning'])} tuning photographs, by variance,")
    print(f"the tokens tell {tokens:.3f} and the class token {means:.3f}")


if __name__ == "__main__":
    main()
