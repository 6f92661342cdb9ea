"""From a data set's records to conversations for training. Stands above the rooms: lesions are found by one and worded by another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusion.landmarks import find_landmarks
from fusion.regions import find_regions
from retinai.camera.divide import read_divided
from retinai.image import read_photograph
from retinai.lesions import LESIONS, SEGMENTED
from retinai.progress import Progress
from retinai.readers import load
from retinai.readers.idrid import read_segmentation
from retinai.readers.idrid_overlap import read_links
from retinai.readers.record import Record, read_mask
from retinai.types import Eye, FundusImage, LesionMap
from vlm.data import Conversation, converse
from vlm.findings import Report, findings_of, reconciled

if TYPE_CHECKING:
    from segmentation.detector import LesionDetector

_EYES: Mapping[str | None, Eye] = {"right": "right", "left": "left"}


def prepare(dataset: str, root: Path, detector: LesionDetector | None = None) -> list[Conversation]:
    """One conversation for each photograph with a grade, or said to be ungradable, in every split.

    Lesions are told from true masks where the photograph has them; else from `detector`, made to agree with the labels
    (see `reconciled`); without one, only the grade is told.
    """
    records = [record for record in load(dataset, root).records if record.grade is not None or not record.gradable]
    outlined = _outlined(dataset, root, records)
    made = []
    with Progress("preparing", len(records)) as progress:
        for done, record in enumerate(records, start=1):
            report, labelled_by = _report(record, outlined.get(record.id), detector)
            made.append(converse(record.id, record.source, record.split, record.image.absolute(), report, labelled_by))
            progress.to(done)
    return made


def _outlined(dataset: str, root: Path, records: list[Record]) -> dict[str, Record]:
    """Record id -> the record with the masks of the same photograph."""
    found = {record.id: record for record in records if record.masks}
    if dataset != "idrid" or not (Path(root) / "A. Segmentation").is_dir():
        return found
    segmented = {record.id: record for split in ("train", "validation") for record in read_segmentation(root, split)}
    training = {record.id for record in records if record.split != "test"}
    links = read_links(root, training)
    return found | {grading: segmented[name] for name, grading in links if name in segmented and grading in training}


def _report(record: Record, outlined: Record | None, detector: LesionDetector | None) -> tuple[Report, str | None]:
    if not record.gradable:
        return Report(None), None
    if outlined is not None:
        image = read_photograph(outlined.image)
        return _told(record, image, _true_map(outlined, image), dict.fromkeys(SEGMENTED, 0.5)), "masks"
    if detector is not None:
        image = read_divided(record.image, detector.profiles)
        found = detector.detect(image)
        return reconciled(_told(record, image, found, detector.thresholds, detector.peaks, record.dme)), "model"
    return Report(record.grade, record.dme, _EYES.get(record.eye)), None


def _told(
    record: Record,
    image: FundusImage,
    lesions: LesionMap,
    thresholds: Mapping[str, float],
    peaks: Mapping[str, float] | None = None,
    dme: int | None = None,
) -> Report:
    """The report of what a map shows. Distances come from the map unless a DME risk is given.

    A class of which there are only lesions too faint for `peaks` is neither told nor denied.
    """
    landmarks = find_landmarks(lesions, image)
    told = find_regions(lesions, image, thresholds, landmarks, peaks).lesions
    outlined = find_regions(lesions, image, thresholds, landmarks).lesions if peaks else told
    faint = {lesion.code for lesion in outlined} - {lesion.code for lesion in told}
    eye = _EYES.get(record.eye) or landmarks.eye
    return Report(record.grade, dme, eye, findings_of(told), tuple(code for code in LESIONS if code in faint))


def _true_map(record: Record, image: FundusImage) -> LesionMap:
    """The masks as a lesion map of zeros and ones; a class without a mask file is absent."""
    probs = np.zeros((len(SEGMENTED), *image.field.shape), np.float32)
    for code, path in record.masks.items():
        probs[SEGMENTED.index(code)] = read_mask(path)
    return LesionMap(probs, SEGMENTED)
