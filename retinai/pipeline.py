"""The whole story: a photograph in, an explanation out. The only place that knows all the rooms.

    photograph -> quality gate -> lesion map -> landmarks -> lesions -> rules -> evidence
               -> language model -> claims -> verdicts by that evidence -> text
               -> second opinion on the grade, and where it looked

`Pipeline` holds the models, loaded once; `Reading` is all that it made of one photograph; `explain` is the one-line use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from fusion.advice import advise
from fusion.answer import Told, check, told
from fusion.attribution import Weighed, attributed, tabulate
from fusion.evidence import gather, prompt_lines
from fusion.landmarks import find_landmarks
from fusion.marked import without_marked
from fusion.regions import Regions, find_regions
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.thresholds import Thresholds
from fusion.unseen import Resolution, macula_unjudged, unseen
from fusion.verify_facts import Facts
from fusion.write import NOTHING, Page, render, render_ungradable
from retinai.camera.candidates import MarkJudge
from retinai.camera.divide import divide
from retinai.decoding import decode
from retinai.decoding.limits import MAX_FILE_BYTES
from retinai.draw import heat, overlay
from retinai.errors import SaliencyError
from retinai.files import read_bytes
from retinai.image import fundus_image
from retinai.lesions import LESIONS
from retinai.marks import foreign_marks
from retinai.names import safe_name, shown
from retinai.quality import assess
from retinai.report.document import to_document
from retinai.report.folder import MAPS, write_folder
from retinai.report.provenance import digest, now, stamp, surroundings
from retinai.types import Advice, CheckedAnswer, Explanation, FundusImage, Landmarks, LesionMap, Quality, SaliencyMap, SecondOpinion
from segmentation.detector import LesionDetector
from segmentation.predict import PRECISION, RUNTIME
from segmentation.weights import BUNDLED

if TYPE_CHECKING:
    from retinai.second import Second
    from retinai.talk import Talker
    from vlm.generate import Answer

Ground = Literal["prompt", "verify"]
SEED = 0
"""Nothing is drawn at random: answers are greedy. It is set and recorded all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One photograph and all that was made of it. Maps and regions are None where it is ungradable or was not asked for."""

    image: FundusImage
    explanation: Explanation
    lesion_map: LesionMap | None = None
    regions: Regions | None = None
    saliency: SaliencyMap | None = None
    second_saliency: SaliencyMap | None = None

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return to_document(self.explanation)

    def write(self, folder: Path) -> None:
        """explanation.json, overlay.png, lesions.csv; where it is gradable masks/*.png, and a picture of each saliency map there is."""
        outlines = [(lesion, self.regions.contours(lesion)) for lesion in self.explanation.lesions] if self.regions else []
        pictures = {"overlay": overlay(self.image, outlines, self.explanation.landmarks)}
        maps = zip(MAPS, (self.saliency, self.second_saliency), strict=True)
        pictures |= {name: heat(self.image, found) for name, found in maps if found}
        write_folder(folder, self.document(), pictures, self._masks(), self.explanation.lesions)

    def _masks(self) -> dict[str, Any]:
        if self.regions is None or self.lesion_map is None:
            return {}
        disc = self.lesion_map.channel("OD") >= self.explanation.provenance["thresholds"]["OD"]
        return {code: self.regions.mask(code) for code in LESIONS} | {"OD": disc}


class Pipeline:
    """The models, loaded once, and what they make of photographs.

    second: who else grades, beside the lesions and the language model.
    ground: 'prompt' tells the language model the findings before it answers, 'verify' does not; its answer is checked all the same.
    clock: what a document says of the time at which it was made.
    """

    def __init__(
        self,
        detector: LesionDetector,
        talker: Talker | None = None,
        ground: Ground = "verify",
        clock: Callable[[], datetime] = now,
        second: Second | None = None,
    ) -> None:
        self.detector, self.talker, self.ground, self.clock, self.second = detector, talker, ground, clock, second

    @classmethod
    def load(
        cls,
        weights: Path | None = None,
        device: str = "auto",
        talker: Talker | None = None,
        ground: Ground = "verify",
        second: str = "none",
        camera: str = "auto",
    ) -> Pipeline:
        """Load the lesion weights, the bundled ones by default, who gives the second opinion (see `retinai.second`), and the profile of the
        camera whose marks are taken out ('auto', 'none' or a file).

        Raises WeightsError, UsageError for a device or an opinion that is not there, MissingModelError, DataError for a profile.
        """
        from retinai.second import load_second

        detector = LesionDetector.load(weights or BUNDLED, device, camera)
        return cls(detector, talker, ground, second=load_second(second, detector, device))

    def read_file(self, path: Path) -> Reading:
        """Read a photograph from disk. Raises ImageError where it is none; an ungradable one is a finding, not an error."""
        return self.read_bytes(read_bytes(Path(path), MAX_FILE_BYTES), safe_name(path), shown(path))

    def read_bytes(self, data: bytes, name: str, file: str) -> Reading:
        """Read a photograph's file, whose checksum is then that of what was read. name: of the results; file: for the errors."""
        image = fundus_image(decode(data, file), name)
        return self.read(image, hashlib.sha256(data).hexdigest())

    def read(self, image: FundusImage, sha256: str | None = None) -> Reading:
        """Everything, for one photograph. sha256: of its file, for the record."""
        provenance = self.provenance(sha256)
        quality = assess(image)
        if not quality.gradable:
            return Reading(image, _ungradable(image, quality, provenance))
        photograph, divided = image, divide(image, self.detector.profiles)
        image, judge = divided.image, MarkJudge.of(divided)
        lesion_map = self.detector.detect(image)
        landmarks = find_landmarks(lesion_map, image)
        marks = foreign_marks(image)
        lesion_map = without_marked(lesion_map, marks, self.detector.thresholds)
        resolution = Resolution.of(image.field, landmarks)
        regions = find_regions(lesion_map, image, self.detector.thresholds, landmarks, self.detector.peaks, judge.is_mark)
        facts = _facts(image, landmarks, regions, self._thresholds, resolution.coarse)
        said = self._ask(image, facts)
        saliency = self._look(image, facts, said)
        other = self.second.opinion(image, lesion_map, landmarks, regions) if self.second else None
        looked = _unless_blank(self.second.look, image, other.grade.level) if self.second and other else None
        if other and (seen := _weighed(looked, image, regions)):
            other = replace(other, saliency=tabulate(seen, regions.lesions))
        hidden = unseen(landmarks, resolution, marks is not None, divided.record())
        explanation = self._explain(image, quality, facts, hidden, said, other, _weighed(saliency, image, regions), provenance)
        explanation = replace(explanation, camera=divided.record())
        return Reading(photograph, explanation, lesion_map, regions, saliency, looked)

    def _ask(self, image: FundusImage, facts: Facts) -> Answer | None:
        """What the language model says, with or without being told the findings."""
        if self.talker is None:
            return None
        lines = self._lines(facts)
        return self.talker.answer(image, lines) if lines else self.talker.answer(image)

    def _look(self, image: FundusImage, facts: Facts, said: Answer | None) -> SaliencyMap | None:
        """Where the model looked for its grade; None where it gave none, where it cannot be looked into, or where the map is blank."""
        if self.talker is None or said is None or said.grade is None:
            return None
        lines = self._lines(facts)
        return _unless_blank(self.talker.look, image, said.grade.level, *([lines] if lines else []))

    def _lines(self, facts: Facts) -> tuple[str, ...]:
        return prompt_lines(facts.evidence) if self.ground == "prompt" else ()

    def _explain(
        self,
        image: FundusImage,
        quality: Quality,
        facts: Facts,
        hidden: tuple[str, ...],
        said: Answer | None,
        other: SecondOpinion | None,
        weighed: Weighed | None,
        provenance: Mapping[str, Any],
    ) -> Explanation:
        """Check what the language model says by the evidence, weigh the readings, and write it all down."""
        advice = self._advise(facts, said, other)
        answer, lines = self._check(facts, said, advice, weighed)
        table = tabulate(weighed, facts.lesions) if weighed else None
        found = Explanation(
            image=image.id,
            quality=quality,
            landmarks=facts.landmarks,
            lesions=tuple(facts.lesions),
            evidence=tuple(facts.evidence),
            interval=facts.interval,
            dme_risk=facts.dme.risk,
            follow_up=advice.text,
            unseen=hidden,
            text="",
            provenance=provenance,
            answer=answer,
            saliency=table,
            advice=advice,
            second=other,
        )
        return replace(found, text=render(image.id, Page.of(found, lines)))

    @property
    def _thresholds(self) -> Thresholds:
        return Thresholds(self.detector.peaks, self.detector.sure)

    def _advise(self, facts: Facts, said: Answer | None, other: SecondOpinion | None) -> Advice:
        possible = self._thresholds.possible(facts.lesions)
        return advise(facts.interval, facts.dme, said.grade if said else None, said is not None, other, possible)

    def _check(self, facts: Facts, said: Answer | None, advice: Advice, weighed: Weighed | None) -> tuple[CheckedAnswer | None, Told]:
        """The language model's answer with its verdicts, and the lines that tell it."""
        if self.talker is None or said is None:
            return None, NOTHING
        checked = check(said.text, facts, self._thresholds, advice)
        answer = CheckedAnswer(
            source=self.talker.name,
            text=said.text,
            malformed=said.malformed,
            grade=said.grade,
            claims=attributed(checked.claims, weighed) if weighed else checked.claims,
            unread=tuple(passage.text for passage in checked.unread),
            omitted=checked.omitted,
            invented=checked.invented,
            grounded=self.ground == "prompt",
        )
        return answer, told(answer, facts.lesions)

    def provenance(self, sha256: str | None) -> dict[str, Any]:
        """All that decides what is said of the photograph with that checksum, and when and where it was made."""
        return {
            "created": stamp(self.clock()),
            "image_sha256": sha256,
            "weights_sha256": self.detector.card["sha256"],
            "config_sha256": digest(self.detector.card),
            "seed": SEED,
            "ground": self.ground,
            "thresholds": dict(self.detector.thresholds),
            "peaks": dict(self.detector.peaks),
            "sure": dict(self._thresholds.high),
            "sides": list(self.detector.sides),
            "views": self.detector.views,
            "vlm": self.talker.identity if self.talker else None,
            "cameras": [profile.sha256 for profile in self.detector.profiles],
            "second": dict(self.second.identity) if self.second else None,
            "runtime": RUNTIME,
            "precision": PRECISION,
            "device": self.detector.device.type,
            "threads": torch.get_num_threads(),
            **surroundings(),
        }


def _unless_blank(look: Callable[..., SaliencyMap | None], *asked: Any) -> SaliencyMap | None:
    """Where a model looked; None where it cannot be looked into, or where the map is blank."""
    try:
        return look(*asked)
    except SaliencyError:
        return None


def _weighed(saliency: SaliencyMap | None, image: FundusImage, regions: Regions) -> Weighed | None:
    return Weighed.of(saliency, image.field, regions.pixels) if saliency else None


def _facts(image: FundusImage, landmarks: Landmarks, regions: Regions, thresholds: Thresholds, coarse: frozenset[str]) -> Facts:
    """The rules applied to the lesions, and what they allow to be said. coarse: classes that the photograph is too small to show."""
    possible = thresholds.possible(regions.lesions)
    interval = grade_interval(regions.lesions, possible)
    dme = dme_risk(regions.lesions, macula_unjudged(image.field, landmarks, coarse))
    advice = follow_up(interval.visible, dme)
    evidence = gather(regions.lesions, interval, dme, advice, possible, regions.unreported, coarse)
    height, width = image.field.shape
    middle, unreported = (width / 2, height / 2), regions.unreported
    return Facts(regions.lesions, landmarks, interval, dme, advice, evidence, middle=middle, too_small=coarse, unreported=unreported)


def explain(photograph: str | Path, device: str = "auto", vlm: str = "auto", second: str = "auto") -> Explanation:
    """Explain one photograph with the bundled models. vlm, second: 'none' for the lesions alone. For many, load a `Pipeline` once."""
    from retinai.talk import load_talker

    return Pipeline.load(device=device, talker=load_talker(vlm, device=device), second=second).read_file(Path(photograph)).explanation


def _ungradable(image: FundusImage, quality: Quality, provenance: Mapping[str, Any]) -> Explanation:
    """Nothing is graded: the user is told what is wrong and asked for another photograph."""
    text = render_ungradable(image.id, quality)
    return Explanation(image.id, quality, Landmarks(), (), (), None, None, None, (), text, provenance)
