"""`retinai explain`: single photographs, or the two eyes of one patient."""

from __future__ import annotations

import hashlib
import json as jsonlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from retinai.cli.options import Adapter, Device, Load4bit, Second, Weights, talker_of
from retinai.cli.streams import lose_stdout, say
from retinai.errors import ImageError, OutputError, UsageError
from retinai.inputs import Input, find_inputs
from retinai.names import safe_name, shown

if TYPE_CHECKING:
    from retinai.pipeline import Pipeline, Reading

Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[IMAGE...]", help="Photographs, folders, glob patterns, or - for a pipe.", show_default=False),
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
    camera: Annotated[str, typer.Option(help="Camera profile to take marks out by: auto, none, or a FILE.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Take over what --output holds of the same files, models and settings.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a photograph could not be graded.")] = False,
) -> None:
    """Find the lesions of fundus photographs and say what they mean, in cited sentences.

    retinai explain photograph.jpg --output explanations

    retinai explain clinic/ --json > findings.jsonl

    retinai explain --right right.jpg --left left.jpg
    """
    pair = _pair(images or [], right, left, resume)
    inputs = pair or find_inputs(images or [])
    if resume and output is None:
        raise UsageError("--resume needs --output, the folder whose results are kept")
    if output:
        _open(output)
    from retinai.pipeline import Pipeline

    talker = talker_of(vlm, adapter, load_4bit, device, ground)
    pipeline = Pipeline.load(weights, device, talker, ground, second, camera)
    failed, ungradable = _two_eyes(pipeline, inputs, output, json) if pair else _each(pipeline, inputs, output, json, resume)
    raise typer.Exit(1 if failed else 3 if strict and ungradable else 0)


def _open(output: Path) -> None:
    """Raises UsageError, before anything is read, where nothing can be written there."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {output}: {error.strerror}") from None
    if not os.access(output, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to {output}: no permission, or a read-only disk")


def _pair(images: list[str], right: Path | None, left: Path | None, resume: bool) -> list[Input] | None:
    """Right and left, None where single photographs are asked for. Raises UsageError for what does not go together."""
    if not right and not left:
        if not images:
            raise UsageError("no photographs: name some, or the two eyes of a patient with --right and --left")
        return None
    if not right or not left:
        raise UsageError("--right and --left come together")
    if images or resume:
        raise UsageError("--right and --left take neither other photographs nor --resume")
    missing = [path for path in (right, left) if not path.exists()]
    if missing:
        raise UsageError(f"no image at {missing[0]}")
    return [Input(path, safe_name(path)) for path in (right, left)]


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of one photograph. text: None where it could not be read; written: False where its results could not be."""

    document: dict[str, Any]
    text: str | None
    written: bool = True

    @property
    def failed(self) -> bool:
        return self.text is None or not self.written

    @property
    def ungradable(self) -> bool:
        return self.text is not None and not self.document["quality"]["gradable"]


def _each(pipeline: Pipeline, inputs: Sequence[Input], output: Path | None, json: bool, resume: bool) -> tuple[int, int]:
    """Photograph after photograph. Returns how many failed, and how many could not be graded.

    Where stdout is lost the rest is still done for `output`, and without one there is nothing left to do.
    """
    from retinai.progress import Progress

    for item in inputs:
        if not item.usual:
            say(f"the results of {item.shown} are named {item.name}")
    failed = ungradable = 0
    with Progress("explaining photographs", len(inputs), quiet=len(inputs) == 1) as progress:
        for number, item in enumerate(inputs):
            progress.to(number)
            done = _one(pipeline, item, output, resume)
            failed, ungradable = failed + done.failed, ungradable + done.ungradable
            try:
                _print(done, json, heading=len(inputs) > 1)
            except OSError as error:
                failed += lose_stdout(error)
                if output is None:
                    break
    return failed, ungradable


def _one(pipeline: Pipeline, item: Input, output: Path | None, resume: bool) -> _Done:
    """Read one photograph, and write its folder where there is an output. What fails is one line, and the rest is done."""
    from retinai.report.document import failure
    from retinai.report.earlier import name_in

    try:
        data = item.read()
        name = name_in(output, item.name, hashlib.sha256(data).hexdigest()) if output else item.name
        if name != item.name:
            say(f"{output}/{item.name} holds something else; the results of {item.shown} are named {name}")
        if output and resume and (kept := _kept(pipeline, output / name, data)):
            return _Done(kept, kept["text"])
        reading = pipeline.read_bytes(data, name, item.shown)
    except ImageError as error:
        say(error)
        return _Done(failure(item.name, str(error).replace(f"{shown(item.path.parent)}/", "")), None)
    written = output is None or _written(reading, output / name)
    return _Done(reading.document(), reading.explanation.text, written)


def _kept(pipeline: Pipeline, folder: Path, data: bytes) -> dict[str, Any] | None:
    """The document of an earlier run of the same file, models and settings; where it is another's, that is said."""
    from retinai.report.earlier import kept

    document, reason = kept(folder, pipeline.provenance(hashlib.sha256(data).hexdigest()))
    if reason:
        say(f"the result in {folder} is not taken over: {reason}; the photograph is read again")
    return document


def _written(reading: Reading, folder: Path) -> bool:
    try:
        reading.write(folder)
    except OutputError as error:
        say(error)
        return False
    return True


def _print(done: _Done, json: bool, heading: bool) -> None:
    if json:
        typer.echo(jsonlib.dumps(done.document, allow_nan=False))
    elif done.text is not None:
        typer.echo(f"== {done.document['image']} ==\n{done.text}\n" if heading else done.text)


def _two_eyes(pipeline: Pipeline, pair: Sequence[Input], output: Path | None, json: bool) -> tuple[int, int]:
    """Both eyes of one patient, in one document. Nothing is said of a pair of which one file cannot be read."""
    from fusion.eyes import compare
    from retinai.report.document import to_patient_document

    try:
        readings = [pipeline.read_bytes(item.read(), item.name, item.shown) for item in pair]
    except ImageError as error:
        say(error)
        return 1, 0
    if len({_sha256(reading) for reading in readings}) == 1:
        raise UsageError("--right and --left are the same photograph")
    patient = compare(*(reading.explanation for reading in readings))
    document = to_patient_document(patient)
    if output:
        _write_patient(readings, document, output)
    if json:
        typer.echo(jsonlib.dumps(document, allow_nan=False))
    else:
        typer.echo(f"{patient.text}\n== RIGHT EYE ==\n{patient.right.text}\n== LEFT EYE ==\n{patient.left.text}")
    return 0, sum(not reading.explanation.quality.gradable for reading in readings)


def _write_patient(readings: Sequence[Reading], document: dict[str, Any], output: Path) -> None:
    """Both folders and patient.json, which comes last. Raises UsageError where they hold other eyes, OutputError for a full disk."""
    from retinai.report.earlier import name_in
    from retinai.report.folder import remove_document, write_document

    for eye, reading in zip(EYES, readings, strict=True):
        if name_in(output, eye, _sha256(reading)) != eye:
            raise UsageError(f"{output / eye} holds something other than this eye; name another folder with --output")
    remove_document(output / "patient.json")
    for eye, reading in zip(EYES, readings, strict=True):
        reading.write(output / eye)
    write_document(output / "patient.json", document)


def _sha256(reading: Reading) -> str:
    return reading.explanation.provenance["image_sha256"]
