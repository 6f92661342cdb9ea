"""`retinai explain`: single photographs, or the two eyes of one patient."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from retinai.cli.options import Adapter, Device, Load4bit, Second, Weights, talker_of
from retinai.errors import ImageError, UsageError
from retinai.inputs import Input, find_inputs

if TYPE_CHECKING:
    from retinai.pipeline import Pipeline

Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[IMAGE...]", help="Photographs, folders of photographs, or glob patterns.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write NAME/explanation.json, pictures, masks/, lesions.csv here.", show_default=False),
]

EYES = ("right", "left")
"""The folders of the two eyes in --output."""


def explain(
    images: Inputs = None,
    right: Annotated[Path | None, typer.Option(help="A patient's right eye; needs --left.", show_default=False)] = None,
    left: Annotated[Path | None, typer.Option(help="The same patient's left eye; needs --right.", show_default=False)] = None,
    output: Output = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each photograph.")] = False,
    device: Device = "auto",
    weights: Weights = None,
    vlm: Annotated[str, typer.Option(help="Who grades and describes: auto, nano, none, a model id or folder, openai:URL#MODEL.")] = "auto",
    adapter: Adapter = None,
    load_4bit: Load4bit = "auto",
    ground: Annotated[
        Literal["verify", "prompt"],
        typer.Option(help="prompt: tell --vlm the findings before it answers. Its answer is checked in any case."),
    ] = "verify",
    second: Second = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Skip photographs whose results are already in --output.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a photograph could not be graded.")] = False,
) -> None:
    """Find the lesions of fundus photographs and say what they mean, in cited sentences.

    retinai explain photograph.jpg --output explanations

    retinai explain clinic/ --json > findings.jsonl

    retinai explain --right right.jpg --left left.jpg
    """
    pair = _pair(images or [], right, left, resume)
    inputs = [] if pair else find_inputs(images or [])
    if resume and output is None:
        raise UsageError("--resume needs --output, the folder whose results are kept")
    from retinai.pipeline import Pipeline

    talker = talker_of(vlm, adapter, load_4bit, device, ground)
    pipeline = Pipeline.load(weights, device, talker, ground, second)
    failed, ungradable = _two_eyes(pipeline, pair, output, json) if pair else _each(pipeline, inputs, output, json, resume)
    raise typer.Exit(1 if failed else 3 if strict and ungradable else 0)


def _pair(images: list[str], right: Path | None, left: Path | None, resume: bool) -> tuple[Path, Path] | None:
    """Right and left, None where single photographs are asked for. Raises UsageError for what does not go together."""
    if not right and not left:
        if not images:
            raise UsageError("no photographs: name some, or the two eyes of a patient with --right and --left")
        return None
    if not right or not left:
        raise UsageError("--right and --left come together")
    if images or resume:
        raise UsageError("--right and --left take neither other photographs nor --resume")
    missing = [path for path in (right, left) if not path.is_file()]
    if missing:
        raise UsageError(f"no image at {missing[0]}")
    return right, left


def _each(pipeline: Pipeline, inputs: list[Input], output: Path | None, json: bool, resume: bool) -> tuple[int, int]:
    """Photograph after photograph. Returns how many could not be read, and how many not be graded."""
    from retinai.progress import Progress

    failed = ungradable = 0
    with Progress("explaining photographs", len(inputs), quiet=len(inputs) == 1) as progress:
        for number, item in enumerate(inputs):
            progress.to(number)
            document, text = _one(pipeline, item, output, resume)
            failed += text is None
            ungradable += text is not None and not document["quality"]["gradable"]
            _print(document, text, json, heading=len(inputs) > 1)
    return failed, ungradable


def _two_eyes(pipeline: Pipeline, pair: tuple[Path, Path], output: Path | None, json: bool) -> tuple[int, int]:
    """Both eyes of one patient, in one document. Nothing is said of a pair of which one file cannot be read."""
    from fusion.eyes import compare
    from retinai.report.document import to_patient_document
    from retinai.report.folder import write_document

    try:
        readings = [pipeline.read_file(path) for path in pair]
    except ImageError as error:
        print(f"retinai: {error}", file=sys.stderr)
        return 1, 0
    if len({reading.explanation.provenance["image_sha256"] for reading in readings}) == 1:
        raise UsageError("--right and --left are the same photograph")
    patient = compare(*(reading.explanation for reading in readings))
    document = to_patient_document(patient)
    if output:
        for eye, reading in zip(EYES, readings, strict=True):
            reading.write(output / eye)
        write_document(output / "patient.json", document)
    if json:
        typer.echo(jsonlib.dumps(document, allow_nan=False))
    else:
        typer.echo(f"{patient.text}\n== RIGHT EYE ==\n{patient.right.text}\n== LEFT EYE ==\n{patient.left.text}")
    return 0, sum(not reading.explanation.quality.gradable for reading in readings)


def _one(pipeline: Pipeline, item: Input, output: Path | None, resume: bool) -> tuple[dict[str, Any], str | None]:
    """The document and the text of one photograph, written to its folder where there is an output; no text where it failed."""
    from retinai.report.document import failure

    done = _done(output / item.name / "explanation.json") if output and resume else None
    if done:
        return done, done["text"]
    try:
        reading = pipeline.read_file(item.path)
    except ImageError as error:
        print(f"retinai: {error}", file=sys.stderr)
        return failure(item.name, str(error).replace(str(item.path), item.path.name)), None
    if output:
        reading.write(output / item.name)
    return reading.document(), reading.explanation.text


def _done(path: Path) -> dict[str, Any] | None:
    """The document of an earlier run; None where there is none, or one of another version, which is made again."""
    from retinai.errors import DataError
    from retinai.report.schema import validate

    if not path.is_file():
        return None
    try:
        document = jsonlib.loads(path.read_text(encoding="utf-8"))
        validate(document)
    except (ValueError, DataError):
        return None
    return document


def _print(document: dict[str, Any], text: str | None, json: bool, heading: bool) -> None:
    if json:
        typer.echo(jsonlib.dumps(document, allow_nan=False))
    elif text is not None:
        typer.echo(f"== {document['image']} ==\n{text}\n" if heading else text)
