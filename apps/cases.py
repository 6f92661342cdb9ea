"""One photograph of a session and what was made of it, small enough to keep: pixels and maps are made again when it is opened."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.memory import read_within_memory
from fusion.regions import Regions
from retinai.image import decode_pixels, fundus_image
from retinai.lesions import LESIONS
from retinai.pipeline import Pipeline, Reading
from retinai.quality import assess
from retinai.report.folder import png
from retinai.types import Explanation, Eye, FundusImage, SaliencyMap

_KEPT_SIDE = 512  # px of a kept saliency map, whose cells are some dozens along its side


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A photograph as it came. number: in the session; name: of its file, shown to nobody but the one who brought it; patient: a number
    that the eyes of one patient share; eye: as told, None where it was not."""

    number: int
    name: str
    data: bytes
    patient: int
    eye: Eye | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A photograph that was read. document: its JSON; masks: class -> PNG at native size; notes: what has to be said of how it was read;
    error: one plain line where it could not be read, and then there is nothing else."""

    upload: Upload
    explanation: Explanation | None = None
    document: Mapping[str, Any] | None = None
    regions: Regions | None = None
    masks: Mapping[str, bytes] | None = None
    saliency: SaliencyMap | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def label(self) -> str:
        """'Case 3', with the eye where it is known. Never the file's name."""
        eye = self.upload.eye or (self.explanation.landmarks.eye if self.explanation else None)
        return f"Case {self.upload.number}" + (f", {eye} eye" if eye else "")

    def open(self) -> Reading:
        """The whole reading again, but for the lesion map. About a third of a second for 12 megapixels."""
        if self.explanation is None:
            raise ValueError(f"{self.label} was not read")
        image = photograph(self.upload)
        return Reading(image, self.explanation, None, self.regions, _restored(self.saliency, image))


def photograph(upload: Upload) -> FundusImage:
    """The upload's pixels, told by their content, never by a name. Which eye it is is left to disc and fovea: what was told is held
    against that. Raises ImageError."""
    pixels = decode_pixels(io.BytesIO(upload.data), "this file")
    return fundus_image(pixels, f"case-{upload.number}")


def read_case(pipeline: Pipeline, upload: Upload) -> Case:
    """Read one photograph. Raises ImageError where it is none, MemoryRanOut where it is too large for now."""
    reading, notes = read_within_memory(pipeline, photograph(upload), upload.sha256)
    return _case(upload, reading, notes)


def turned_away(pipeline: Pipeline, upload: Upload) -> Case | None:
    """The case of a photograph that cannot be graded, None for one that can; no model is asked. Raises ImageError where it is none."""
    image = photograph(upload)
    return None if assess(image).gradable else _case(upload, pipeline.read(image, upload.sha256))


def _case(upload: Upload, reading: Reading, notes: tuple[str, ...] = ()) -> Case:
    masks = {code: png(mask.view(np.uint8) * 255, bilevel=True) for code, mask in masks_of(reading).items()}
    return Case(upload, reading.explanation, reading.document(), reading.regions, masks, _small(reading.saliency), notes)


def masks_of(reading: Reading) -> dict[str, NDArray[np.bool_]]:
    """Class -> (H, W) bool: the lesions that are told, and the optic disc; empty for an ungradable photograph."""
    if reading.regions is None or reading.lesion_map is None:
        return {}
    disc = reading.lesion_map.channel("OD") >= reading.explanation.provenance["thresholds"]["OD"]
    return {code: reading.regions.mask(code) for code in LESIONS} | {"OD": disc}


def _small(saliency: SaliencyMap | None) -> SaliencyMap | None:
    if saliency is None:
        return None
    height, width = saliency.values.shape
    scale = min(1.0, _KEPT_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return replace(saliency, values=np.asarray(cv2.resize(saliency.values, size, interpolation=cv2.INTER_AREA), np.float32))


def _restored(saliency: SaliencyMap | None, image: FundusImage) -> SaliencyMap | None:
    if saliency is None:
        return None
    size = image.field.shape[1], image.field.shape[0]
    return replace(saliency, values=np.asarray(cv2.resize(saliency.values, size, interpolation=cv2.INTER_LINEAR), np.float32))
