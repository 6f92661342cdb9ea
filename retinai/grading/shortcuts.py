"""Is it the eye or the camera? Alarms for graders that took a short cut.

A collapse to one class is named while training goes on. After it, accuracy is given by source, by size of the photograph, by the
marks of the camera, by exposure and by class, beside what is reached by knowing one of them alone and nothing of the eye.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retinai.bootstrap import Interval, bootstrap, wilson
from retinai.camera.divide import SHOWN, fitting, measure
from retinai.camera.profile import bundled_profiles
from retinai.grading.metrics import area_under_curve
from retinai.image import read_photograph
from retinai.readers.record import Record

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
TRAITS = ("source", "size", "marks", "exposure")
"""Of the acquisition: whoever knows one of them and nothing of the eye must not be right more often than a grader."""
COLLAPSED = 0.95
FEWEST = 5


def collapse(given: Ints, truth: Ints, classes: Sequence[str]) -> str | None:
    """One plain line where nearly every answer is one class though the truth is not; else None."""
    counts = np.bincount(given, minlength=len(classes))
    most = int(counts.argmax())
    share, true_share = counts[most] / len(given), float((truth == most).mean())
    if share < COLLAPSED or true_share >= COLLAPSED:
        return None
    return f"collapsed to '{classes[most]}': {counts[most]} of {len(given)} answers, true of {round(true_share * len(given))}"


def by_group(records: Sequence[Record], truth: Ints, given: Ints, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy with Wilson intervals by acquisition and class, and what each trait of the acquisition alone would reach.

    {'source': {name: {'accuracy', 'interval', 'count', 'majority'}}, 'size': ..., 'marks': ..., 'exposure': ..., 'class': ...,
    'from_source_alone': 0..1, 'from_size_alone': ..., ...}. 'majority' is the share of the group's most frequent class, which a
    grader that knows only the group would reach in it.
    """
    groups = {
        "source": [record.source for record in records],
        "size": [_size(record) for record in records],
        **acquisition(records),
        "class": [classes[level] for level in truth],
    }
    found: dict[str, Any] = {name: _accuracies(keys, truth, given) for name, keys in groups.items()}
    for name in TRAITS:
        found[f"from_{name}_alone"] = from_group_alone(groups[name], truth)
    return found


def shortcut_alarms(groups: Mapping[str, Any], majority: float) -> list[str]:
    """A plain line for each trait of the acquisition that tells much more of the classes than their frequencies do."""
    alone = {name: groups[f"from_{name}_alone"] for name in TRAITS}
    line = "knowing the {} alone is right in {:.3f}, the most frequent class in {:.3f}: a shortcut"
    return [line.format(name, share, majority) for name, share in alone.items() if share > majority + 0.1]


def acquisition(records: Sequence[Record]) -> dict[str, list[str]]:
    """Of each photograph: its camera's 'marks' ('clean', 'dusty', 'unknown' without a profile) and its third of 'exposure'."""
    profiles, marks, light = bundled_profiles(), [], []
    for record in records:
        image = read_photograph(record.image)
        profile = fitting(image, profiles)
        marks.append("unknown" if profile is None else "dusty" if measure(image, profile)[0] >= SHOWN else "clean")
        light.append(cv2.mean(image.pixels[..., 1], image.field.view(np.uint8))[0])
    thirds = np.searchsorted(np.quantile(light, (1 / 3, 2 / 3)), light)
    return {"marks": marks, "exposure": [("dark", "middle", "bright")[third] for third in thirds]}


def from_group_alone(keys: Sequence[Hashable], truth: Ints) -> float:
    """The accuracy of always saying the group's most frequent class, of these very photographs: what the camera alone tells."""
    members: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for key, level in zip(keys, truth.tolist(), strict=True):
        members[key][level] += 1
    return sum(counts.most_common(1)[0][1] for counts in members.values()) / len(truth)


def within_sources(records: Sequence[Record], truth: Ints, probs: Floats, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """{source: {class: {'auc', 'interval', 'count'}}}: how well each class is told from the others of its own source, where both are there
    `FEWEST` times. The camera is the same on either side, so one half says that nothing of the eye was seen. Patients are drawn whole.
    """
    found: dict[str, dict[str, Any]] = {}
    for source, rows in _places([record.source for record in records]).items():
        counts = np.bincount(truth[rows], minlength=len(classes))
        units = [records[row].patient or records[row].id for row in rows]
        told = {classes[level]: _told(truth[rows] == level, probs[rows, level], units) for level in np.flatnonzero(_both(counts)).tolist()}
        found |= {source: told} if told else {}
    return found


def _both(counts: Ints) -> NDArray[np.bool_]:
    return np.minimum(counts, counts.sum() - counts) >= FEWEST


def _told(there: NDArray[np.bool_], score: Floats, units: Sequence[str]) -> dict[str, Any]:
    auc = bootstrap(lambda i: {"auc": area_under_curve(there[i], score[i])}, units)["auc"]
    return {"auc": round(auc.value, 3), "interval": _ends(auc), "count": int(there.sum())}


def _accuracies(keys: Sequence[str], truth: Ints, given: Ints) -> dict[str, dict[str, Any]]:
    return {key: _accuracy(truth[rows], given[rows]) for key, rows in _places(keys).items()}


def _places(keys: Sequence[str]) -> dict[str, list[int]]:
    """The row numbers of each key, the keys in order."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return dict(sorted(places.items()))


def _ends(interval: Interval) -> list[float]:
    return [round(interval.low, 3), round(interval.high, 3)]


def _accuracy(truth: Ints, given: Ints) -> dict[str, Any]:
    right = int((truth == given).sum())
    interval = wilson(right, len(truth))
    majority = int(np.bincount(truth).max()) / len(truth)
    return {"accuracy": round(interval.value, 3), "interval": _ends(interval), "count": len(truth), "majority": round(majority, 3)}


def _size(record: Record) -> str:
    with Image.open(record.image) as picture:
        return f"{picture.width}x{picture.height}"


def as_lines(found: dict[str, Any]) -> list[str]:
    """The same for people, in eighty columns."""
    lines = [f"{'':<40}{'n':>6}{'accuracy':>10}{'95 % interval':>16}{'null':>7}"]
    for name in (*TRAITS, "class"):
        rows = sorted(found[name].items(), key=lambda item: -item[1]["count"])[:8]
        for key, row in rows:
            null = f"{row['majority']:.3f}" if name != "class" else ""
            lines.append(_line(f"{name} {key}", row, row["accuracy"], null))
    alone = "; ".join(f"{name} {found[f'from_{name}_alone']:.3f}" for name in TRAITS)
    lines.append(f"one trait alone: {alone}")
    return lines


def within_lines(found: dict[str, dict[str, Any]]) -> list[str]:
    """`within_sources` for people; nothing where there is nothing."""
    lines = [f"{'told from others of its own source':<40}{'n':>6}{'AUC':>10}{'95 % interval':>16}{'null':>7}"] if found else []
    for source, told in found.items():
        lines += [_line(f"{source}, {name}", row, row["auc"], "0.500") for name, row in told.items()]
    return lines


def _line(label: str, row: dict[str, Any], value: float, null: str) -> str:
    span = "{:.3f}-{:.3f}".format(*row["interval"])
    return f"{label[:39]:<40}{row['count']:>6}{value:>10.3f}{span:>16}{null:>7}"
