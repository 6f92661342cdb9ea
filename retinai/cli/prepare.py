"""`retinai data prepare`: conversations for training a vision-language model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer


def prepare(
    dataset: Annotated[str, typer.Argument(help="idrid, aptos, eyepacs, ddr, messidor2, deepdrid, folders or csv.", show_default=False)],
    data: Annotated[Path, typer.Option(help="The data set's folder, as published.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The JSON-lines file to write.", show_default=False)],
    pseudo_labels: Annotated[bool, typer.Option("--pseudo-labels", help="Without masks, tell the lesions that the U-Net finds.")] = False,
    weights: Annotated[Path | None, typer.Option(help="Its folder; the bundled one by default.", show_default=False)] = None,
) -> None:
    """Write one conversation for each graded photograph: path, prompt, answer, and what the answer was made from.

    retinai data prepare idrid --data IDRID_ROOT --output idrid.jsonl
    """
    from retinai.conversations import prepare as make
    from vlm.data import write_chat

    detector = None
    if pseudo_labels:
        from segmentation.detector import LesionDetector
        from segmentation.weights import BUNDLED

        detector = LesionDetector.load(weights or BUNDLED)
    conversations = make(dataset, data, detector)
    write_chat(output, conversations)
    for (split, source), count in sorted(Counter((each.split, each.labelled_by or "nobody") for each in conversations).items()):
        typer.echo(f"{split}: {count} photographs, lesions by {source}")
