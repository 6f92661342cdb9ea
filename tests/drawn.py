"""Small fundus photographs and data sets drawn by script, for the tests of every room."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retinai.lesions import CLASSES, SEGMENTED


def draw_fundus(width: int = 192, height: int = 128, seed: int = 0) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.bool_]]]:
    """An orange disc on black with one drawn lesion of each class: (H, W, 3) uint8 RGB and its true masks."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3), np.uint8)
    radius = height // 2 - 2
    cv2.circle(pixels, (width // 2, height // 2), radius, (180, 90, 40), cv2.FILLED)
    inks = {"MA": (90, 20, 15), "HE": (100, 15, 10), "EX": (250, 230, 120), "SE": (230, 210, 180), "OD": (255, 220, 160)}
    sizes = {"MA": 2, "HE": 6, "EX": 4, "SE": 7, "OD": 11}
    masks = {}
    for place, code in enumerate(SEGMENTED):
        angle = 2 * np.pi * place / len(SEGMENTED) + rng.uniform(-0.2, 0.2)
        centre = (round(width / 2 + 0.6 * radius * np.cos(angle)), round(height / 2 + 0.6 * radius * np.sin(angle)))
        mask = np.zeros((height, width), np.uint8)
        cv2.circle(mask, centre, sizes[code], 1, cv2.FILLED)
        pixels[mask > 0] = inks[code]
        masks[code] = mask > 0
    noise = rng.normal(0, 3, pixels.shape)
    return np.where(pixels > 0, np.clip(pixels + noise, 1, 255), 0).astype(np.uint8), masks


def draw_idrid(root: Path, count: int = 6, part: str = "a. Training Set") -> Path:
    """`count` drawn photographs and masks in the layout of IDRiD's segmentation part; photograph 2 has no SE mask."""
    base = root / "A. Segmentation"
    photographs, truths = base / "1. Original Images" / part, base / "2. All Segmentation Groundtruths" / part
    photographs.mkdir(parents=True)
    for number in range(1, count + 1):
        pixels, masks = draw_fundus(seed=number)
        Image.fromarray(pixels).save(photographs / f"IDRiD_{number:02d}.jpg", quality=97)
        for code, mask in masks.items():
            if (number, code) == (2, "SE"):
                continue
            folder, suffix = CLASSES[code].idrid or ("", "")
            (truths / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask.astype(np.uint8) * 76).save(truths / folder / f"IDRiD_{number:02d}_{suffix}.tif")
    return root


def draw_grading(root: Path, grades: list[int]) -> Path:
    """A drawn photograph for each grade in the layout of IDRiD's grading part; those of grade 0 show no lesion."""
    base = root / "B. Disease Grading"
    photographs, truths = base / "1. Original Images" / "a. Training Set", base / "2. Groundtruths"
    photographs.mkdir(parents=True)
    truths.mkdir()
    rows = ["Image name,Retinopathy grade,Risk of macular edema "]
    for number, grade in enumerate(grades, start=1):
        pixels, masks = draw_fundus(seed=100 + number)
        for code, mask in masks.items():
            if grade == 0 and code != "OD":
                pixels[cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0] = (180, 90, 40)
        Image.fromarray(pixels).save(photographs / f"IDRiD_{number:03d}.jpg", quality=97)
        rows.append(f"IDRiD_{number:03d},{grade},{min(grade, 2)}")
    (truths / "a. IDRiD_Disease Grading_Training Labels.csv").write_text("\n".join(rows) + "\n")
    return root
