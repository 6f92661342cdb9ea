"""A generated answer -> grade and whole sentences, as far as it goes, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vlm.grammar import GRADE_WORD

_GRADE = re.compile(rf"^\s*{re.escape(GRADE_WORD)}\s*(none|\d+)(?=[.,;]?(?:\s|$))", re.IGNORECASE)
_PIECE = re.compile(r"[^.!?]+[.!?]?|[.!?]")  # neither half ever gives anything back: linear in the length of the text


@dataclass(frozen=True, slots=True)
class Parsed:
    """grade: 0-4, None where none was given; ungradable: the answer says that there is nothing to grade;
    sentences: the whole sentences after the grade; problems: plain words, empty for a well-formed answer."""

    grade: int | None
    ungradable: bool
    sentences: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def malformed(self) -> bool:
        return bool(self.problems)


def parse_answer(text: str) -> Parsed:
    """Parse an answer that should read 'Grade: N. Sentence. Sentence.' Never raises."""
    match = _GRADE.match(text)
    word = match[1].lower() if match else None
    grade = int(word) if word and word.isdigit() and int(word) <= 4 else None
    rest = text[match.end() :].lstrip(".,; ") if match else text.strip()
    sentences, left = _split(rest)
    problems = [] if match else [f"the answer does not begin with '{GRADE_WORD} N'"]
    if word and word.isdigit() and grade is None:
        problems.append(f"grade {word} is not one of 0 to 4")
    if left:
        problems.append(f"unfinished sentence {left[:60]!r}")
    if len(set(sentences)) < len(sentences):
        problems.append("a sentence is repeated")
    return Parsed(grade, word == "none", sentences, tuple(problems))


def _split(text: str) -> tuple[tuple[str, ...], str]:
    """The whole sentences, and what is left beside them. A sentence ends with a full stop before a blank or the end."""
    whole: list[str] = []
    left: list[str] = []
    for piece in _PIECE.finditer(text):
        ends = len(piece.group()) > 1 and piece.group()[-1] in ".!?" and (piece.end() == len(text) or text[piece.end()].isspace())
        (whole if ends else left).append(piece.group())
    return tuple(sentence.strip() for sentence in whole), "".join(left).strip()
