"""What the report shows of a photograph: its explanation, its claims with the verdicts of the true masks, and small pictures.

photographs/masked/IDRiD_03/case.json, photograph.jpg, truth.jpg, found.jpg, saliency.jpg
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fusion.audit.claims import judged
from fusion.audit.texts import Text, raw_text, rendered_text
from fusion.claim_words import statement
from fusion.regions import Regions
from retinai.audit.case import Case
from retinai.draw import heat, overlay
from retinai.files import whole
from retinai.types import Claim, FundusImage, Landmarks

FOLDER = "photographs"
_SIDE = 960  # px, longest side of a kept picture
_QUALITY = 82  # of its JPEG


def keep_case(output: Path, case: Case) -> None:
    """Write the files of one photograph, case.json last. Pictures are kept of photographs with masks only, which the report shows."""
    folder = output / FOLDER / case.item.name
    keep_pictures(output, case.item.name, dict(_pictures(case)))
    with whole(folder / "case.json") as file:
        file.write(json.dumps(document(case), indent=2, allow_nan=False) + "\n")


def keep_pictures(output: Path, name: str, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
    """Write what a metric made of a photograph into its folder. name: of the audited item."""
    folder = output / FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    for title, picture in pictures.items():
        (folder / f"{title}.jpg").write_bytes(_jpeg(picture))


def document(case: Case) -> dict[str, Any]:
    """The photograph's name and label, its explanation, and what the true masks say of every claim, raw and printed."""
    explanation, truth = case.reading.explanation, case.truth
    claims = {}
    if truth is not None:
        raw = raw_text(explanation.answer.text if explanation.answer else "")
        claims = {"raw": judged(raw, truth), "rendered": judged(rendered_text(explanation), truth)}
    return {
        "photograph": case.item.name,
        "grade": case.item.grade,
        "truth": {"present": truth.present, "visible_grade": truth.facts.interval.visible} if truth else None,
        "claims": {name: _told(text) for name, text in claims.items()},
        "explanation": case.reading.document(),
    }


def _told(text: Text) -> list[dict[str, Any]]:
    return [_claim(claim) for sentence in text for claim in sentence if claim.lesion]


def _claim(claim: Claim) -> dict[str, Any]:
    """A claim about a lesion in plain values. statement: in our words; text: in its own; verdict and reason: by the true masks."""
    fields = {name: getattr(claim, name) for name in ("text", "kind", "lesion", "polarity", "verdict", "reason")}
    return {**fields, "statement": statement(claim)}


def _pictures(case: Case) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    if case.truth is None:
        return
    explanation = case.reading.explanation
    yield "photograph", case.image.pixels
    yield "truth", _outlined(case.image, case.truth.regions, case.truth.landmarks)
    if case.reading.regions is not None:
        yield "found", _outlined(case.image, case.reading.regions, explanation.landmarks)
    if case.reading.saliency is not None:
        yield "saliency", heat(case.image, case.reading.saliency)


def _outlined(image: FundusImage, regions: Regions, landmarks: Landmarks) -> NDArray[np.uint8]:
    return overlay(image, [(lesion, regions.contours(lesion)) for lesion in regions.lesions], landmarks)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
