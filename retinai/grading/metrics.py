"""Figures of a grader, as pure functions of what was true and what was said.

`truth` is (N,) int, 0-4. `level` is (N,) int, 0-4, or NONE where the grader gave no grade. `probs` is (N, 5), rows of NaN there.
`counts` is (5, 6) int: rows are true grades, columns given grades, the last one for photographs without a grade.

A photograph without a grade is never dropped in silence: it is a miss in accuracy, off-by-one, recall, F1, sensitivity and
specificity. Kappa, MAE, ECE, AURC and AUC cannot be defined on it and are over the graded photographs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from retinai.grading.calibration import expected_calibration_error
from retinai.grading.review import area_under_risk
from retinai.lesions import GRADES, REFERABLE_FROM

NONE = -1
"""The level of a photograph that was given no grade."""
_CLASSES = len(GRADES)
_DISTANCE = np.abs(np.subtract.outer(np.arange(_CLASSES), np.arange(_CLASSES)))

Ints = NDArray[np.integer]
Floats = NDArray[np.float64]


def confusion(truth: Ints, level: Ints) -> Ints:
    """(5, 6) counts of true grade by given grade; the last column is 'none given'."""
    column = np.where(level == NONE, _CLASSES, level)
    return np.bincount(truth * (_CLASSES + 1) + column, minlength=_CLASSES * (_CLASSES + 1)).reshape(_CLASSES, _CLASSES + 1)


def accuracy(counts: Ints) -> float:
    """Share of all photographs whose grade is exactly right."""
    return _share(np.trace(counts[:, :_CLASSES]), counts.sum())


def off_by_one(counts: Ints) -> float:
    """Share of all photographs whose grade is right or one beside."""
    return _share(counts[:, :_CLASSES][_DISTANCE <= 1].sum(), counts.sum())


def mean_absolute_error(counts: Ints) -> float:
    """Mean distance in grades over the graded photographs, 0-4."""
    graded = counts[:, :_CLASSES]
    return _share((graded * _DISTANCE).sum(), graded.sum())


def kappa(counts: Ints) -> float:
    """Quadratically weighted kappa (Cohen, Psychol Bull 1968) over the graded photographs, -1..1. NaN for a single grade."""
    graded = counts[:, :_CLASSES].astype(float)
    expected = np.outer(graded.sum(1), graded.sum(0)) / max(graded.sum(), 1)
    by_chance = (expected * _DISTANCE**2).sum()
    return 1 - (graded * _DISTANCE**2).sum() / by_chance if by_chance else float("nan")


def precision_recall_f1(counts: Ints) -> tuple[Floats, Floats, Floats]:
    """Three (5,) arrays. Zero over zero is NaN: precision of a grade never given, recall of a grade that never occurs."""
    hits, given, true = np.diag(counts), counts[:, :_CLASSES].sum(0), counts.sum(1)
    return _shares(hits, given), _shares(hits, true), _shares(2 * hits, given + true)


def macro(scores: Floats, counts: Ints) -> float:
    """Mean of (5,) scores over the grades that occur or were given, an undefined score being 0, as scikit-learn has it."""
    seen = (counts.sum(1) + counts[:, :_CLASSES].sum(0)) > 0
    return float(np.nan_to_num(scores[seen]).mean()) if seen.any() else float("nan")


def referable(counts: Ints) -> tuple[float, float]:
    """Sensitivity and specificity for grades 2 and up. A photograph without a grade counts against either."""
    sick, healthy = counts[REFERABLE_FROM:], counts[:REFERABLE_FROM]
    sensitivity = _share(sick[:, REFERABLE_FROM:_CLASSES].sum(), sick.sum())
    return sensitivity, _share(healthy[:, :REFERABLE_FROM].sum(), healthy.sum())


def area_under_curve(sick: NDArray[np.bool_], score: Floats) -> float:
    """Chance that a sick photograph scores above a healthy one, ties half (Hanley and McNeil, Radiology 1982). NaN for one kind."""
    positives = int(sick.sum())
    negatives = sick.size - positives
    if not positives or not negatives:
        return float("nan")
    return float((rankdata(score)[sick].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def confidences(truth: Ints, level: Ints, probs: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Of the M photographs with a grade: (M,) the probability of the grade given, and (M,) whether it is right."""
    graded = np.flatnonzero(level != NONE)
    return probs[graded, level[graded]], truth[graded] == level[graded]


def figures(truth: Ints, level: Ints, probs: Floats) -> dict[str, float]:
    """Every headline figure, by the name it has in the JSON."""
    counts = confusion(truth, level)
    graded = np.flatnonzero(level != NONE)
    confidence, right = confidences(truth, level, probs)
    sensitivity, specificity = referable(counts)
    return from_counts(counts) | {
        "ece": expected_calibration_error(confidence, right),
        "aurc": area_under_risk(confidence, right),
        "referable_sensitivity": sensitivity,
        "referable_specificity": specificity,
        "referable_auc": area_under_curve(truth[graded] >= REFERABLE_FROM, probs[graded, REFERABLE_FROM:].sum(1)),
    }


def from_counts(counts: Ints) -> dict[str, float]:
    """The headline figures that need no probabilities."""
    precision, recall, f1 = precision_recall_f1(counts)
    return {
        "accuracy": accuracy(counts),
        "kappa": kappa(counts),
        "macro_f1": macro(f1, counts),
        "macro_precision": macro(precision, counts),
        "macro_recall": macro(recall, counts),
        "mae": mean_absolute_error(counts),
        "off_by_one": off_by_one(counts),
    }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _shares(part: Ints, whole: Ints) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
