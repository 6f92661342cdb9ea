"""From the words after `--grader` to a grader. Stands above the rooms, since no room knows them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from retinai.errors import UsageError
from retinai.grading.protocol import Grader, Reading
from retinai.types import FundusImage

if TYPE_CHECKING:
    from vlm.generate import Answer, Vlm
    from vlm.serve import ServedVlm


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is loaded. adapter, load_4bit: of vision-language models only; device: auto, cpu or cuda."""

    adapter: Path | None = None
    load_4bit: Literal["auto"] | bool = "auto"
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of grader. forms: how it is typed; make: from what follows the colon and the options;
    here: whether the model runs on this machine, so that the options mean something."""

    forms: str
    make: Callable[[str, Options], Grader]
    here: bool = True


class Answering:
    """A grader from a model that answers, on this machine or on a server."""

    def __init__(self, model: Vlm | ServedVlm, identity: Mapping[str, str]) -> None:
        self.model, self.identity = model, identity

    def grade(self, images: Sequence[FundusImage]) -> list[Reading]:
        return [_reading(answer) for answer in self.model.answer(images)]


def _reading(answer: Answer) -> Reading:
    if answer.grade:
        return Reading(answer.grade, answer.text, answer.malformed)
    refused = answer.gradable < 0.5
    return Reading(None, answer.text, answer.malformed, "said to be ungradable" if refused else "no grade in the answer")


def _vlm(source: str, options: Options) -> Grader:
    from vlm.calibrate import FILE
    from vlm.generate import BUNDLED, Vlm

    model = Vlm.load(source, adapter=options.adapter, load_4bit=options.load_4bit, device=options.device)
    folders = {"weights": BUNDLED if source == "nano" else Path(source), "adapter": options.adapter}
    sums = {name: checksum(folder, "*.safetensors", FILE) for name, folder in folders.items() if folder and folder.is_dir()}
    return Answering(model, {"name": f"vlm:{source}", "load_4bit": str(options.load_4bit)} | sums)


def checksum(folder: Path, *patterns: str) -> str:
    """SHA-256 over the files of a folder that match, in order of name, by which two models of one name are told apart."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _openai(address: str, _: Options) -> Grader:
    from vlm.serve import ServedVlm

    return Answering(ServedVlm.at(address), {"name": f"openai:{address}"})


GRADERS: dict[str, Kind] = {
    "vlm": Kind("vlm:nano, vlm:PATH, vlm:MODEL", _vlm),
    "openai": Kind("openai:URL#MODEL", _openai, here=False),
}
"""Every kind of grader, by the word before the colon. One without a colon in its forms takes nothing more."""


def load_grader(name: str, options: Options | None = None) -> Grader:
    """The grader called `name`. Raises UsageError, with the valid names, where there is none, or for options that mean nothing to it."""
    word, _, rest = name.partition(":")
    kind = GRADERS.get(word)
    if kind is None or (":" in kind.forms) != bool(rest):
        raise UsageError(f"no grader {name!r}; there are {', '.join(kind.forms for kind in GRADERS.values())}")
    options = options or Options()
    if options != Options() and not kind.here:
        raise UsageError(f"{name} runs on a server; --adapter, --load-4bit and --device are for models on this machine")
    return kind.make(rest, options)
