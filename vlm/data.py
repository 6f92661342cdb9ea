"""Conversations on disk, one JSON line a photograph, and the samples that training draws from them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from retinai.errors import DataError
from retinai.files import whole
from retinai.image import read_photograph
from retinai.types import FundusImage
from vlm.findings import Report, from_json, to_json
from vlm.grammar import answer
from vlm.picture import draw_ungradable, turn_report
from vlm.prompts import GRADE_PROMPTS, PROMPTS
from vlm.settings import View

DRAWN = "drawn"
"""The source of pictures that are drawn, not read."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One photograph, what is true of it, and one way to ask and answer.

    labelled_by: 'masks' or 'model' for who found the lesions, None where nobody did.
    """

    id: str
    source: str
    split: str
    image: Path
    report: Report
    labelled_by: str | None
    prompt: str
    answer: str

    def open(self) -> FundusImage:
        """The photograph. Raises ImageError where it cannot be read."""
        if self.source == DRAWN:
            return draw_ungradable(int(self.id))
        return read_photograph(self.image)


def converse(id: str, source: str, split: str, image: Path, report: Report, labelled_by: str | None = None) -> Conversation:
    """A conversation whose wording depends on the id alone."""
    prompt, text = word(report, random.Random(f"{source}/{id}"))
    return Conversation(id, source, split, image, report, labelled_by, prompt, text)


def word(report: Report, rng: random.Random) -> tuple[str, str]:
    """One prompt and its answer, both drawn from the grammar."""
    known = report.findings is not None or (report.grade is None and rng.random() < 0.5)
    return rng.choice(PROMPTS if known else GRADE_PROMPTS), answer(report, rng)


def drawn_conversations(count: int) -> list[Conversation]:
    """Pictures that are no photographs, with the answer that they cannot be graded."""
    return [converse(str(seed), DRAWN, "train", Path(f"{DRAWN}-{seed}"), Report(None)) for seed in range(count)]


def write_chat(path: Path, conversations: Iterable[Conversation]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.writelines(json.dumps(_to_json(each), ensure_ascii=False, allow_nan=False) + "\n" for each in conversations)


def read_chat(path: Path, split: str | None = None) -> list[Conversation]:
    """The conversations of a file, or of one split. Raises DataError naming the line that is wrong."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"no conversations at {path}: {error.strerror}; `retinai data prepare` writes them") from None
    conversations = [_from_json(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]
    return [each for each in conversations if split in (None, each.split)]


def _to_json(conversation: Conversation) -> dict[str, Any]:
    values = {name: getattr(conversation, name) for name in Conversation.__slots__}
    return values | {"image": str(conversation.image), "report": to_json(conversation.report)}


def _from_json(line: str, where: str) -> Conversation:
    try:
        values = json.loads(line)
        return Conversation(**(values | {"image": Path(values["image"]), "report": from_json(values["report"])}))
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{where} is no conversation: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Sample:
    """picture: what the tower takes, None for a model without eyes; weight: of its loss."""

    prompt: str
    answer: str
    picture: Tensor | None
    weight: float


PictureOf = Callable[[Conversation, View, np.random.Generator | None], Tensor]
"""What the tower takes of a conversation's photograph in a view; varied by the generator, or as it is with None."""


class Chats(Dataset):
    """Sample number i of an endless sequence. Every draw depends on (seed, i) alone.

    balance: 'sampler' draws every grade equally often (pictures that cannot be graded count as a grade, at half the
    rate), 'loss' weighs each sample by 1/frequency, 'none' does nothing.
    """

    def __init__(
        self,
        conversations: Sequence[Conversation],
        picture_of: PictureOf | None,
        views: Sequence[View],
        balance: str,
        length: int,
        seed: int,
    ) -> None:
        if not conversations:
            raise DataError("no conversations to train on; `retinai data prepare` writes them, with split 'train'")
        self.conversations, self.picture_of, self.views = list(conversations), picture_of, tuple(views)
        self.length, self.seed = length, seed
        grades = [each.report.grade for each in conversations]
        counts = Counter(grades)
        rare = np.array([(0.5 if grade is None else 1.0) / counts[grade] for grade in grades])
        self.chances = rare / rare.sum() if balance == "sampler" else np.full(len(grades), 1 / len(grades))
        self.weights = rare / rare.mean() if balance == "loss" else np.ones(len(grades))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self.seed, index))
        number = int(rng.choice(len(self.conversations), p=self.chances))
        view = self.views[int(rng.integers(len(self.views)))]
        chosen = self.conversations[number]
        prompt, text = word(turn_report(chosen.report, view), random.Random(int(rng.integers(2**62))))
        picture = self.picture_of(chosen, view, rng) if self.picture_of else None
        return Sample(prompt, text, picture, float(self.weights[number]))


def validation_split(conversations: Sequence[Conversation]) -> list[Conversation]:
    """The graded photographs of the validation split."""
    return [each for each in conversations if each.split == "validation" and each.report.grade is not None]
