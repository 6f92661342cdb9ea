"""The whole story: a photograph in, an explanation out. The only place that knows all the rooms.

    photograph -> quality gate -> lesion map -> landmarks -> lesions -> rules -> evidence -> text

`Pipeline` holds the models, loaded once; `Reading` is all that it made of one photograph; `explain` is the one-line use.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fusion.evidence import gather, unseen
from fusion.landmarks import find_landmarks
from fusion.regions import Regions, find_regions
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.write import render
from retinai.draw import overlay
from retinai.image import read_photograph
from retinai.lesions import LESIONS
from retinai.quality import assess
from retinai.report.document import to_document
from retinai.report.folder import write_folder
from retinai.types import Explanation, FundusImage, Landmarks, LesionMap, Quality
from segmentation.detector import LesionDetector
from segmentation.weights import BUNDLED

_PACKAGES = ("retinai", "torch", "segmentation_models_pytorch", "opencv-python", "numpy")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One photograph and all that was made of it. lesion_map and regions are None where it is ungradable."""

    image: FundusImage
    explanation: Explanation
    lesion_map: LesionMap | None = None
    regions: Regions | None = None

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return to_document(self.explanation)

    def write(self, folder: Path) -> None:
        """explanation.json, overlay.png, lesions.csv and, where it is gradable, masks/*.png."""
        outlines = [(lesion, self.regions.contours(lesion)) for lesion in self.explanation.lesions] if self.regions else []
        picture = overlay(self.image, outlines, self.explanation.landmarks)
        write_folder(folder, self.document(), picture, self._masks(), self.explanation.lesions)

    def _masks(self) -> dict[str, Any]:
        if self.regions is None or self.lesion_map is None:
            return {}
        disc = self.lesion_map.channel("OD") >= self.explanation.provenance["thresholds"]["OD"]
        return {code: self.regions.mask(code) for code in LESIONS} | {"OD": disc}


class Pipeline:
    """The models, loaded once, and what they make of photographs."""

    def __init__(self, detector: LesionDetector) -> None:
        self.detector = detector

    @classmethod
    def load(cls, weights: Path | None = None, device: str = "auto") -> Pipeline:
        """Load the lesion weights, the bundled ones by default. Raises WeightsError, or UsageError for a device that is not there."""
        return cls(LesionDetector.load(weights or BUNDLED, device))

    def read_file(self, path: Path) -> Reading:
        """Read a photograph from disk. Raises ImageError where it is none; an ungradable one is a finding, not an error."""
        return self.read(read_photograph(path), hashlib.sha256(Path(path).read_bytes()).hexdigest())

    def read(self, image: FundusImage, sha256: str | None = None) -> Reading:
        """Everything, for one photograph. sha256: of its file, for the record."""
        provenance = self._provenance(sha256)
        quality = assess(image)
        if not quality.gradable:
            return Reading(image, _ungradable(image, quality, provenance))
        lesion_map = self.detector.detect(image)
        landmarks = find_landmarks(lesion_map, image)
        regions = find_regions(lesion_map, image, self.detector.thresholds, landmarks, self.detector.peaks)
        # A language model's answer joins here: its claims are checked against `regions` and told beside the evidence.
        return Reading(image, _explanation(image, quality, landmarks, regions, provenance), lesion_map, regions)

    def _provenance(self, sha256: str | None) -> dict[str, Any]:
        return {
            "image_sha256": sha256,
            "weights_sha256": self.detector.card["sha256"],
            "thresholds": dict(self.detector.thresholds),
            "peaks": dict(self.detector.peaks),
            "sides": list(self.detector.sides),
            "views": self.detector.views,
            "device": self.detector.device.type,
            "python": platform.python_version(),
            "versions": {name: version(name) for name in _PACKAGES},
        }


def explain(photograph: str | Path, device: str = "auto") -> Explanation:
    """Explain one photograph with the bundled weights. For many, load a `Pipeline` once."""
    return Pipeline.load(device=device).read_file(Path(photograph)).explanation


def _explanation(
    image: FundusImage, quality: Quality, landmarks: Landmarks, regions: Regions, provenance: Mapping[str, Any]
) -> Explanation:
    """Apply the rules to the lesions and write it down."""
    interval, dme = grade_interval(regions.lesions), dme_risk(regions.lesions)
    advice = follow_up(interval.visible, dme)
    evidence = gather(regions.lesions, interval, dme, advice)
    lost = unseen(landmarks)
    text = render(image.id, quality, landmarks, evidence, lost)
    return Explanation(image.id, quality, landmarks, regions.lesions, evidence, interval, dme.risk, advice.text, lost, text, provenance)


def _ungradable(image: FundusImage, quality: Quality, provenance: Mapping[str, Any]) -> Explanation:
    """Nothing is graded: the user is told what is wrong and asked for another photograph."""
    text = render(image.id, quality, Landmarks(), (), ())
    return Explanation(image.id, quality, Landmarks(), (), (), None, None, None, (), text, provenance)
