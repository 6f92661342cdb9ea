"""`retinai data ...`"""

from __future__ import annotations

import json as jsonlib
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retinai.names import shown

if TYPE_CHECKING:
    from retinai.readers.check import Report

app = typer.Typer(help="Look at data sets.", no_args_is_help=True)

_WIDTH, _COLUMN = 80, 12


@app.callback()
def options() -> None:
    """Look at data sets."""


@app.command()
def check(
    root: Annotated[Path, typer.Argument(help="The folder of a data set, as published; or a CSV file.", show_default=False)],
    dataset: Annotated[str | None, typer.Option(help="Which data set it is; recognised by default.", show_default=False)] = None,
    decode: Annotated[bool, typer.Option("--decode", help="Read all pixels too: damaged files, empty masks, resized copies.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count what is there and list what is wrong, each with its file. Exit status 1 when something is.

    retinai data check IDRID_ROOT
    """
    from retinai.readers import detect

    reports = _reports(root, [dataset] if dataset else detect(root), decode)
    typer.echo(jsonlib.dumps(as_values(root, reports), indent=2, allow_nan=False) if json else as_text(root, reports))
    if any(report.problems for report in reports):
        raise typer.Exit(1)


def _reports(root: Path, names: Sequence[str], decode: bool) -> list[Report]:
    from retinai.progress import Progress
    from retinai.readers import load
    from retinai.readers.check import examine, hidden_copies

    reports = []
    for name in names:
        listing = load(name, root)
        with Progress(f"checking {name}", len(listing.records)) as progress:
            reports.append(examine(listing, decode, progress.to))
    if decode:
        reports[-1].problems += hidden_copies(reports)
    return reports


def as_values(root: Path, reports: Sequence[Report]) -> dict[str, Any]:
    """{'root', 'datasets': {name: {'listed', 'dropped', 'splits', 'problems'}}}; files are relative to the root."""
    from retinai.readers.check import counts

    return {
        "root": str(root),
        "datasets": {
            report.name: {
                "listed": len(report.records) + len(report.dropped),
                "dropped": len(report.dropped),
                "splits": counts(report.records),
                "problems": [{"file": _relative(p.file, root), "kind": p.kind, "text": shown(p.text)} for p in report.problems],
            }
            for report in reports
        },
    }


def as_text(root: Path, reports: Sequence[Report]) -> str:
    """The same for people, in eighty columns."""
    from retinai.readers import READERS

    blocks = []
    for name, found in as_values(root, reports)["datasets"].items():
        head = f"{READERS[name].title} ({name}): {found['listed']} photographs listed"
        left_out = f", {found['dropped']} left out" if found["dropped"] else ""
        blocks.append("\n".join([head + left_out, "", *_table(found["splits"]), "", *_problems(found["problems"])]))
    return "\n\n".join(blocks)


def _table(splits: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each count, a column for each split."""
    columns = [_flat(values) for values in splits.values()]
    names = dict.fromkeys(name for column in columns for name in column)
    names = [name for name in names if name != "grade none" or any(column[name] for column in columns)]
    first = _WIDTH - 4 * _COLUMN
    lines = [" " * first + "".join(f"{split:>{_COLUMN}}" for split in splits)]
    return lines + [f"{name:<{first}}" + "".join(f"{column.get(name, 0):>{_COLUMN}}" for column in columns) for name in names]


def _flat(values: dict[str, Any]) -> dict[str, int]:
    """{'grade': {'0': 3}} -> {'grade 0': 3}, with lesions in words."""
    from retinai.lesions import CLASSES

    flat: dict[str, int] = {}
    for key, value in values.items():
        word = {"dme": "DME risk", "label": "class", "disc": "with optic disc (OD)"}.get(key, key)
        if key == "lesions":
            flat |= {f"with {CLASSES[code].plural} ({code})": number for code, number in value.items()}
        else:
            flat |= {f"{word} {name}": number for name, number in value.items()} if isinstance(value, dict) else {word: value}
    return flat


def _problems(problems: Sequence[dict[str, str]]) -> list[str]:
    if not problems:
        return ["No problems."]
    kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(p["kind"] for p in problems).items())
    lines = [f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {kinds}"]
    for problem in problems:
        lines.append(f"  {problem['file']}")
        lines += textwrap.wrap(problem["text"], _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return lines


def _relative(path: Path, root: Path) -> str:
    return shown(path.relative_to(root) if path.is_relative_to(root) and path != root else path)
