"""The lesion-feature grader: where lesion maps and grading meet. Stands above both rooms, which do not know each other.

    photograph -> lesion map -> landmarks -> lesions -> named features -> regression -> grade that cites lesions

Finding the lesions takes nearly all of the time, so a reading can be kept on disk, by the checksums of the photograph's
pixels and of the weights and settings that read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from fusion.landmarks import find_landmarks
from fusion.regions import Regions, find_regions
from retinai.artifacts import building
from retinai.camera.divide import divide
from retinai.conformal import Conformal, open_grades
from retinai.errors import OtherWeightsError
from retinai.files import whole
from retinai.fit import field_box
from retinai.grading.lesion_features import FEATURES, LesionReading, lesion_features, told
from retinai.grading.ordinal import Regression
from retinai.grading.protocol import Reading
from retinai.grading.tune import levels_of, softmax
from retinai.grading.weights import load_grader_files
from retinai.lesions import LESIONS
from retinai.types import FundusImage, Grade, Landmarks, Lesion, LesionMap, Place
from segmentation.detector import LesionDetector
from segmentation.weights import BUNDLED

_FORMAT = 1  # of the files of a reading
_ENCODER = "encoder."


class LesionReader:
    """`LesionReader.load().read(image)` -> LesionReading. cache: a folder in which readings are kept, or None."""

    def __init__(self, detector: LesionDetector, cache: Path | None = None) -> None:
        self.detector = detector
        cameras = [profile.sha256 for profile in detector.profiles]
        settings = [_FORMAT, detector.card["sha256"], list(detector.sides), detector.views, dict(detector.thresholds), cameras]
        self.cache = cache / hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16] if cache else None
        if self.cache:
            self.cache.mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, weights: Path | None = None, cache: Path | None = None, device: str = "auto") -> LesionReader:
        """Raises WeightsError where there are no lesion weights."""
        return cls(LesionDetector.load(weights or BUNDLED, device), cache)

    def read(self, image: FundusImage) -> LesionReading:
        """What the U-Net finds, from the cache where it was found before."""
        path = self.cache / f"{hashlib.sha256(image.pixels.tobytes()).hexdigest()}.safetensors" if self.cache else None
        if path and path.exists():
            return read_reading(path)
        reading = self._look(divide(image, self.detector.profiles).image)
        if path:
            write_reading(path, reading)
        return reading

    def _look(self, image: FundusImage) -> LesionReading:
        lesion_map = self.detector.detect(image)
        landmarks = find_landmarks(lesion_map, image)
        return reading_of(image, lesion_map, landmarks, find_regions(lesion_map, image, self.detector.thresholds, landmarks))


def reading_of(image: FundusImage, lesion_map: LesionMap, landmarks: Landmarks, regions: Regions) -> LesionReading:
    """A photograph's lesion map as the grader reads it, unreported candidates too. Raises ValueError for a map without encoder features."""
    if lesion_map.encoder is None:
        raise ValueError("the lesion map holds no features of its encoder")
    left, top, width, height = field_box(image.field)
    middle = (left + (width - 1) / 2, top + (height - 1) / 2)
    area = max(1, int(image.field.sum()))
    mean = {code: float(lesion_map.channel(code).sum(dtype=np.float64)) / area for code in LESIONS}
    return LesionReading((*regions.lesions, *regions.unreported), landmarks, middle, area, mean, lesion_map.encoder)


def write_reading(path: Path, reading: LesionReading) -> None:
    """Whole or not at all."""
    values = {
        "lesions": [asdict(lesion) for lesion in reading.lesions],
        "landmarks": asdict(reading.landmarks),
        "middle": reading.middle,
        "area_px": reading.area_px,
        "mean": dict(reading.mean),
    }
    with whole(path, "wb") as file:
        file.write(save({"encoder": reading.encoder.astype(np.float32)}, {"reading": json.dumps(values, allow_nan=False)}))


def read_reading(path: Path) -> LesionReading:
    """What `write_reading` wrote."""
    with safe_open(path, "np") as file:
        values, encoder = json.loads(file.metadata()["reading"]), file.get_tensor("encoder")
    lesions = tuple(_lesion(each) for each in values["lesions"])
    marks: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values["landmarks"].items()}
    return LesionReading(lesions, Landmarks(**marks), tuple(values["middle"]), values["area_px"], values["mean"], encoder)


