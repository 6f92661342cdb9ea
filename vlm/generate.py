"""Answers: the grade as probabilities over its five tokens, the text after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retinai.artifacts import building
from retinai.conformal import open_grades
from retinai.errors import WeightsError
from retinai.types import FundusImage, Grade
from vlm.calibrate import Calibration
from vlm.model import BUNDLED, Loaded, llava, load
from vlm.parse import parse_answer
from vlm.prompts import PROMPTS

MOST_TOKENS = 160
"""Of an answer, after the grade."""
LEAST_GRADABLE = 0.5
"""A picture whose chance of being gradable is below is given no grade."""


@dataclass(frozen=True, slots=True)
class Answer:
    """grade: None where the model says that the picture cannot be graded; text: as generated, the grade included;
    malformed: whether `vlm.parse` found something wrong; gradable: the model's chance 0..1 that there is something to grade."""

    grade: Grade | None
    text: str
    malformed: bool
    gradable: float


class Vlm:
    """A LLaVA that answers. `Vlm.load('nano').answer([image])`."""

    def __init__(self, loaded: Loaded, name: str, calibration: Calibration | None = None) -> None:
        self.model: Any = loaded.model.eval()
        self.lens, self.encoder = loaded.lens, loaded.encoder
        self.name, self.calibration = name, calibration or Calibration()
        self.slot = self.encoder.grade_slot()
        self._tokens: WeakKeyDictionary[FundusImage, Tensor] = WeakKeyDictionary()

    @classmethod
    def load(cls, source: str | Path, adapter: Path | None = None, load_4bit: Literal["auto"] | bool = "auto", device: str = "auto") -> Vlm:
        """source: 'nano', a hub id or a folder. Raises MissingModelError where it is not to be had, WeightsError where it is broken."""
        where = BUNDLED if str(source) == "nano" else source
        loaded = load(where, adapter=adapter, load_4bit=load_4bit, device=device)
        name = (
            Path(source).resolve().name if Path(source).is_dir() else source
        )  # where a model lies is nobody's business who reads its answer
        with building(where):
            return cls(loaded, f"vlm:{name}", Calibration.load(Path(adapter or where)))

    def has_room(self, prompt: str, most_tokens: int = MOST_TOKENS) -> bool:
        """Whether question, picture and an answer fit into what the language model was made for."""
        text: Any = llava(self.model).config.text_config
        return len(self.encoder.question(prompt)) + most_tokens <= text.max_position_embeddings

    @torch.inference_mode()
    def answer(
        self,
        images: Sequence[FundusImage],
        prompt: str = PROMPTS[0],
        *,
        most_tokens: int = MOST_TOKENS,
        batch: int = 4,
        sample: bool = False,
        seed: int = 0,
    ) -> list[Answer]:
        """One answer a photograph. Greedy unless `sample`; the grade is always the likeliest. most_tokens: after the grade."""
        torch.manual_seed(seed)
        answers = []
        for some in _chunks(images, batch):
            pictures = self.pictures(some)
            logits, gradable = self.grade_logits(pictures, prompt)
            probs = self.calibration.probs(logits)
            texts = self._continue(pictures, prompt, probs.argmax(1), gradable, most_tokens, sample)
            answers += [self._answer(*each) for each in zip(probs, gradable, texts, strict=True)]
        return answers

    def grade(self, images: Sequence[FundusImage], prompt: str = PROMPTS[0], *, batch: int = 4) -> list[Grade | None]:
        """Only the grades, without the text."""
        grades = []
        for some in _chunks(images, batch):
            logits, gradable = self.grade_logits(self.pictures(some), prompt)
            grades += [self._grade(p, g) for p, g in zip(self.calibration.probs(logits), gradable, strict=True)]
        return grades

    @torch.no_grad()
    def pictures(self, images: Sequence[FundusImage]) -> Tensor:
        """What the vision tower takes, (N, 3, S, S); for the small LLaVA, whose tower is never trained, already its tokens.

        They are kept as long as the photograph is, for answer and saliency ask for the same.
        """
        tower: Any = llava(self.model).model.vision_tower
        if tower.config.model_type == "lesion_tower":
            return torch.cat([self._seen(image, tower) for image in images])
        return torch.stack([self.lens.pixel_values(image) for image in images]).to(self.model.device, llava(self.model).dtype)

    @torch.inference_mode(False)  # tokens made in inference mode could not be differentiated for the saliency later
    @torch.no_grad()
    def _seen(self, image: FundusImage, tower: Any) -> Tensor:
        tokens = self._tokens.get(image)
        if tokens is None:
            tokens = tower(self.lens.pixel_values(image)[None].to(self.model.device)).last_hidden_state
            self._tokens[image] = tokens
        return tokens

    @torch.inference_mode()
    def grade_logits(self, pictures: Tensor, prompt: str = PROMPTS[0]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, 5) logits of the grades, uncalibrated, and (N,) chances that the picture can be graded."""
        grades, gradable = self.slot.read(self.slot_logits(pictures, prompt))
        if not (grades.isfinite().all() and gradable.isfinite().all()):
            raise WeightsError(f"{self.name} answers with numbers that are not finite; its weights are broken")
        return grades.double().cpu().numpy(), gradable.double().cpu().numpy()

    def slot_logits(self, pictures: Tensor, prompt: str = PROMPTS[0]) -> Tensor:
        """The logits of the places from the answer's first token to the grade (N, len(prefix) + 1, V); differentiable."""
        ids = self._ids([*self.encoder.question(prompt), *self.slot.prefix], len(pictures))
        picture = {"pixel_values": pictures} if self.encoder.image_tokens else {}
        return self.model(input_ids=ids, logits_to_keep=len(self.slot.prefix) + 1, **picture).logits

    def _continue(
        self, pictures: Tensor, prompt: str, levels: NDArray[np.int64], gradable: NDArray[np.float64], most_tokens: int, sample: bool
    ) -> list[str]:
        """The whole answers. What was decided (the grade, or that there is none) is put in the model's mouth."""
        texts = [""] * len(pictures)
        for refused in (False, True):
            rows = [i for i, chance in enumerate(gradable) if (chance < LEAST_GRADABLE) == refused]
            if rows:
                begun = [self._begun(int(levels[i]), refused) for i in rows]
                for row, text in zip(rows, self._generate(pictures[rows], prompt, begun, most_tokens, sample), strict=True):
                    texts[row] = text
        return texts

    def _begun(self, level: int, refused: bool) -> list[int]:
        slot = self.slot
        return [*slot.prefix[: slot.fork], slot.ungradable] if refused else [*slot.prefix, slot.grades[level]]

    def _generate(self, pictures: Tensor, prompt: str, begun: list[list[int]], most_tokens: int, sample: bool) -> list[str]:
        question = self.encoder.question(prompt)
        ids = torch.tensor([question + start for start in begun], device=self.model.device)
        picture = {"pixel_values": pictures} if self.encoder.image_tokens else {}
        tokenizer = self.encoder.tokenizer
        out = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=most_tokens,
            do_sample=sample,
            pad_token_id=tokenizer.pad_token_id or 0,
            eos_token_id=tokenizer.eos_token_id,
            **picture,
        )
        return [text.strip() for text in tokenizer.batch_decode(out[:, len(question) :], skip_special_tokens=True)]

    def _ids(self, ids: list[int], rows: int) -> Tensor:
        return torch.tensor([ids], device=self.model.device).expand(rows, -1)

    def _grade(self, probs: NDArray[np.float64], gradable: float) -> Grade | None:
        if gradable < LEAST_GRADABLE:
            return None
        values = tuple(float(p) for p in probs)
        level = int(probs.argmax())
        return Grade(level, values, self.name, open_grades(self.calibration.conformal, values, level))

    def _answer(self, probs: NDArray[np.float64], gradable: float, text: str) -> Answer:
        return Answer(self._grade(probs, gradable), text, parse_answer(text).malformed, float(gradable))


def _chunks(images: Sequence[FundusImage], size: int) -> Iterator[Sequence[FundusImage]]:
    return (images[start : start + size] for start in range(0, len(images), size))
