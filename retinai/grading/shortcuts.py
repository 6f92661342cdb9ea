"""Is it the eye or the camera? Alarms for graders that took a short cut.

A collapse to one class is named while training goes on. After it, accuracy is told by source, by size of the photograph
and by class, beside what is reached by knowing the source or the size alone and nothing of the eye.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retinai.bootstrap import Interval, bootstrap, wilson
from retinai.grading.metrics import area_under_curve
from retinai.readers.record import Record

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]
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
    """Accuracy with Wilson intervals by source, size and class, and what source or size alone would reach.

    {'source': {name: {'accuracy', 'interval', 'count', 'majority'}}, 'size': ..., 'class': ..., 'from_source_alone': 0..1,
    'from_size_alone': 0..1}. 'majority' is the share of the group's most frequent class, which a grader that knows only the
    group would reach in it.
    """
    groups = {
        "source": [record.source for record in records],
        "size": [_size(record) for record in records],
        "class": [classes[level] for level in truth],
    }
    found: dict[str, Any] = {name: _accuracies(keys, truth, given) for name, keys in groups.items()}
    for name in ("source", "size"):
        found[f"from_{name}_alone"] = from_group_alone(groups[name], truth)
    return found


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
    for name in ("source", "size", "class"):
        rows = sorted(found[name].items(), key=lambda item: -item[1]["count"])[:8]
        for key, row in rows:
            null = f"{row['majority']:.3f}" if name != "class" else ""
            lines.append(_line(f"{name} {key}", row, row["accuracy"], null))
    lines.append(f"known from the source alone: {found['from_source_alone']:.3f}; from the size alone: {found['from_size_alone']:.3f}")
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
