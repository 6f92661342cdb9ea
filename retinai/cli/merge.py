"""`retinai data merge`"""

from __future__ import annotations

import json as jsonlib
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer


def merge(
    sets: Annotated[list[str], typer.Argument(metavar="NAME=ROOT...", help="Data sets, such as idrid=IDRID_ROOT.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder in which merged.csv is written.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Merge several data sets into one table that keeps sources and splits. A photograph in two splits is refused.

    retinai data merge idrid=IDRID_ROOT rahim2025=RAHIM_ROOT --output runs/merged
    """
    from retinai.errors import UsageError
    from retinai.readers import load
    from retinai.readers.merged import FILE, write_merged
    from retinai.readers.merged import merge as merge_all

    found = {}
    for word in sets:
        name, equals, root = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is not NAME=ROOT")
        found[word] = load(name, Path(root)).records
    merged = merge_all(found)
    write_merged(output / FILE, merged.records)
    counts = Counter(f"{record.source} {record.split}" for record in merged.records)
    values = {"table": str(output / FILE), "photographs": dict(sorted(counts.items())), "copies_left_out": len(merged.dropped)}
    lines = [f"{name:<32}{count:>6}" for name, count in sorted(counts.items())]
    lines.append(f"{'copies left out':<32}{len(merged.dropped):>6}")
    typer.echo(jsonlib.dumps(values, indent=2, allow_nan=False) if json else "\n".join([*lines, f"{output / FILE}"]))
