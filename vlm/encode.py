"""Conversations as tensors: token ids, labels on the assistant's words alone, and where the grade is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from retinai.lesions import GRADES
from vlm.data import Sample
from vlm.grammar import GRADE_WORD, UNGRADABLE
from vlm.prompts import user_turn

IGNORED = -100
"""The label of a token that does not count, by torch's convention."""


@dataclass(frozen=True)
class Encoder:
    """tokenizer: of the model; image_tokens: places for a picture, 0 for a model without eyes."""

    tokenizer: Any
    image_tokens: int

    def question(self, prompt: str) -> list[int]:
        """The ids of the conversation up to the answer."""
        return self.tokenizer(user_turn(prompt, self.image_tokens))["input_ids"]

    def reply(self, text: str) -> list[int]:
        """The ids of an answer, without an end."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def grade_slot(self) -> GradeSlot:
        """Where and among which tokens the grade is read. Raises ValueError where the tokenizer blurs the grades."""
        replies = [self.reply(f"{GRADE_WORD} {level}.") for level in range(len(GRADES))]
        prefix = _common_prefix(replies)
        tokens = [reply[len(prefix)] for reply in replies]
        if len(set(tokens)) != len(tokens):
            raise ValueError("the tokenizer does not give every grade a token of its own")
        refusal = self.reply(UNGRADABLE)
        fork = len(_common_prefix([prefix, refusal]))
        return GradeSlot(tuple(prefix), tuple(tokens), fork, refusal[fork])

    def batch(self, samples: Sequence[Sample], grade_weight: float = 1.0) -> dict[str, Tensor]:
        """input_ids, labels and weights (N, T), and pixel_values where there are pictures.

        Rows are padded on the right, where a causal model looks back on nothing but words: no attention mask is needed,
        and attention without one is several times faster.
        """
        slot = self.grade_slot()
        rows = [self._row(sample, slot, grade_weight) for sample in samples]
        length = max(len(ids) for ids, _, _ in rows)
        batch = {
            "input_ids": _padded([ids for ids, _, _ in rows], length, self.tokenizer.pad_token_id or 0),
            "labels": _padded([labels for _, labels, _ in rows], length, IGNORED),
            "weights": _padded([weights for _, _, weights in rows], length, 0.0),
        }
        pictures = [sample.picture for sample in samples if sample.picture is not None]
        return batch | ({"pixel_values": torch.stack(pictures)} if pictures else {})

    def _row(self, sample: Sample, slot: GradeSlot, grade_weight: float) -> tuple[list[int], list[int], list[float]]:
        question, reply = self.question(sample.prompt), [*self.reply(sample.answer), self.tokenizer.eos_token_id]
        weights = [sample.weight] * len(reply)
        for place in {slot.fork} if reply[slot.fork] == slot.ungradable else {slot.fork, len(slot.prefix)}:
            weights[place] *= grade_weight
        return question + reply, [IGNORED] * len(question) + reply, [0.0] * len(question) + weights


@dataclass(frozen=True, slots=True)
class GradeSlot:
    """prefix: the ids that begin an answer with a grade; grades: the five tokens that may follow;
    fork: the place in the answer at which one that refuses departs, by the token `ungradable`."""

    prefix: tuple[int, ...]
    grades: tuple[int, ...]
    fork: int
    ungradable: int

    def read(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, len(prefix) + 1, V) of every place from the answer's first token to the grade ->
        the grades' logits (N, 5) and the chance that the picture can be graded (N,)."""
        grades = logits[:, -1, list(self.grades)].float()
        there = logits[:, self.fork].float()
        go_on = there[:, self.prefix[self.fork]] if self.fork < len(self.prefix) else grades.logsumexp(1)
        return grades, (go_on - there[:, self.ungradable]).sigmoid()


def _common_prefix(rows: Sequence[Sequence[int]]) -> list[int]:
    shared = []
    for column in zip(*rows, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return shared


def _padded(rows: Sequence[Sequence[Any]], length: int, filler: Any) -> Tensor:
    return torch.tensor([[*row, *[filler] * (length - len(row))] for row in rows])
