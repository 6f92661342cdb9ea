"""The shell: parse, call, print. What it does not know is how anything works.

stdout carries the answer, stderr the progress. Exit 0 done, 1 some inputs failed, 2 usage, 3 ungradable under --strict.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retinai.cli import (
    audit,
    calibrate,
    camera,
    conformal,
    data,
    evaluate,
    evaluate_grading,
    explain,
    export,
    feedback,
    info,
    merge,
    prepare,
    schema,
    train,
    train_grader,
    view,
)
from retinai.cli.streams import Shell, ending_at_interrupt, print_anything, say
from retinai.errors import OutputError, RetinaiError
from retinai.lesions import DISCLAIMER

app = typer.Typer(
    cls=Shell,
    help=f"A fundus photograph in, lesions and cited sentences out. {DISCLAIMER}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(explain.explain)
train.app.command()(train_grader.grader)
app.add_typer(train.app, name="train")
evaluate.app.command()(evaluate_grading.grading)
app.add_typer(evaluate.app, name="evaluate")
app.command()(calibrate.calibrate)
app.command()(conformal.conformal)
app.add_typer(audit.app, name="audit")
data.app.command()(prepare.prepare)
data.app.command()(merge.merge)
app.add_typer(camera.app, name="camera")
app.add_typer(data.app, name="data")
app.command()(view.view)
app.add_typer(feedback.app, name="feedback")
app.command()(schema.schema)
app.add_typer(export.app, name="export")
app.command()(info.info)
app.command()(info.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"retinai {version('retinai')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an expected failure; allowed anywhere.")] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """The entry point: expected failures are one line on stderr; exit status 2, and 1 for results that cannot be written."""
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]
    print_anything()
    with ending_at_interrupt():
        try:
            app()
        except RetinaiError as error:
            if debug:
                raise
            say(error)
            sys.exit(1 if isinstance(error, OutputError) else 2)
