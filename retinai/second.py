"""The second opinion: a small grader beside the language model, asked of the same photograph and the same lesion map.

auto      the lesion-feature grader that comes with RetinAI, where it was fitted on the lesion weights in use; else none
none      nobody
lesions, lesions:FOLDER, image, image:FOLDER      as in `retinai evaluate grading --grader`
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fusion.regions import Regions
from retinai.errors import MissingModelError, OtherWeightsError, UsageError
from retinai.graders import folder_of
from retinai.grading.protocol import Reading
from retinai.grading.weights import BUNDLED
from retinai.types import FundusImage, Landmarks, LesionMap, SaliencyMap, SecondOpinion
from segmentation.detector import LesionDetector

if TYPE_CHECKING:
    from retinai.grading.image_grader import ImageGrader
    from retinai.lesion_grading import LesionGrader


class Second(Protocol):
    """Anything that gives a second opinion."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Its name and the checksum of its weights."""
        ...

    def opinion(self, image: FundusImage, lesion_map: LesionMap, landmarks: Landmarks, regions: Regions) -> SecondOpinion | None:
        """None where it gives no grade."""
        ...

    def look(self, image: FundusImage, level: int) -> SaliencyMap | None:
        """Where grade `level` comes from; None for one that cites lesions or neighbours. Raises SaliencyError for a blank map."""
        ...


class ByLesions:
    """The lesion-feature grader, on the lesions that were found already."""

    def __init__(self, grader: LesionGrader) -> None:
        self.grader, self.identity = grader, grader.identity

    def opinion(self, image: FundusImage, lesion_map: LesionMap, landmarks: Landmarks, regions: Regions) -> SecondOpinion | None:
        from retinai.lesion_grading import reading_of

        return _opinion(self.grader.judge(reading_of(image, lesion_map, landmarks, regions)), from_lesions=True)

    def look(self, image: FundusImage, level: int) -> SaliencyMap | None:
        return None


class ByImage:
    """An image grader; it takes nothing from the lesion map."""

    def __init__(self, grader: ImageGrader) -> None:
        self.grader, self.identity = grader, grader.identity

    def opinion(self, image: FundusImage, lesion_map: LesionMap, landmarks: Landmarks, regions: Regions) -> SecondOpinion | None:
        return _opinion(self.grader.grade([image])[0], from_lesions=False)

    def look(self, image: FundusImage, level: int) -> SaliencyMap | None:
        from retinai.grading.saliency import explain_class

        if self.grader.bank is not None:  # its neighbours vote, and a vote has no gradient
            return None
        return explain_class(self.grader, image, level)


def _opinion(reading: Reading, from_lesions: bool) -> SecondOpinion | None:
    return SecondOpinion(reading.grade, reading.text, from_lesions) if reading.grade else None


def load_second(name: str, detector: LesionDetector, device: str = "auto") -> Second | None:
    """Who gives the second opinion, None for nobody.

    Raises UsageError for another name, MissingModelError where none comes with this version, WeightsError for weights that are none, or
    that were fitted on other lesion weights than the detector's; 'auto' gives nobody where there is none that fits, and raises for one
    that is damaged.
    """
    if name == "none":
        return None
    kind, _, source = ("lesions" if name == "auto" else name).partition(":")
    if kind not in BUNDLED or name.endswith(":"):
        raise UsageError(f"no second opinion {name!r}; there are auto, none, lesions, lesions:FOLDER, image, image:FOLDER")
    try:
        return _load(kind, folder_of(kind, source), name if source else kind, detector, device)
    except (MissingModelError, OtherWeightsError):
        if name == "auto":
            return None
        raise


def _load(kind: str, folder: Path, name: str, detector: LesionDetector, device: str) -> Second:
    if kind == "image":
        from retinai.grading.image_grader import ImageGrader

        return ByImage(ImageGrader.load(folder, device, name))
    from retinai.lesion_grading import LesionGrader, LesionReader

    return ByLesions(LesionGrader.beside(LesionReader(detector), folder, name))
