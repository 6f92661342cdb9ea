"""What every reader gives: one record a photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MASK_FORMATS = ("TIFF", "PNG", "BMP", "GIF", "JPEG")


@dataclass(frozen=True, slots=True)
class Record:
    """A photograph on disk and what is known of it.

    id: unique within (source, split); split: 'train', 'validation', 'test' or 'unlabelled';
    source: the data set, with its own source after a slash where it is a collection ('eye4/odir');
    grade: ICDR 0-4 or None; dme: risk 0-2 or None; masks: lesion code -> mask file, absent where the lesion is absent;
    patient: where the data set names one; eye: 'right' or 'left' likewise; gradable: False where it says so;
    maculopathy: where the data set only says yes or no, which is no DME risk (a 'no' may be risk 0 or 1);
    label: the class, where the data set has classes that are no grades ('cataract').
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
    maculopathy: bool | None = None
    label: str | None = None


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A lesion mask: palette, grey, RGB or RGBA file -> (H, W) bool.

    Alpha is ignored: one published IDRiD mask is RGBA with alpha 255 everywhere.
    """
    with Image.open(path, formats=MASK_FORMATS) as mask:
        return np.asarray(mask.convert("RGB"))[..., 0] > 0
