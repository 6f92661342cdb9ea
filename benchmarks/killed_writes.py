"""Kills a program that writes results over older ones, at random moments, and looks for folders of two readings.

    python benchmarks/killed_writes.py --kills 25 [--seed 0]

Each time a folder of results lies there whole; a process of its own writes it anew, again and again, each reading told from all
others by every one of its files; it is killed (SIGKILL) after 0 to 150 ms. A folder that has its explanation.json must then be of
one reading; one without is read again by --resume. Also counted: what a killed run leaves beside it, and whether the next write
clears that away. Exit status 1 where a folder is of two readings.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from retinai.lesions import SEGMENTED
from retinai.report.folder import write_folder
from retinai.types import Lesion, Place

LONGEST_S = 0.15
SIDE = 256


def write(folder: Path, reading: int) -> None:
    """A stand-in for a reading: its number, from 1 to 250, is in every file."""
    number = reading % 250 + 1
    picture = np.full((SIDE, SIDE, 3), number, np.uint8)
    mask = np.zeros((SIDE, SIDE), bool)
    mask.ravel()[:number] = True
    lesion = Lesion("MA-1", "MA", (0, 0, 1, 1), number, 0.5, Place((0.0, 0.0), None, None))
    write_folder(folder, {"reading": number}, {"overlay": picture, "saliency": picture}, dict.fromkeys(SEGMENTED, mask), (lesion,))


def readings(folder: Path) -> set[int]:
    """The numbers of the readings that the files of a folder are of; a missing file counts as -1."""

    def pixels(name: str) -> np.ndarray | None:
        return cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)

    pictures = [-1 if (found := pixels(f"{name}.png")) is None else int(found[0, 0]) for name in ("overlay", "saliency")]
    masks = [-1 if (found := pixels(f"masks/{code}.png")) is None else int((found > 0).sum()) for code in SEGMENTED]
    with (folder / "lesions.csv").open(newline="") as file:
        rows = [int(row["area_px"]) for row in csv.DictReader(file)]
    return {*pictures, *masks, *rows, json.loads((folder / "explanation.json").read_text())["reading"]}


def kill_one(folder: Path, seconds: float) -> str:
    """'whole', 'without document' or 'mixed': what a kill after so many seconds leaves of a folder that was whole."""
    write(folder, 0)
    child = os.fork()
    if child == 0:
        for reading in count(1):
            write(folder, reading)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not (folder / "explanation.json").is_file():
        return "without document"
    return "whole" if len(readings(folder)) == 1 else "mixed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, found = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as output:
        folder = Path(output) / "photograph"
        for _ in range(options.kills):
            found[kill_one(folder, rng.uniform(0, LONGEST_S))] += 1
            found["left something beside"] += len(list(folder.parent.iterdir())) > 1
        write(folder, 0)
        found["left for good"] = len(list(folder.parent.iterdir())) - 1
    names = ("whole", "without document", "mixed", "left something beside", "left for good")
    print(f"{options.kills} kills: " + ", ".join(f"{found[name]} {name}" for name in names))
    return 1 if found["mixed"] else 0


if __name__ == "__main__":
    sys.exit(main())
