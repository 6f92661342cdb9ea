"""`retinai train ...`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train a model. A run that was stopped goes on where it was.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", help="A YAML file, as in configs/.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(metavar="[key=value]...", help="Keys of the config to change.", show_default=False)]


@app.command()
def segmentation(config: ConfigFile, overrides: Overrides = None) -> None:
    """Train the lesion U-Net.

    retinai train segmentation --config configs/segmentation.yaml data=IDRID_ROOT steps=2000
    """
    from retinai.config import load_config
    from segmentation.settings import SegmentationConfig

    settings = load_config(SegmentationConfig, config, overrides or [])
    from segmentation.launch import launch

    launch(settings)


@app.command()
def vlm(
    config: ConfigFile,
    overrides: Overrides = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only print how much memory it takes, counted without weights.")] = False,
) -> None:
    """Train a LLaVA: QLoRA on llava-1.5-7b, or the small bundled one.

    retinai train vlm --config configs/vlm-idrid.yaml data=idrid.jsonl

    retinai train vlm --config configs/vlm-idrid.yaml --plan
    """
    from retinai.config import load_config
    from vlm.settings import VlmConfig

    settings = load_config(VlmConfig, config, overrides or [])
    if plan:
        from vlm.plan import as_text, make_plan

        typer.echo(as_text(make_plan(settings)))
        return
    from vlm.launch import launch

    launch(settings)
