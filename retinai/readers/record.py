"""What every reader gives: one record a photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, slots=True)
class Record:
    """A photograph on disk and what is known of it.

    id: unique within (source, split); split: 'train', 'validation', 'test' or 'unlabelled'; grade: ICDR 0-4 or None;
    dme: risk 0-2 or None; masks: lesion code -> mask file, absent where the lesion is absent;
    patient, eye: where the data set names them; gradable: False where it says so.
    """

    id: str
    split: str
    image: Path
    source: str
    grade: int | None = None
    dme: int | None = None
    masks: Mapping[str, Path] = field(default_factory=dict)
    patient: str | None = None
    eye: str | None = None
    gradable: bool = True


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A lesion mask: palette, grey, RGB or RGBA file -> (H, W) bool.

    Alpha is ignored: one published IDRiD mask is RGBA with alpha 255 everywhere.
    """
    with Image.open(path, formats=["TIFF", "PNG", "BMP", "GIF", "JPEG"]) as mask:
        return np.asarray(mask.convert("RGB"))[..., 0] > 0


Summary = dict[str, Any]
