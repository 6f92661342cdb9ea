"""A grading report for people: eighty columns of text, and a confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retinai.lesions import DISCLAIMER, GRADES

_TITLES = {
    "accuracy": "accuracy",
    "kappa": "quadratic kappa",
    "macro_f1": "macro F1",
    "mae": "mean absolute error",
    "off_by_one": "within one grade",
    "ece": "calibration error",
    "aurc": "area under risk-coverage",
    "referable_sensitivity": "referable sensitivity",
    "referable_specificity": "referable specificity",
    "referable_auc": "referable AUC",
}

_REASONS = 5  # most frequent ones shown; the JSON has all


def as_table(report: Mapping[str, Any]) -> str:
    """Eighty columns: headline figures with intervals and nulls, then every grade, then the confusion matrix."""
    parts = [_heading(report), _headline(report), _classes(report["per_class"]), _matrix(report), [DISCLAIMER]]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _heading(report: Mapping[str, Any]) -> list[str]:
    source, protocol = report["provenance"], report["protocol"]
    lines = [f"{source['dataset']} {source['split']}, {report['images']} photographs, graded by {source['grader']['name']}"]
    lines += [f"valid answers {report['valid']}/{report['images']}, without a grade {report['unanswered']['count']}"]
    lines += [f"  {count} x {reason}"[:80] for reason, count in list(report["unanswered"]["reasons"].items())[:_REASONS]]
    return [*lines, f"95 % bootstrap intervals over {protocol['unit']}s, {protocol['resamples']} resamples"]


def _headline(report: Mapping[str, Any]) -> list[str]:
    lines = [f"{'':<24}{'value':>8}{'95 % interval':>18}{'majority':>12}{'permuted':>12}"]
    values = {**report, **{f"referable_{name}": value for name, value in report["referable"].items()}}
    for name, title in _TITLES.items():
        ends = _span(report["intervals"][name])
        nulls = "".join(f"{_figure(report['nulls'][null].get(name)):>12}" for null in ("majority", "permuted"))
        lines.append(f"{title:<24}{_figure(values[name]):>8}{ends:>18}{nulls}")
    return lines


def _classes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{'grade':<50}{'precision':>10}{'recall':>7}{'F1':>7}{'n':>6}"]
    for row in rows:
        name = f"{row['grade']} {row['name']}"
        lines.append(f"{name:<50}{_figure(row['precision']):>10}{_figure(row['recall']):>7}{_figure(row['f1']):>7}{row['support']:>6}")
    return lines


def _matrix(report: Mapping[str, Any]) -> list[str]:
    heads = "".join(f"{head:>7}" for head in (*range(len(GRADES)), "none"))
    lines = [f"{'true grade, given as':<24}{heads}"]
    for grade, (row, none) in enumerate(zip(report["confusion"], report["unanswered"]["by_grade"], strict=True)):
        lines.append(f"{grade:<24}" + "".join(f"{count:>7}" for count in (*row, none)))
    return lines


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _span(ends: Sequence[float | None]) -> str:
    return "-" if ends[0] is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def draw_confusion(report: Mapping[str, Any], path: Path) -> None:
    """A PNG of the confusion matrix: counts, shaded by the share of the true grade."""
    counts = np.column_stack([report["confusion"], report["unanswered"]["by_grade"]])
    if not counts[:, -1].any():
        counts = counts[:, :-1]
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = _sheet(report, 4.6)
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, str(count), ha="center", va="center", color="white" if shares[row, column] > 0.5 else "black")
    axes.set_xticks(range(counts.shape[1]), [*map(str, range(len(GRADES))), "none"][: counts.shape[1]])
    axes.set_yticks(range(len(GRADES)), [f"{grade}  (n={n})" for grade, n in enumerate(counts.sum(1))])
    axes.set(xlabel="grade given", ylabel="true grade")
    figure.colorbar(shown, label="share of the true grade", shrink=0.66)
    figure.savefig(path)


def draw_risk(report: Mapping[str, Any], path: Path) -> None:
    """A PNG of the risk-coverage curve: what share of the surest readings is wrong, beside an order by chance and the best one."""
    curve = report["risk_coverage"]
    figure, axes = _sheet(report, 4.0)
    axes.plot(curve["coverage"], curve["best"], color="0.6", linestyle="--", label="all errors last")
    axes.axhline(curve["risk"][-1] if curve["risk"] else 1.0, color="0.6", linestyle=":", label="an order by chance")
    axes.plot(curve["coverage"], curve["risk"], color="#2166ac", label="by the grader's confidence")
    axes.set(xlabel="share of the photographs, the surest first", ylabel="share of them graded wrongly", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.savefig(path)


def _sheet(report: Mapping[str, Any], height: float) -> tuple[Any, Any]:
    """(figure, axes), `height` inches high, headed by whose report it is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    source = report["provenance"]
    figure = Figure(figsize=(5.4, height), dpi=150, layout="constrained")
    figure.suptitle(f"{source['grader']['name']}\n{source['dataset']} {source['split']}", fontsize=9)
    return figure, FigureCanvasAgg(figure).figure.add_subplot()
