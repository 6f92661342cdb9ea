"""Tiny data sets in published layouts: every photograph is some thousand pixels of noise that its number decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (96, 64)  # the smallest side that is read as a photograph
PARTS = {"train": "a. Training Set", "test": "b. Testing Set"}
FOLDERS = {"MA": "1. Microaneurysms", "HE": "2. Haemorrhages", "EX": "3. Hard Exudates", "SE": "4. Soft Exudates", "OD": "5. Optic Disc"}
HEADER = "Image name,Retinopathy grade,Risk of macular edema ,,,,,,,,,"


def photograph(path: Path, number: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """Write photograph `number`: equal numbers give equal bytes, different ones different pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def table(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def grading(root: Path, split: str, rows: dict[str, tuple[int, int, int]]) -> Path:
    """IDRiD's grading part: name -> (number of the photograph, grade, DME risk)."""
    base = root / "B. Disease Grading"
    for name, (number, _, _) in rows.items():
        photograph(base / "1. Original Images" / PARTS[split] / f"{name}.jpg", number)
    file = {"train": "a. IDRiD_Disease Grading_Training Labels.csv", "test": "b. IDRiD_Disease Grading_Testing Labels.csv"}[split]
    lines = [f"{name},{grade},{dme},,,,,,,,," for name, (_, grade, dme) in rows.items()]
    table(base / "2. Groundtruths" / file, HEADER, *lines)
    return root


def segmentation(root: Path, split: str, numbers: dict[str, int], codes: tuple[str, ...] = ("MA",)) -> Path:
    """IDRiD's segmentation part: name -> number of the photograph, with full masks of `codes`."""
    base = root / "A. Segmentation"
    for folder in FOLDERS.values():
        (base / "2. All Segmentation Groundtruths" / PARTS[split] / folder).mkdir(parents=True, exist_ok=True)
    for name, number in numbers.items():
        photograph(base / "1. Original Images" / PARTS[split] / f"{name}.jpg", number)
        for code in codes:
            mask = Image.new("L", SIZE, 76)
            mask.save(base / "2. All Segmentation Groundtruths" / PARTS[split] / FOLDERS[code] / f"{name}_{code}.tif")
    return root
