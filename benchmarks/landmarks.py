"""How often disc, fovea and eye are found, and how often the eye is right.

    python benchmarks/landmarks.py idrid-segmentation IDRID_ROOT --masks [--sheet sheet.png]
    python benchmarks/landmarks.py rahim2025 ROOT [--limit 100] [--sheet sheet.png]

The lesion map comes from the bundled U-Net, or with `--masks` from the drawn masks, so that only the search for the landmarks is
measured. Where the data set names the eye, the eyes told right and wrong are counted; the interval of the wrong ones among those told is
Clopper-Pearson's, at 95 %. There are no labels of the fovea: `--sheet` draws the macula of each photograph around the fovea found, to be
judged by a reader. Data sets go by the names of `retinai data check`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fusion.landmarks import find_landmarks  # noqa: E402
from retinai.image import read_photograph  # noqa: E402
from retinai.lesions import SEGMENTED  # noqa: E402
from retinai.progress import Progress  # noqa: E402
from retinai.readers import load  # noqa: E402
from retinai.readers.record import Record, read_mask  # noqa: E402
from retinai.types import FundusImage, Landmarks, LesionMap  # noqa: E402

Mapper = Callable[[Record, FundusImage], LesionMap]
REACH_DD = 1.8  # half the side of a picture on the sheet
PICTURE, COLUMNS = 240, 6


def drawn(record: Record, image: FundusImage) -> LesionMap:
    """The drawn masks as a lesion map."""
    probs = np.zeros((len(SEGMENTED), *image.field.shape), np.float32)
    for code, path in record.masks.items():
        probs[SEGMENTED.index(code)] = read_mask(path)
    return LesionMap(probs, SEGMENTED)


def detected() -> Mapper:
    """The bundled U-Net, loaded once."""
    from segmentation.detector import LesionDetector

    detector = LesionDetector.load()
    return lambda _, image: detector.detect(image)


def verdict(found: Landmarks, eye: str | None) -> str:
    if found.disc is None:
        return "no disc"
    if found.fovea is None:
        return "no fovea"
    return "found" if eye is None else "right" if found.eye == eye else "wrong"


def macula(image: FundusImage, found: Landmarks, said: str) -> NDArray[np.uint8]:
    """The surroundings of the fovea, or of the field's middle, with a ring of 0.3 DD: (240, 240, 3)."""
    height, width = image.field.shape
    x, y = found.fovea or (width / 2, height / 2)
    reach = round(REACH_DD * (found.disc_diameter_px or 0.15 * width))
    wide = cv2.copyMakeBorder(image.pixels, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    piece = wide[round(y) : round(y) + 2 * reach, round(x) : round(x) + 2 * reach]
    piece = cv2.resize(piece, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
    if found.fovea:
        cv2.circle(piece, (PICTURE // 2, PICTURE // 2), round(0.3 / REACH_DD * PICTURE / 2), (0, 255, 255), 1, cv2.LINE_AA)
    cv2.putText(piece, f"{image.id[-12:]} {said} {found.fovea_confidence:.2f}", (4, 14), 0, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(piece, np.uint8)


def write_sheet(path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    blank = [np.zeros((PICTURE, PICTURE, 3), np.uint8)] * (-len(pictures) % COLUMNS)
    rows = [np.hstack(row) for row in zip(*[iter([*pictures, *blank])] * COLUMNS, strict=True)]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def wrong_interval(wrong: int, told: int) -> list[float]:
    """Clopper-Pearson 95 % interval of the share of wrong eyes among those told."""
    low = float(beta.ppf(0.025, wrong, told - wrong + 1)) if wrong else 0.0
    high = float(beta.ppf(0.975, wrong + 1, told - wrong)) if wrong < told else 1.0
    return [round(low, 4), round(high, 4)]


def run(records: Sequence[Record], mapped: Mapper, sheet: Path | None) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    pictures = []
    with Progress("landmarks", len(records)) as progress:
        for done, record in enumerate(records, start=1):
            image = read_photograph(record.image)
            found = find_landmarks(mapped(record, image), image)
            said = verdict(found, record.eye)
            counts[said] += 1
            if sheet:
                pictures.append(macula(image, found, said))
            progress.to(done)
    if sheet:
        write_sheet(sheet, pictures)
    told = counts["right"] + counts["wrong"]
    return {"photographs": len(records), **counts, **({"wrong_of_told": wrong_interval(counts["wrong"], told)} if told else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("root", type=Path)
    parser.add_argument("--masks", action="store_true", help="take the drawn masks for the lesion map")
    parser.add_argument("--limit", type=int, help="the first so many photographs in order of name")
    parser.add_argument("--sheet", type=Path, help="draw each macula into this PNG")
    given = parser.parse_args()
    records = sorted(load(given.dataset, given.root).records, key=lambda record: record.id)[: given.limit]
    print(json.dumps(run(records, drawn if given.masks else detected(), given.sheet), indent=2))


if __name__ == "__main__":
    main()
