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
