"""The table of IDRiD's sessions and folds (`configs/idrid-folds.csv`), made from the photographs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retinai.camera.divide import SHOWN, divide
from retinai.camera.profile import CameraProfile, bundled_profiles
from retinai.camera.sessions import camera_features, fold, keypoints, same_eyes, sessions
from retinai.files import whole
from retinai.image import read_photograph
from retinai.progress import Progress
from retinai.readers.folds import COLUMNS, GRADING, SEGMENTATION, graded, outlined
from retinai.readers.idrid_overlap import read_links
from retinai.readers.record import Record


def write_folds(data: Path, output: Path, count: int) -> str:
    """Write the table; returns what is in it, in words. Sessions are stratified by grade, by soft exudates and by clean or dusty."""
    records = [(SEGMENTATION, record) for record in outlined(data, {}, None, inside=True)]
    records += [(GRADING, record) for record in graded(data, {}, None, inside=True, grades=range(5))]
    profile = bundled_profiles()[0]
    features, points = [], []
    with Progress("reading photographs", len(records)) as progress:
        for done, (_, record) in enumerate(records, start=1):
            image = read_photograph(record.image)
            features.append(camera_features(image, profile))
            points.append(keypoints(divide(image, [profile]).image))
            progress.to(done)
    same = [*same_eyes(points), *_linked(data, records)]
    grouped = sessions(np.array(features), profile, same)
    dust = np.median(np.array(features)[:, : len(profile.marks)], axis=1)
    strata = [_stratum(part, record, amplitude) for (part, record), amplitude in zip(records, dust, strict=True)]
    folds = fold(strata, grouped, count)
    with whole(output, newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for (part, record), session, number, amplitude in zip(records, grouped, folds, dust, strict=True):
            table.writerow((part, record.id, int(session), int(number), round(float(amplitude), 3)))
    return _words(profile, len(records), len(set(grouped)), folds, dust, len(same))


def _linked(data: Path, records: Sequence[tuple[str, Record]]) -> list[tuple[int, int]]:
    """Pairs of the two parts that are known to show one eye."""
    places = {(part, record.id): number for number, (part, record) in enumerate(records)}
    links = read_links(data, [record.id for part, record in records if part == GRADING])
    pairs = [((SEGMENTATION, first), (GRADING, second)) for first, second in links]
    return [(places[first], places[second]) for first, second in pairs if first in places and second in places]


def _stratum(part: str, record: Record, amplitude: float) -> str:
    time = "dusty" if amplitude >= SHOWN else "clean"
    return f"{time} {'with SE' if 'SE' in record.masks else 'outlined'}" if part == SEGMENTATION else f"{time} grade {record.grade}"


def _words(profile: CameraProfile, photographs: int, groups: int, folds: np.ndarray, dust: np.ndarray, same: int) -> str:
    sizes = ", ".join(str(size) for _, size in sorted(Counter(folds.tolist()).items()))
    dusty = int((dust >= SHOWN).sum())
    return f"{photographs} photographs, {dusty} of them dusty, {groups} sessions, {same} pairs of one eye; folds of {sizes}"
