"""Rows 5 and 12: the grade against its label and against the lesion evidence, and how far its probabilities can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fusion.audit.calibration import aurc, best_aurc, left_out_sets
from fusion.audit.figures import PRODUCT, Columns, Numbers, Result, Spec, Statistic, mean, ratio
from retinai.grading.calibration import expected_calibration_error
from retinai.grading.metrics import NONE, Floats, Ints, confusion, from_counts
from retinai.lesions import GRADES
from retinai.types import Grade, GradeInterval

METRIC = "grade"
_PROBS = tuple(f"p{level}" for level in range(len(GRADES)))
_DEALS = 200


def measure_grade(truth: int, grade: Grade | None, interval: GradeInterval | None, asked: bool = True) -> Numbers:
    """One graded photograph. level: NONE where the model that was asked gave none; low, visible, high: what the lesion evidence allows,
    missing where the photograph is ungradable."""
    numbers: dict[str, float] = {"truth": truth, "gradable": interval is not None, f"is_{truth}": 1}
    if asked:
        hit = grade is not None and grade.level == truth
        numbers |= {"level": grade.level if grade else NONE, "valid": grade is not None, f"hit_{truth}": hit}
    if grade:
        numbers |= dict(zip(_PROBS, grade.probs, strict=True))
    if grade and grade.conformal:
        numbers |= {"in_own_set": truth in grade.conformal.levels, "own_set_size": len(grade.conformal.levels)}
    if interval:
        numbers |= {"low": interval.low, "visible": interval.visible, "high": interval.high}
        numbers |= {"truth_inside": interval.low <= truth <= interval.high, "visible_right": interval.visible == truth}
    if interval and grade:
        numbers |= {"inside": interval.low <= grade.level <= interval.high, "agrees": grade.level == interval.visible}
    return {name: float(value) for name, value in numbers.items()}


def with_sets(results: Sequence[Result]) -> list[Result]:
    """The same, and for graded photographs whether a conformal set calibrated on all the others holds the true grade, and its size."""
    graded = [r for r in results if r.metric == METRIC and r.source == PRODUCT and r.numbers.get("level", NONE) != NONE]
    if not graded:
        return list(results)
    probs = np.array([[r.numbers[name] for name in _PROBS] for r in graded])
    truth = np.array([int(r.numbers["truth"]) for r in graded])
    sets = left_out_sets(probs, truth)
    extra = {
        r.photograph: {"covered": float(held[level]), "set_size": float(held.sum())} | {f"covered_{level}": float(held[level])}
        for r, held, level in zip(graded, sets, truth, strict=True)
    }
    chosen = {id(r) for r in graded}
    return [replace(r, numbers={**r.numbers, **extra[r.photograph]}) if id(r) in chosen else r for r in results]


def _read(columns: Columns) -> tuple[Ints, Ints, Floats]:
    """truth, level, and the (N, 5) probabilities."""
    truth, level = columns["truth"].astype(int), columns["level"].astype(int)
    return truth, level, np.stack([columns.get(name, np.full(truth.size, np.nan)) for name in _PROBS], axis=1)


def _of_counts(name: str) -> Statistic:
    return lambda columns: from_counts(confusion(*_read(columns)[:2]))[name] if "level" in columns else float("nan")


def _majority(statistic: Statistic) -> Statistic:
    """The figure of always giving the most frequent grade of these photographs."""

    def null(columns: Columns) -> float:
        grades, counts = np.unique(columns["truth"], return_counts=True)
        level = np.full(columns["truth"].size, grades[counts.argmax()])
        return statistic(_given(columns, level))

    return null


def _permuted(statistic: Statistic) -> Statistic:
    """The mean figure of the same grades dealt out to the photographs at random."""

    def null(columns: Columns) -> float:
        if "level" not in columns:
            return float("nan")
        rng = np.random.default_rng(0)
        return float(np.nanmean([statistic(_given(columns, rng.permutation(columns["level"]))) for _ in range(_DEALS)]))

    return null


def _given(columns: Columns, level: Floats) -> Columns:
    """The columns as if these grades had been given."""
    changed = {"level": level}
    if "low" in columns:
        changed |= {"inside": np.where((columns["low"] <= level) & (level <= columns["high"]), 1.0, 0.0)}
        changed |= {"agrees": np.where(columns["visible"] == level, 1.0, 0.0)}
        changed = {name: np.where(np.isnan(columns["low"]) & (name != "level"), np.nan, column) for name, column in changed.items()}
    return {**columns, **changed}


def _nulls(statistic: Statistic) -> Mapping[str, Statistic]:
    return {"majority": _majority(statistic), "permuted grades": _permuted(statistic)}


def _graded(columns: Columns) -> tuple[Floats, Floats]:
    """Confidence and error of the photographs that were given a grade."""
    if "level" not in columns:
        return np.array([]), np.array([])
    truth, level, probs = _read(columns)
    rows = np.flatnonzero(level != NONE)
    return probs[rows, level[rows]], (truth[rows] != level[rows]).astype(np.float64)


def _ece(columns: Columns) -> float:
    confidence, wrong = _graded(columns)
    return expected_calibration_error(confidence, wrong == 0)


def _error(columns: Columns) -> float:
    wrong = _graded(columns)[1]
    return float(wrong.mean()) if wrong.size else float("nan")


def _spec(name: str, statistic: Statistic, what: str, share: bool = True) -> Spec:
    return Spec(f"grade_{name}", 5, METRIC, statistic, what, nulls=_nulls(statistic), share=share)


SPECS = (
    _spec("accuracy", _of_counts("accuracy"), "photographs whose grade is the label; one without a grade is a miss"),
    _spec("kappa", _of_counts("kappa"), "quadratically weighted kappa over the graded photographs", share=False),
    _spec("off_by_one", _of_counts("off_by_one"), "photographs whose grade is the label or one beside"),
    Spec("gradable", 5, METRIC, mean("gradable"), "photographs that pass the quality gate"),
    Spec("grade_valid", 5, METRIC, mean("valid"), "photographs that were given a grade"),
    _spec("inside_interval", mean("inside"), "grades inside the interval that the lesion evidence allows"),
    _spec("fits_visible", mean("agrees"), "grades that are those of the visible lesions"),
    Spec("label_inside_interval", 5, METRIC, mean("truth_inside"), "labels inside the interval that the lesion evidence allows"),
    Spec("visible_accuracy", 5, METRIC, mean("visible_right"), "labels that are the grade of the visible lesions, no model asked"),
    *(Spec(f"grade_recall_{level}", 5, METRIC, ratio(f"hit_{level}", f"is_{level}"), f"photographs of grade {level} that are given it",
           cases=f"is_{level}") for level in range(len(GRADES))),
    Spec("grade_ece", 12, METRIC, _ece, "gap between probability and accuracy of the grade given", better="lower",
         nulls={"always certain": _error}, oracle=0.0, share=False),
    Spec("grade_aurc", 12, METRIC, lambda columns: aurc(*_graded(columns)), "mean error rate among the surest, over all shares of them",
         better="lower", nulls={"random order": _error}, oracle=lambda columns: best_aurc(_graded(columns)[1]), share=False),
    Spec("set_coverage", 12, METRIC, mean("in_own_set"), "grade sets that the product prints that hold the label"),
    Spec("set_size", 12, METRIC, mean("own_set_size"), "grades in such a set", better="lower",
         nulls={"every grade": 5.0}, oracle=1.0, share=False),
    Spec("conformal_coverage", 12, METRIC, mean("covered"), "conformal sets (90 %, calibrated on the other photographs) with the label"),
    *(Spec(f"conformal_coverage_{level}", 12, METRIC, ratio(f"covered_{level}", f"is_{level}"), f"the same of photographs of grade {level}",
           cases=f"is_{level}") for level in range(len(GRADES))),
    Spec("conformal_size", 12, METRIC, mean("set_size"), "grades in such a set", better="lower",
         nulls={"every grade": 5.0}, oracle=1.0, share=False),
)  # fmt: skip
