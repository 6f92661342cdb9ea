"""`retinai audit` and `retinai audit compare`"""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from retinai.cli.options import Adapter, Device, Load4bit, Weights, talker_of
from retinai.errors import UsageError

if TYPE_CHECKING:
    from retinai.audit.compare import Difference

app = typer.Typer(help="Measure how faithful the explanations are: against true masks, against cheats, against the best possible.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Root of the data set.", show_default=False)] = None,
    dataset: Annotated[str, typer.Option(help="Its kind: idrid, aptos, ...; an unknown one lists them all.")] = "idrid",
    split: Annotated[str, typer.Option(help="train, validation or test; all of an external set.")] = "validation",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Results and report go here.", show_default=False)] = None,
    metrics: Annotated[str, typer.Option(help="all, or names with commas; an unknown one lists them all.")] = "all",
    limit: Annotated[
        int | None, typer.Option(help="At most N photographs with masks and N with a grade.", min=1, show_default=False)
    ] = None,
    weights: Weights = None,
    vlm: Annotated[str, typer.Option(help="Who is audited: auto, nano, none, a model id or folder, openai:URL#MODEL.")] = "auto",
    adapter: Adapter = None,
    load_4bit: Load4bit = "auto",
    ground: Annotated[
        Literal["verify", "prompt"], typer.Option(help="prompt: the model is told the findings before it answers; verify: it is not.")
    ] = "verify",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Measure how faithful the explanations are: against true masks, against cheats, against the best possible.

    retinai audit --data IDRID_ROOT --dataset idrid --split validation --vlm nano --output audits/nano

    A stopped audit goes on where it was. To have one photograph measured again, delete its lines in results.csv.
    """
    if context.invoked_subcommand is not None:
        return
    if data is None or output is None:
        raise UsageError("an audit needs --data, the root of a data set, and --output, the folder for its results")
    from retinai.audit.metrics import chosen
    from retinai.audit.photographs import choose
    from retinai.audit.report import failed, report
    from retinai.audit.run import audit as run
    from retinai.audit.run import identity
    from retinai.pipeline import Pipeline

    items = choose(dataset, data, split, limit)
    talker = talker_of(vlm, adapter, load_4bit, device, ground)
    wanted = chosen(metrics, talks=talker is not None)
    pipeline = Pipeline.load(weights, device, talker, ground)
    about = {"dataset": dataset, "split": split, **identity(pipeline)}
    results = run(pipeline, items, wanted, output, about)
    document = report(results, wanted, items, about, output)
    typer.echo(jsonlib.dumps(document, indent=2, allow_nan=False) if json else _table(document, output))
    if failed(results):
        raise typer.Exit(1)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Output folder of an audit.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="Another one, of the same data.", show_default=False)],
    json: Json = False,
) -> None:
    """Compare two audits on the photographs that both have, by a paired bootstrap.

    retinai audit compare audits/nano audits/llava
    """
    from retinai.audit.compare import compare as run

    differences = run(first, second)
    typer.echo(jsonlib.dumps([_defined(each) for each in differences], indent=2, allow_nan=False) if json else _differences(differences))


def _table(document: dict[str, Any], output: Path) -> str:
    """Eighty columns: the verdicts, then a line for each figure that was measured."""
    lines = [document["on"], ""]
    for verdict in document["verdicts"]:
        word = {True: "FLAGGED", False: "not seen", None: "not measured"}[verdict["flagged"]]
        lines.append(f"{verdict['name']:<24}{word}")
    lines += ["", f"{'row':>3} {'figure':<26}{'value':>8}  {'95 % interval':<15}{'null':>8}{'oracle':>8}{'n':>7}"]
    lines += [_line(figure) for figure in document["figures"] if figure["value"] is not None]
    return "\n".join([*lines, "", f"Report: {output / 'audit.html'}", document["disclaimer"]])


def _line(figure: dict[str, Any]) -> str:
    ends = f"{_number(figure['low'])} to {_number(figure['high'])}"
    null, oracle = _number(figure["null"]), _number(figure["oracle"])
    return f"{figure['row']:>3} {figure['name']:<26}{_number(figure['value']):>8}  {ends:<15}{null:>8}{oracle:>8}{figure['n']:>7}"


def _differences(differences: list[Difference]) -> str:
    lines = [f"{'row':>3} {'figure':<26}{'first':>8}{'second':>8}{'change':>8}  {'95 % interval':<16}"]
    for each in differences:
        word = {True: "better", False: "worse", None: ""}[each.better]
        ends = f"{each.low:.3f} to {each.high:.3f}"
        lines.append(
            f"{each.row:>3} {each.name:<26}{each.first:>8.3f}{each.second:>8.3f}{each.difference:>+8.3f}  {ends:<16} {word}".rstrip()
        )
    return "\n".join(lines)


def _defined(difference: Difference) -> dict[str, Any]:
    """The same with None for NaN, which JSON has no word for."""
    return {name: None if value != value else value for name, value in asdict(difference).items()}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
