"""Masks as they are published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retinai.readers.record import read_mask

LESION = np.zeros((6, 8), bool)
LESION[2:4, 3:7] = True


def test_alpha_of_255_everywhere_is_no_lesion(tmp_path: Path) -> None:
    rgba = np.zeros((6, 8, 4), np.uint8)
    rgba[..., 0] = LESION * 255
    rgba[..., 3] = 255
    Image.fromarray(rgba).save(tmp_path / "m.tif")
    assert (read_mask(tmp_path / "m.tif") == LESION).all()
    assert (np.array(Image.open(tmp_path / "m.tif")) > 0).any(axis=2).all()  # the naive reading calls every pixel a lesion


def test_palette_mask_is_read_by_its_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(LESION.astype(np.uint8) * 76, "L").convert("P")
    palette.putpalette([0, 0, 0] * 76 + [255, 0, 0] + [0, 0, 0] * 179)
    palette.save(tmp_path / "m.tif")
    assert (read_mask(tmp_path / "m.tif") == LESION).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_plain_masks(tmp_path: Path, mode: str) -> None:
    Image.fromarray(LESION.astype(np.uint8) * 255, "L").convert(mode).save(tmp_path / "m.png")
    assert (read_mask(tmp_path / "m.png") == LESION).all()
