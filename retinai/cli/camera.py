"""`retinai camera ...`"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from retinai.camera.profile import CameraProfile

app = typer.Typer(
    help="Dust and scratches on a camera, which look like lesions: learn them once, and every photograph is read without them."
)

Profile = Annotated[Path, typer.Argument(help="A camera profile.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def learn(
    photographs: Annotated[list[str], typer.Argument(help="Photographs of one camera, some fifty of many eyes; folders, patterns.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The profile to write; its picture is written beside it.")],
    name: Annotated[str, typer.Option(help="What to call the camera. No patient's name.")] = "",
    json: Json = False,
) -> None:
    """Learn where a camera's marks are from unlabelled photographs. No photograph can be got back from the profile.

    retinai camera learn clinic/*.jpg --output clinic.camera

    retinai explain photograph.jpg --camera clinic.camera
    """
    from retinai.camera.learn import MOST
    from retinai.camera.learn import learn as learn_marks
    from retinai.inputs import find_inputs
    from retinai.progress import Progress

    paths = [item.path for item in find_inputs(photographs)]
    with Progress("reading photographs", min(MOST, len(paths))) as progress:
        profile = learn_marks(paths, progress.to, name)
    profile.save(output)
    _draw(profile, output.with_suffix(".png"))
    _tell(profile, output, json)


@app.command()
def show(
    profile: Profile,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the picture of the marks here.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Say what a profile holds, and draw its marks.

    retinai camera show clinic.camera --output marks.png
    """
    from retinai.camera.profile import load_profile

    found = load_profile(profile)
    if output:
        _draw(found, output)
    _tell(found, profile, json)


@app.command()
def sessions(
    data: Annotated[Path, typer.Option(help="Root of IDRiD with both parts.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write.")] = Path("configs/idrid-folds.csv"),
    folds: Annotated[int, typer.Option(help="How many folds.", min=2)] = 3,
) -> None:
    """Group IDRiD's photographs into sessions by marks, colour and exposure, and sessions into folds.

    retinai camera sessions --data IDRID_ROOT --output configs/idrid-folds.csv
    """
    from retinai.camera.folds import write_folds

    typer.echo(f"{output}: {write_folds(data, output, folds)}")


def _draw(profile: CameraProfile, path: Path) -> None:
    from PIL import Image

    from retinai.camera.picture import picture

    Image.fromarray(picture(profile)).save(path, "PNG")


def _tell(profile: CameraProfile, path: Path, json: bool) -> None:
    from retinai.camera.picture import summary

    typer.echo(jsonlib.dumps(_values(profile), indent=2, allow_nan=False) if json else f"{path}: {summary(profile)}")


def _values(profile: CameraProfile) -> dict[str, Any]:
    from dataclasses import asdict

    from retinai.camera.picture import clear_marks

    return {
        "camera": profile.camera,
        "created": profile.created,
        "photographs": profile.photographs,
        "sha256": profile.sha256,
        "clear_marks": clear_marks(profile),
        "marks": [asdict(mark) for mark in profile.marks],
    }
