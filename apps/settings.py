"""What `retinai view` was told, carried to the page in one environment variable."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "RETINAI_VIEWER"
MOST_MB = 40
"""Of one uploaded file: an uncompressed TIFF of 12 megapixels is 37."""


@dataclass(frozen=True, slots=True)
class Settings:
    """weights, vlm, adapter, load_4bit, second, device: as in `retinai explain`; feedback: the SQLite file of the second readers."""

    feedback: str = "retinai-feedback.sqlite"
    weights: str | None = None
    vlm: str = "auto"
    adapter: str | None = None
    load_4bit: str = "auto"
    second: str = "auto"
    device: str = "auto"

    def export(self) -> None:
        """Leave them for the page, which Streamlit runs in this process."""
        os.environ[VARIABLE] = json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def read(cls) -> Settings:
        """As exported; the defaults where nothing was."""
        return cls(**json.loads(os.environ.get(VARIABLE, "{}")))


def example() -> Path | None:
    """The example photograph: in the repository, or where an installed wheel puts it; None where there is neither."""
    import sysconfig

    name = "IDRiD_18.jpg"
    places = (Path(__file__).parents[1] / "examples" / name, Path(sysconfig.get_path("data")) / "share" / "retinai" / name)
    return next((place for place in places if place.is_file()), None)
