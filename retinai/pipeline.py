"""The whole story: a photograph in, an explanation out. The only place that knows all the rooms.

    photograph -> quality gate -> lesion map -> landmarks -> lesions -> rules -> evidence
               -> language model -> claims -> verdicts by that evidence -> text

`Pipeline` holds the models, loaded once; `Reading` is all that it made of one photograph; `explain` is the one-line use.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion.answer import check, told
from fusion.evidence import gather, unseen
from fusion.landmarks import find_landmarks
from fusion.regions import Regions, find_regions
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.verify_facts import Facts, Thresholds
from fusion.write import render
from retinai.draw import heat, overlay
from retinai.errors import SaliencyError
from retinai.image import read_photograph
from retinai.lesions import LESIONS
from retinai.quality import assess
from retinai.report.document import to_document
from retinai.report.folder import write_folder
from retinai.types import CheckedAnswer, Explanation, FundusImage, Landmarks, LesionMap, Quality, SaliencyMap
from segmentation.detector import LesionDetector
from segmentation.weights import BUNDLED

if TYPE_CHECKING:
    from retinai.talk import Talker

_PACKAGES = ("torch", "transformers", "segmentation_models_pytorch", "opencv-python", "numpy")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One photograph and all that was made of it. Maps and regions are None where it is ungradable or was not asked for."""

    image: FundusImage
    explanation: Explanation
    lesion_map: LesionMap | None = None
    regions: Regions | None = None
    saliency: SaliencyMap | None = None

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return to_document(self.explanation)

    def write(self, folder: Path) -> None:
        """explanation.json, overlay.png, lesions.csv; where it is gradable masks/*.png, and saliency.png where there is a map."""
        outlines = [(lesion, self.regions.contours(lesion)) for lesion in self.explanation.lesions] if self.regions else []
        pictures = {"overlay": overlay(self.image, outlines, self.explanation.landmarks)}
        if self.saliency:
            pictures["saliency"] = heat(self.image, self.saliency)
        write_folder(folder, self.document(), pictures, self._masks(), self.explanation.lesions)

    def _masks(self) -> dict[str, Any]:
        if self.regions is None or self.lesion_map is None:
            return {}
        disc = self.lesion_map.channel("OD") >= self.explanation.provenance["thresholds"]["OD"]
        return {code: self.regions.mask(code) for code in LESIONS} | {"OD": disc}


class Pipeline:
    """The models, loaded once, and what they make of photographs."""

    def __init__(self, detector: LesionDetector, talker: Talker | None = None) -> None:
        self.detector, self.talker = detector, talker

    @classmethod
    def load(cls, weights: Path | None = None, device: str = "auto", talker: Talker | None = None) -> Pipeline:
        """Load the lesion weights, the bundled ones by default. Raises WeightsError, or UsageError for a device that is not there."""
        return cls(LesionDetector.load(weights or BUNDLED, device), talker)

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
        explanation = self._explain(image, quality, landmarks, regions, provenance)
        return Reading(image, explanation, lesion_map, regions, self._look(image, explanation.answer))

    def _explain(
        self, image: FundusImage, quality: Quality, landmarks: Landmarks, regions: Regions, provenance: Mapping[str, Any]
    ) -> Explanation:
        """Apply the rules to the lesions, check what the language model says by them, and write it down."""
        lesions = regions.lesions
        interval, dme = grade_interval(lesions), dme_risk(lesions)
        advice = follow_up(interval.visible, dme)
        evidence, lost = gather(lesions, interval, dme, advice), unseen(landmarks)
        height, width = image.field.shape
        facts = Facts(lesions, landmarks, interval, dme, advice, evidence, middle=(width / 2, height / 2))
        answer, lines = self._ask(image, facts)
        text = render(image.id, quality, landmarks, evidence, lost, lines)
        return Explanation(image.id, quality, landmarks, lesions, evidence, interval, dme.risk, advice.text, lost, text, provenance, answer)

    def _ask(self, image: FundusImage, facts: Facts) -> tuple[CheckedAnswer | None, list[str]]:
        """The language model's answer with its verdicts, and the lines that tell it."""
        if self.talker is None:
            return None, []
        said = self.talker.answer(image)
        checked = check(said.text, facts, Thresholds(self.detector.peaks, self.detector.sure))
        answer = CheckedAnswer(
            self.talker.name,
            said.text,
            said.malformed,
            said.grade,
            checked.claims,
            tuple(passage.text for passage in checked.unread),
            checked.omitted,
        )
        return answer, list(told(self.talker.name, said.grade, checked, facts.interval, facts.lesions))

    def _look(self, image: FundusImage, answer: CheckedAnswer | None) -> SaliencyMap | None:
        """Where the model looked for its grade; None where it gave none, where it cannot be looked into, or where the map is blank."""
        if self.talker is None or answer is None or answer.grade is None:
            return None
        try:
            return self.talker.look(image, answer.grade.level)
        except SaliencyError:
            return None

    def _provenance(self, sha256: str | None) -> dict[str, Any]:
        return {
            "image_sha256": sha256,
            "weights_sha256": self.detector.card["sha256"],
            "thresholds": dict(self.detector.thresholds),
            "peaks": dict(self.detector.peaks),
            "sure": dict(self.detector.sure),
            "sides": list(self.detector.sides),
            "views": self.detector.views,
            "vlm": self.talker.identity if self.talker else None,
            "device": self.detector.device.type,
            "python": platform.python_version(),
            "versions": {"retinai": version("retinai")} | {name: version(name) for name in _PACKAGES},
        }


def explain(photograph: str | Path, device: str = "auto", vlm: str = "auto") -> Explanation:
    """Explain one photograph with the bundled models. vlm: 'none' for the lesions alone. For many, load a `Pipeline` once."""
    from retinai.talk import load_talker

    return Pipeline.load(device=device, talker=load_talker(vlm, device=device)).read_file(Path(photograph)).explanation


def _ungradable(image: FundusImage, quality: Quality, provenance: Mapping[str, Any]) -> Explanation:
    """Nothing is graded: the user is told what is wrong and asked for another photograph."""
    text = render(image.id, quality, Landmarks(), (), ())
    return Explanation(image.id, quality, Landmarks(), (), (), None, None, None, (), text, provenance)
