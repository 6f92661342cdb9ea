"""`retinai train grader`"""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

from retinai.cli.train import ConfigFile, Overrides
from retinai.strict_json import without_nan


def grader(
    config: ConfigFile,
    overrides: Overrides = None,
    json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Train a grader: a CNN, a ViT with LoRA, CLIP with prototypes, or the regression on lesion features.

    retinai train grader --config configs/grader-lesions.yaml data=IDRID_ROOT
    """
    from retinai.train_grader import as_text, read_config, train

    settings = read_config(config, overrides or [])
    card = train(settings)
    typer.echo(jsonlib.dumps(without_nan(card), indent=2, allow_nan=False) if json else as_text(card, settings.output))  # type: ignore[attr-defined]
