"""The language model as the pipeline meets it: `--vlm auto | nano | none | ID or FOLDER | openai:URL#MODEL`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from retinai.files import sha256_of_folder
from retinai.types import FundusImage, SaliencyMap

if TYPE_CHECKING:
    from vlm.generate import Answer, Vlm
    from vlm.serve import ServedVlm


_FILES = ("*.safetensors", "*.json", "*.model")
"""What makes a model: weights, and the files that say how to use them."""
_NANO = Path(__file__).parents[1] / "vlm" / "weights" / "nano" / "model.safetensors"
FOUR_BITS: Mapping[str, Literal["auto"] | bool] = {"auto": "auto", "yes": True, "no": False}
"""What is typed after --load-4bit -> what a model is loaded with."""


class Talker(Protocol):
    """name: for people; identity: what is recorded, such as a checksum.

    `evidence` is what the model is told of the photograph beforehand: numbered lines, none under `--ground verify`.
    """

    name: str
    identity: dict[str, str]

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        """The grade and the text, for one photograph."""
        ...

    def look(self, image: FundusImage, level: int, evidence: Sequence[str] = ()) -> SaliencyMap | None:
        """Where grade `level` comes from; None where the model cannot be looked into. Raises SaliencyError for a blank map."""
        ...


class LocalTalker:
    """A LLaVA on this machine."""

    def __init__(self, model: Vlm, identity: dict[str, str]) -> None:
        self.model, self.name, self.identity = model, model.name, identity

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        return self.model.answer([image], self._prompt(evidence))[0]

    def look(self, image: FundusImage, level: int, evidence: Sequence[str] = ()) -> SaliencyMap | None:
        from vlm.saliency import explain_grade

        return explain_grade(self.model, image, level, self._prompt(evidence))

    def _prompt(self, evidence: Sequence[str]) -> str:
        """The question, with as many lines of evidence as the model has room for beside its answer."""
        from vlm.prompts import PROMPTS, grounded

        lines = list(evidence)
        while lines and not self.model.has_room(grounded(PROMPTS[0], lines)):
            lines.pop()
        return grounded(PROMPTS[0], lines)


class ServedTalker:
    """A model on a server, which tells no gradients."""

    def __init__(self, model: ServedVlm, name: str) -> None:
        self.model, self.name, self.identity = model, name, {"name": name}

    def answer(self, image: FundusImage, evidence: Sequence[str] = ()) -> Answer:
        from vlm.prompts import grounded

        return self.model.answer([image], grounded(self.model.prompt, evidence))[0]

    def look(self, image: FundusImage, level: int, evidence: Sequence[str] = ()) -> SaliencyMap | None:
        return None


def load_talker(name: str, adapter: Path | None = None, load_4bit: Literal["auto"] | bool = "auto", device: str = "auto") -> Talker | None:
    """The language model called `name`, None for 'none'; 'auto' is the small one where its weights are bundled, else none.

    Raises MissingModelError with the way to get one that is not here.
    """
    if name == "none" or (name == "auto" and not _NANO.is_file()):
        return None
    if name.startswith("openai:"):
        from vlm.serve import ServedVlm

        return ServedTalker(ServedVlm.at(name.removeprefix("openai:")), name)
    from vlm.generate import BUNDLED, Vlm

    name = "nano" if name == "auto" else name
    model = Vlm.load(name, adapter=adapter, load_4bit=load_4bit, device=device)
    folders = {"weights": BUNDLED if name == "nano" else Path(name), "adapter": adapter}
    sums = {f"{part}_sha256": sha256_of_folder(folder, *_FILES) for part, folder in folders.items() if folder and folder.is_dir()}
    return LocalTalker(model, {"name": model.name, "load_4bit": str(load_4bit)} | sums)
