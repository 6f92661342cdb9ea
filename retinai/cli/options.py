"""What several commands ask for in the same words, and the language model that comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from retinai.errors import UsageError

if TYPE_CHECKING:
    from retinai.talk import Talker

YesNo = Literal["auto", "yes", "no"]
Weights = Annotated[Path | None, typer.Option(help="A folder of lesion weights; the bundled ones by default.", show_default=False)]
Adapter = Annotated[Path | None, typer.Option(help="A LoRA adapter for --vlm.", show_default=False)]
Load4bit = Annotated[YesNo, typer.Option("--load-4bit", help="Whether --vlm is loaded in 4 bits.")]
Second = Annotated[
    str, typer.Option(help="Who else grades: auto (lesions, where it fits --weights), none, lesions, image, lesions:FOLDER, image:FOLDER.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def talker_of(vlm: str, adapter: Path | None, load_4bit: YesNo, device: str, ground: str) -> Talker | None:
    """The language model that was asked for. Raises UsageError where it was to be told the findings and there is none."""
    from retinai.talk import FOUR_BITS, load_talker

    talker = load_talker(vlm, adapter, FOUR_BITS[load_4bit], device)
    if ground == "prompt" and talker is None:
        raise UsageError("--ground prompt needs a language model to be told the findings; see --vlm")
    return talker
