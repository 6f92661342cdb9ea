"""`retinai explain`"""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from retinai.errors import ImageError, UsageError
from retinai.inputs import Input, find_inputs

if TYPE_CHECKING:
    from retinai.pipeline import Pipeline

Inputs = Annotated[
    list[str], typer.Argument(metavar="IMAGE...", help="Photographs, folders of photographs, or glob patterns.", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write NAME/explanation.json, overlay.png, masks/, lesions.csv here.", show_default=False),
]


def explain(
    images: Inputs,
    output: Output = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each photograph.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    weights: Annotated[
        Path | None, typer.Option(help="A folder of lesion weights; the bundled ones by default.", show_default=False)
    ] = None,
    vlm: Annotated[str, typer.Option(help="Who grades and describes: auto, nano, none, a model id or folder, openai:URL#MODEL.")] = "auto",
    adapter: Annotated[Path | None, typer.Option(help="A LoRA adapter for --vlm.", show_default=False)] = None,
    load_4bit: Annotated[Literal["auto", "yes", "no"], typer.Option("--load-4bit", help="Whether --vlm is loaded in 4 bits.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Skip photographs whose results are already in --output.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a photograph could not be graded.")] = False,
) -> None:
    """Find the lesions of fundus photographs and say what they mean, in cited sentences.

    retinai explain photograph.jpg --output explanations

    retinai explain clinic/ --json > findings.jsonl
    """
    inputs = find_inputs(images)
    if resume and output is None:
        raise UsageError("--resume needs --output, the folder whose results are kept")
    from retinai.pipeline import Pipeline
    from retinai.progress import Progress
    from retinai.talk import load_talker

    talker = load_talker(vlm, adapter, {"auto": "auto", "yes": True, "no": False}[load_4bit], device)
    pipeline = Pipeline.load(weights, device, talker)
    failed = ungradable = 0
    with Progress("explaining photographs", len(inputs), quiet=len(inputs) == 1) as progress:
        for number, item in enumerate(inputs):
            progress.to(number)
            document, text = _one(pipeline, item, output, resume)
            failed += text is None
            ungradable += text is not None and not document["quality"]["gradable"]
            _print(document, text, json, heading=len(inputs) > 1)
    raise typer.Exit(1 if failed else 3 if strict and ungradable else 0)


def _one(pipeline: Pipeline, item: Input, output: Path | None, resume: bool) -> tuple[dict[str, Any], str | None]:
    """The document and the text of one photograph, written to its folder where there is an output; no text where it failed."""
    done = output / item.name / "explanation.json" if output else None
    if resume and done and done.is_file():
        document = jsonlib.loads(done.read_text(encoding="utf-8"))
        return document, document["text"]
    try:
        reading = pipeline.read_file(item.path)
    except ImageError as error:
        print(f"retinai: {error}", file=sys.stderr)
        return {"image": item.name, "error": str(error)}, None
    if output:
        reading.write(output / item.name)
    return reading.document(), reading.explanation.text


def _print(document: dict[str, Any], text: str | None, json: bool, heading: bool) -> None:
    if json:
        typer.echo(jsonlib.dumps(document))
    elif text is not None:
        typer.echo(f"== {document['image']} ==\n{text}\n" if heading else text)
