"""Rows of graded photographs -> every figure with its interval, beside the nulls it must beat."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from retinai.bootstrap import Interval, bootstrap, wilson
from retinai.grading.calibration import BINS, reliability
from retinai.grading.metrics import NONE, Floats, Ints, confidences, confusion, figures, from_counts, precision_recall_f1, referable
from retinai.grading.results import Row
from retinai.grading.review import risk_coverage
from retinai.lesions import GRADES, REFERABLE_FROM

HEADLINE = ("accuracy", "kappa", "macro_f1", "mae", "off_by_one", "ece", "aurc")
REFERABLE = ("sensitivity", "specificity", "auc")
_PER_CLASS = ("precision", "recall", "f1")
_OF_CLASS = tuple(f"{name}_" for name in _PER_CLASS)


def summarise(rows: Sequence[Row], provenance: Mapping[str, Any], resamples: int = 1000, seed: int = 0) -> dict[str, Any]:
    """The report as plain values for JSON; what is undefined is None. `docs/grading.md` says how each figure is made."""
    truth, level = np.array([r.truth for r in rows]), np.array([r.level for r in rows])
    probs = np.array([r.probs for r in rows])
    counts = confusion(truth, level)
    unit, units = _units(rows)
    found = bootstrap(lambda i: _all_figures(truth[i], level[i], probs[i]), units, resamples, seed=seed)
    report: dict[str, Any] = {name: found[name].value for name in (*HEADLINE, "macro_precision", "macro_recall")}
    report |= {
        "valid": sum(r.valid for r in rows),
        "images": len(rows),
        "confusion": counts[:, :-1].tolist(),
        "unanswered": _unanswered(rows, counts),
        "malformed": sum(r.malformed for r in rows),
        "per_class": [_class(grade, found, counts) for grade in range(len(GRADES))],
        "referable": {name: found[f"referable_{name}"].value for name in REFERABLE} | {"positives": int(counts[REFERABLE_FROM:].sum())},
        "intervals": {name: [i.low, i.high] for name, i in found.items() if not name.startswith(_OF_CLASS)},
        "wilson": _wilson(rows, counts),
        "nulls": {"majority": majority(truth), "permuted": permuted(truth, level, probs, seed)},
        "reliability": _reliability(truth, level, probs),
        "risk_coverage": _risk_coverage(truth, level, probs),
        "seconds_per_image": float(np.median([r.seconds for r in rows])),
        "protocol": {"interval": "percentile bootstrap, 95 %", "resamples": resamples, "unit": unit, "seed": seed, "ece_bins": BINS},
        "provenance": dict(provenance),
    }
    return _plain(report)


def _units(rows: Sequence[Row]) -> tuple[str, int | list[tuple[str, str]]]:
    """Patients where they are named, since two eyes of a patient are no two independent cases; else photographs."""
    if any(row.patient for row in rows):
        return "patient", [(row.source, row.patient or f"photograph {row.split} {row.id}") for row in rows]
    return "photograph", len(rows)


def _all_figures(truth: Ints, level: Ints, probs: Floats) -> dict[str, float]:
    """The headline figures, and precision_0 ... f1_4."""
    scores = zip(_PER_CLASS, precision_recall_f1(confusion(truth, level)), strict=True)
    of_class = {f"{name}_{grade}": float(value) for name, values in scores for grade, value in enumerate(values)}
    return figures(truth, level, probs) | of_class


def _class(grade: int, found: Mapping[str, Interval], counts: Ints) -> dict[str, Any]:
    """One grade's precision, recall, F1 and support, with intervals."""
    scores = {name: found[f"{name}_{grade}"] for name in _PER_CLASS}
    values = {name: i.value for name, i in scores.items()}
    ends = {f"{name}_interval": [i.low, i.high] for name, i in scores.items()}
    return {"grade": grade, "name": GRADES[grade], **values, "support": int(counts[grade].sum()), **ends}


def _unanswered(rows: Sequence[Row], counts: Ints) -> dict[str, Any]:
    """Photographs without a grade: how many, how many of them could not be read, of which true grades, why."""
    reasons = Counter(row.reason for row in rows if row.level == NONE)
    count, failed = int(counts[:, -1].sum()), sum(row.failed for row in rows)
    return {"count": count, "failed": failed, "by_grade": counts[:, -1].tolist(), "reasons": dict(reasons.most_common())}


def _wilson(rows: Sequence[Row], counts: Ints) -> dict[str, list[float]]:
    """Intervals of shares that do not collapse at 0 or 1. They take photographs as independent."""
    sick, healthy = counts[REFERABLE_FROM:], counts[:REFERABLE_FROM]
    shares = {
        "accuracy": (np.trace(counts[:, :-1]), counts.sum()),
        "valid": (sum(r.valid for r in rows), len(rows)),
        "referable_sensitivity": (sick[:, REFERABLE_FROM:-1].sum(), sick.sum()),
        "referable_specificity": (healthy[:, :REFERABLE_FROM].sum(), healthy.sum()),
    }
    found = {name: wilson(int(part), int(whole)) for name, (part, whole) in shares.items()}
    return {name: [i.low, i.high] for name, i in found.items()}


def majority(truth: Ints) -> dict[str, float]:
    """The figures of always giving the most frequent grade of these very photographs, the lowest of equals."""
    always = np.full_like(truth, np.bincount(truth).argmax())
    counts = confusion(truth, always)
    sensitivity, specificity = referable(counts)
    return from_counts(counts) | {"referable_sensitivity": sensitivity, "referable_specificity": specificity, "referable_auc": 0.5}


def permuted(truth: Ints, level: Ints, probs: Floats, seed: int = 0, times: int = 500) -> dict[str, float]:
    """The mean figures of the same readings dealt out to the photographs at random."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(truth)) for _ in range(times)]
    dealt = [figures(truth, level[order], probs[order]) for order in orders]
    return {name: float(np.mean([one[name] for one in dealt])) for name in dealt[0]}


def _reliability(truth: Ints, level: Ints, probs: Floats) -> list[dict[str, Any]]:
    return [asdict(b) for b in reliability(*confidences(truth, level, probs))]


def _risk_coverage(truth: Ints, level: Ints, probs: Floats) -> dict[str, list[float]]:
    """The curve over the graded photographs, and the one of a grader that is least sure where it errs."""
    coverage, risk = risk_coverage(*confidences(truth, level, probs))
    best = np.maximum(0, coverage - (1 - risk[-1:])) / coverage
    return {"coverage": coverage.tolist(), "risk": risk.tolist(), "best": best.tolist()}


def _plain(value: Any) -> Any:
    """The same with None for NaN, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
