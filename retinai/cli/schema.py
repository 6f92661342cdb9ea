"""`retinai schema`: what the JSON documents look like."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of what `explain --json` prints and `--output` writes.

    retinai schema > retinai.schema.json
    """
    from retinai.report.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, allow_nan=False))
