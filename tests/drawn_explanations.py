"""Whole explanations made by hand, for the tests of documents: with everything, with lesions alone, ungradable."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusion.advice import advise
from fusion.answer import check, told
from fusion.attribution import Weighed, attributed, tabulate
from fusion.evidence import gather
from fusion.rules import dme_risk, follow_up, grade_interval
from fusion.thresholds import Thresholds
from fusion.unseen import unseen
from fusion.verify_facts import Facts
from fusion.write import NOTHING, Page, render, render_ungradable
from retinai.lesions import LESIONS, SEGMENTED
from retinai.types import (
    CheckedAnswer,
    Explanation,
    Eye,
    Grade,
    GradeSet,
    Landmarks,
    Lesion,
    Place,
    Quality,
    SaliencyMap,
)

ANSWER = (
    "Grade: 2. There are haemorrhages in the superotemporal quadrant [HE-1]. More than 20 microaneurysms [MA-9]. "
    "No soft exudates. Wortsalat."
)
HASH = "0" * 64
PROVENANCE: dict[str, Any] = {
    "created": "2026-01-31T08:05:00Z",
    "image_sha256": HASH,
    "weights_sha256": HASH,
    "cameras": [HASH],
    "config_sha256": HASH,
    "code_sha256": HASH,
    "seed": 0,
    "ground": "verify",
    "thresholds": dict.fromkeys(SEGMENTED, 0.5),
    "peaks": dict.fromkeys(LESIONS, 0.5),
    "sure": dict.fromkeys(LESIONS, 0.7),
    "sides": [512],
    "views": 1,
    "vlm": None,
    "second": None,
    "runtime": "torch",
    "precision": "bf16",
    "device": "cpu",
    "threads": 1,
    "python": "3.11.0",
    "platform": "Linux x86_64",
    "versions": {"retinai": "0.1.0"},
}
LESION_LIST = (
    Lesion("MA-1", "MA", (40, 10, 2, 2), 4, 0.9, Place((40.5, 10.5), "superonasal", 2.0)),
    Lesion("HE-1", "HE", (10, 12, 4, 4), 16, 0.9, Place((11.5, 13.5), "superotemporal", 1.5)),
    Lesion("EX-1", "EX", (40, 20, 3, 3), 9, 0.4, Place((41, 21), None, None)),
)


def explanation(
    text: str | None = None, eye: Eye = "right", lesions: tuple[Lesion, ...] = LESION_LIST, said: Grade | None = None
) -> Explanation:
    """A gradable photograph of 64 x 64 pixels. text: the language model's answer, None without one; said: its grade, one with a set by
    default."""
    marks = Landmarks((50.0, 30.0), 10.0, 0.9, (24.0, 31.0), 0.8, eye)
    points = Thresholds(PROVENANCE["peaks"], PROVENANCE["sure"])
    possible = points.possible(lesions)
    interval, dme = grade_interval(lesions, possible), dme_risk(lesions)
    advice = follow_up(interval.visible, dme)
    facts = Facts(lesions, marks, interval, dme, advice, gather(lesions, interval, dme, advice, possible), middle=(32, 32))
    answer = table = None
    if text is not None:
        grade = said or Grade(2, (0.05, 0.1, 0.6, 0.2, 0.05), "vlm:test", GradeSet((1, 2, 3), 0.9, 50))
        weighed = _weighed(lesions)
        checked = check(text, facts, points)
        claims = attributed(checked.claims, weighed)
        names = tuple(passage.text for passage in checked.unread)
        answer = CheckedAnswer("vlm:test", text, False, grade, claims, names, checked.omitted, checked.invented)
        table = tabulate(weighed, lesions)
    lines = told(answer, lesions) if answer else NOTHING
    worst = advise(interval, dme, answer.grade if answer else None, asked=answer is not None, possible=possible)
    lost = unseen(marks)
    page = Page(marks, facts.evidence, interval, dme.risk, worst, lost, answer, lines)
    quality = Quality(True, (), {"sharpness": np.float32(0.5)})  # type: ignore[dict-item]
    shown = render("photo", page)
    evidence = tuple(facts.evidence)
    return Explanation(
        "photo", quality, marks, lesions, evidence, interval, dme.risk, worst.text, lost, shown, PROVENANCE, answer, table, worst
    )


def ungradable() -> Explanation:
    quality = Quality(False, ("too dark",), {"brightness": 0.01})
    text = render_ungradable("photo", quality)
    return Explanation("photo", quality, Landmarks(), (), (), None, None, None, (), text, PROVENANCE)


def _weighed(lesions: tuple[Lesion, ...]) -> Weighed:
    """A saliency map without preference on a field of 64 x 64, seen by 4 x 4 cells."""
    pixels = {}
    for each in lesions:
        left, top, width, height = each.box
        pixels[each.id] = np.array([y * 64 + x for y in range(top, top + height) for x in range(left, left + width)], np.int64)
    saliency = SaliencyMap(np.ones((64, 64), np.float32), "grade 2", "Grad-CAM", "layer", 4, 32)
    weighed = Weighed.of(saliency, np.ones((64, 64), np.bool_), pixels)
    assert weighed is not None
    return weighed
