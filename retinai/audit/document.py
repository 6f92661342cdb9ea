"""Figures, results and kept photographs -> audit.json, audit.md and audit.html, which tell the same.

The document is plain values, so that the page can be made again, or another program can read it. It names photographs and checksums, never
folders: an audit is passed on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fusion.audit.calibration import risk_coverage
from fusion.audit.figures import PRODUCT, RESAMPLES, Figure, Result
from retinai.audit.grades import METRIC
from retinai.audit.keep import FOLDER
from retinai.files import whole
from retinai.grading.calibration import reliability
from retinai.grading.metrics import NONE, confusion
from retinai.lesions import DISCLAIMER, GRADES
from retinai.report.audit_html import CAPTIONS, page
from retinai.report.audit_markdown import as_markdown

PROTOCOL = (
    f"Intervals: 95 %, percentile bootstrap over photographs ({RESAMPLES} resamples), all photographs of a patient drawn together; "
    "Wilson's where a share of 0 or 1 leaves no width. Validation, not test, where the photographs served to choose thresholds."
)


def to_document(
    figures: Sequence[Figure],
    results: Sequence[Result],
    cases: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Mapping[str, Any]],
    explainer: str,
    on: str,
    provenance: Mapping[str, str],
) -> dict[str, Any]:
    """The audit as JSON-ready values; None for what is undefined.

    cases: as `retinai.audit.keep.document` made them; verdicts: `name`, `flagged` (None where not measured), `line`; explainer: who is
    audited; on: which photographs, in words; provenance: versions and checksums.
    """
    return _plain(
        {
            "explainer": explainer,
            "on": on,
            "disclaimer": DISCLAIMER,
            "verdicts": [dict(each) for each in verdicts],
            "figures": [_figure(figure) for figure in figures],
            **_curves([r for r in results if r.metric == METRIC and r.source == PRODUCT]),
            "cases": [_case(case) for case in cases if case["claims"]],
            "protocol": PROTOCOL,
            "provenance": dict(provenance),
        }
    )


def _figure(figure: Figure) -> dict[str, Any]:
    return {**asdict(figure), "nulls": dict(figure.nulls), "null": figure.null, "closed": figure.closed}


def _curves(graded: Sequence[Result]) -> dict[str, Any]:
    """The confusion matrix (its last column: no grade), reliability bins, and the risk-coverage curve; empty without graded photographs."""
    truth = np.array([r.numbers["truth"] for r in graded], int)
    level = np.array([r.numbers["level"] for r in graded], int)
    rows = np.flatnonzero(level != NONE)
    if rows.size == 0:
        return {"confusion": confusion(truth, level).tolist() if graded else [], "reliability": [], "risk_coverage": []}
    probs = np.array([[r.numbers.get(f"p{grade}", np.nan) for grade in range(len(GRADES))] for r in graded])
    confidence, right = probs[rows, level[rows]], level[rows] == truth[rows]
    risk = risk_coverage(confidence, (~right).astype(np.float64))
    coverage = np.arange(1, rows.size + 1) / rows.size
    return {
        "confusion": confusion(truth, level).tolist(),
        "reliability": [asdict(each) for each in reliability(confidence, right)],
        "risk_coverage": np.column_stack([coverage, risk]).tolist(),
    }


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the report tells of a photograph: its grades and its claims."""
    grade = (case["explanation"].get("answer") or {}).get("grade") or {}
    return {**{name: case[name] for name in ("photograph", "grade", "claims")}, "given": grade.get("level")}


def read_cases(output: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """What was kept of these photographs, those without left out."""
    paths = [output / FOLDER / name / "case.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]


def read_pictures(output: Path, names: Sequence[str]) -> dict[str, dict[str, bytes]]:
    """Photograph -> the JPEGs that the page shows."""
    found = {}
    for name in names:
        paths = {kind: output / FOLDER / name / f"{kind}.jpg" for kind in CAPTIONS}
        found[name] = {kind: path.read_bytes() for kind, path in paths.items() if path.is_file()}
    return found


def write_report(output: Path, document: Mapping[str, Any]) -> None:
    """audit.json, audit.md and audit.html beside the results, each whole or not at all."""
    pictures = read_pictures(output, [case["photograph"] for case in document["cases"]])
    files = {
        "audit.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        "audit.md": as_markdown(document),
        "audit.html": page(document, pictures),
    }
    for name, text in files.items():
        with whole(output / name) as file:
            file.write(text)


def _plain(value: Any) -> Any:
    """None for NaN, six significant digits for the rest, numbers of Python for numbers of numpy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
