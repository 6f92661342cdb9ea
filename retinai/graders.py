"""From the words after `--grader` to a grader. Stands above the rooms, since no room knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from retinai.artifacts import CARD
from retinai.errors import MissingModelError, UsageError
from retinai.files import sha256_of_folder
from retinai.grading.protocol import Grader, Reading
from retinai.grading.weights import BUNDLED
from retinai.types import FundusImage

if TYPE_CHECKING:
    from vlm.generate import Answer, Vlm
    from vlm.serve import ServedVlm


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is loaded. adapter, load_4bit: of vision-language models only; device: auto, cpu or cuda;
    cache: where the lesion grader keeps what the U-Net finds, and nowhere where it is None."""

    adapter: Path | None = None
    load_4bit: Literal["auto"] | bool = "auto"
    device: str = "auto"
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of grader. forms: how it is typed; make: from what follows the colon and the options;
    here: whether the model runs on this machine, so that the options mean something; bare: whether nothing need follow."""

    forms: str
    make: Callable[[str, Options], Grader]
    here: bool = True
    bare: bool = False


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
    sums = {name: sha256_of_folder(folder, "*.safetensors", FILE) for name, folder in folders.items() if folder and folder.is_dir()}
    return Answering(model, {"name": f"vlm:{source}", "load_4bit": str(options.load_4bit)} | sums)


def _openai(address: str, _: Options) -> Grader:
    from vlm.serve import ServedVlm

    return Answering(ServedVlm.at(address), {"name": f"openai:{address}"})


def _image(source: str, options: Options) -> Grader:
    from retinai.grading.image_grader import ImageGrader

    _refuse_words_of_models("image", options)
    return ImageGrader.load(folder_of("image", source), options.device, f"image:{source}" if source else "image")


def _lesions(source: str, options: Options) -> Grader:
    _refuse_words_of_models("lesions", options)
    folder = folder_of("lesions", source)
    from retinai.lesion_grading import LesionGrader

    return LesionGrader.load(folder, options.device, f"lesions:{source}" if source else "lesions", cache=options.cache)


def _refuse_words_of_models(kind: str, options: Options) -> None:
    if options.adapter or options.load_4bit != "auto":
        raise UsageError(f"--adapter and --load-4bit are for vision-language models, not for {kind}")


def folder_of(kind: str, source: str) -> Path:
    """Where a trained grader of a kind, 'image' or 'lesions', lies: in the folder named, or, for '', among what comes with RetinAI.

    Raises MissingModelError, with the way to get one, where none comes with it.
    """
    folder = Path(source) if source else BUNDLED[kind]
    if not source and not (folder / CARD).is_file():
        raise MissingModelError(f"no {kind} grader comes with this version; train one (retinai train grader) and name it: {kind}:FOLDER")
    return folder


GRADERS: dict[str, Kind] = {
    "vlm": Kind("vlm:nano, vlm:PATH, vlm:MODEL", _vlm),
    "openai": Kind("openai:URL#MODEL", _openai, here=False),
    "image": Kind("image, image:FOLDER", _image, bare=True),
    "lesions": Kind("lesions, lesions:FOLDER", _lesions, bare=True),
}
"""Every kind of grader, by the word before the colon."""


def load_grader(name: str, options: Options | None = None) -> Grader:
    """The grader called `name`. Raises UsageError, with the valid names, where there is none, or for options that mean nothing to it."""
    word, _, rest = name.partition(":")
    kind = GRADERS.get(word)
    if kind is None or not (rest or (kind.bare and ":" not in name)):
        raise UsageError(f"no grader {name!r}; there are {', '.join(kind.forms for kind in GRADERS.values())}")
    options = options or Options()
    if options != Options() and not kind.here:
        raise UsageError(f"{name} runs on a server; --adapter, --load-4bit and --device are for models on this machine")
    return kind.make(rest, options)