def _lesion(values: Mapping[str, Any]) -> Lesion:
    place = values["place"]
    where = Place(tuple(place["centre"]), place["quadrant"], place["distance_dd"])
    return Lesion(values["id"], values["code"], tuple(values["box"]), values["area_px"], values["confidence"], where)


def vector_of(reading: LesionReading, groups: Sequence[str]) -> NDArray[np.float64]:
    """(F,) the features of the groups 'lesions' and 'encoder', in their order."""
    parts = {"lesions": list(lesion_features(reading).values()) if "lesions" in groups else [], "encoder": reading.encoder}
    return np.concatenate([np.asarray(parts[group], np.float64) for group in groups])


def names_of(groups: Sequence[str], count: int) -> list[str]:
    """The `count` features' names: 'HE count' of the lesions, 'encoder.7' of the encoder."""
    lesions = list(FEATURES) if "lesions" in groups else []
    rest = [f"{_ENCODER}{place}" for place in range(count - len(lesions))]
    return [name for group in groups for name in (lesions if group == "lesions" else rest)]


class LesionGrader:
    """`LesionGrader.load(folder).grade(images)` -> one reading each, which cites the lesions that weigh for its grade."""

    def __init__(self, reader: LesionReader, model: Regression, card: Mapping[str, Any], name: str) -> None:
        self.reader, self.model, self.card, self.name = reader, model, card, name
        self.identity = {"name": name, "weights": card["sha256"], "lesion_weights": card["lesion_weights"]}
        self.names = names_of(card["features"], len(model.mean))
        self.conformal = Conformal(**card["conformal"]) if card.get("conformal") else None

    @classmethod
    def load(
        cls, folder: Path, device: str = "auto", name: str | None = None, weights: Path | None = None, cache: Path | None = None
    ) -> LesionGrader:
        """weights: the folder of lesion weights, the bundled ones by default. Raises WeightsError where it was fitted on others."""
        return cls.beside(LesionReader.load(weights, cache, device), folder, name)

    @classmethod
    def beside(cls, reader: LesionReader, folder: Path, name: str | None = None) -> LesionGrader:
        """A grader that shares a reader, and so the lesion U-Net. Raises WeightsError where it was fitted on other lesion weights."""
        arrays, card = load_grader_files(folder, "lesions")
        if reader.detector.card["sha256"] != card["lesion_weights"]:
            raise OtherWeightsError(f"{folder} was fitted on other lesion weights than these; fit it again: retinai train grader")
        with building(folder):
            return cls(reader, Regression.of(card["model"], arrays), card, name or f"lesions:{folder}")

    def grade(self, images: Sequence[FundusImage]) -> list[Reading]:
        """One reading a photograph; its text names the classes of lesions that weigh for the grade, with ids."""
        return [self.judge(self.reader.read(image)) for image in images]

    def judge(self, reading: LesionReading) -> Reading:
        """The grade of one photograph's lesions."""
        features = vector_of(reading, self.card["features"])
        probs = softmax(self.model.logits(features[None]), self.card["temperature"])
        level = int(levels_of(probs, self.card["cuts"])[0])
        weighed, other = self.weighed(features, level)
        text = told(level, weighed, reading, self.reader.detector.peaks, other)
        cuts = tuple(self.card["cuts"]) if self.card["cuts"] else None
        likely = open_grades(self.conformal, probs[0], level)
        return Reading(Grade(level, tuple(float(p) for p in probs[0]), self.name, likely, cuts), text=text)

    def weighed(self, features: NDArray[np.float64], level: int) -> tuple[dict[str, float], float]:
        """(class -> what its features add towards the level, what the encoder's add)."""
        adds = dict(zip(self.names, self.model.towards(features, level), strict=True))
        by_class = {code: float(sum(value for name, value in adds.items() if name.startswith(f"{code} "))) for code in LESIONS}
        return by_class, float(sum(value for name, value in adds.items() if name.startswith(_ENCODER)))

    def features(self, images: Sequence[FundusImage]) -> NDArray[np.float32]:
        """(N, F) standardised features."""
        return self.model.standard(np.stack([vector_of(self.reader.read(image), self.card["features"]) for image in images])).astype(
            np.float32
        )
