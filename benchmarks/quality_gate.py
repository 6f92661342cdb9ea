"""How well the quality gate does its job: what it refuses of what it should refuse, and of what it should not.

    python benchmarks/quality_gate.py --drimdb DIR --idrid DIR --rahim DIR [--eye4 DIR] [--scores FILE] [--fit] [--json]

DRIMDB's folders good, bad and outlier; both parts of IDRiD in the official layout; photographs and labels.csv of rahim2025 and eye4.
Intervals are Wilson's 95 %. `--scores` keeps the measurements, so that a second run only counts. `--fit` fits the logistic regression
of retinai/quality.py again and prints it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from quality_cases import ASTEROID, PICTURE, SPOILT, Item, asteroid, drimdb, graded, pictures, segmentation, spoilt  # noqa: E402

from retinai.image import fundus_image, read_pixels  # noqa: E402
from retinai.progress import Progress  # noqa: E402
from retinai.quality import LIMITS, RETINA, measure, reasons_of, retina_log_odds  # noqa: E402

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, measured; the other fields are those of `quality_cases.Item`."""

    group: str
    name: str
    kind: str
    family: str
    seen: bool
    scores: Scores

    @property
    def reasons(self) -> list[str]:
        return reasons_of(self.scores)


def measured(items: Iterable[Item], total: int, store: Path | None) -> list[Case]:
    """Measure what `store` does not hold yet, and keep it there; the log-odds are always today's."""
    known, cases = _known(store), []
    with Progress("measuring", total) as progress:
        for number, (group, name, kind, family, seen, source) in enumerate(items, start=1):
            scores = known.get((group, name))
            if scores is None:
                scores = measure(fundus_image(read_pixels(source) if isinstance(source, Path) else source, name))
                _keep(store, [group, name, scores])
            cases.append(Case(group, name, kind, family, seen, _with_log_odds(scores)))
            progress.to(number)
    return cases


def _with_log_odds(scores: Scores) -> Scores:
    return scores | ({"retina": retina_log_odds(scores)} if "edges" in scores else {})


def _known(store: Path | None) -> dict[tuple[str, str], Scores]:
    if store is None or not store.is_file():
        return {}
    rows = [json.loads(line) for line in store.read_text(encoding="utf-8").splitlines()]
    return {(group, name): scores for group, name, scores in rows}


def _keep(store: Path | None, row: list[Any]) -> None:
    if store is not None:
        with store.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, J Am Stat Assoc 1927)."""
    z = 1.959964
    centre, half = hits + z * z / 2, z * math.sqrt(hits * (total - hits) / total + z * z / 4)
    return (centre - half) / (total + z * z), (centre + half) / (total + z * z)


def row(label: str, cases: list[Case], reason: str | None = None) -> dict[str, Any]:
    """How many of `cases` are refused, with the interval and the reasons. reason: count only this one as right."""
    why = Counter(reason for case in cases for reason in case.reasons)
    refused = why[reason] if reason else why.total()
    return {"what": label, "n": len(cases), "refused": refused, "interval": wilson(refused, len(cases)), "reasons": dict(why)}


def counts(cases: list[Case]) -> list[dict[str, Any]]:
    """A row for each group, for what of it the fit has not seen, and for each kind."""
    rows = []
    for group in dict.fromkeys(case.group for case in cases):
        members = [case for case in cases if case.group == group]
        unseen = [case for case in members if not case.seen]
        rows.append(row(group, members))
        if 0 < len(unseen) < len(members):
            rows.append(row(f"{group}, not seen by the fit", unseen))
        kinds = sorted({case.kind for case in members} - {"all"})
        rows += [row(f"{group}, {kind}", [case for case in members if case.kind == kind]) for kind in kinds]
    return rows


def doses(cases: list[Case]) -> list[dict[str, Any]]:
    """A row for each way and dose of spoiling; refused counts the right reason only."""
    keys = dict.fromkeys((case.group, case.kind) for case in cases)
    chosen = {key: [case for case in cases if (case.group, case.kind) == key] for key in keys}
    return [row(f"{group} {kind}", members, SPOILT[group][0]) for (group, kind), members in chosen.items()]


def trend(cases: list[Case]) -> dict[str, Any]:
    """Refusals among referable eyes (grade 2 and more) and the others, with Fisher's exact test."""
    table = []
    for referable in (True, False):
        members = [case for case in cases if (case.kind >= "grade 2") == referable]
        refused = sum(bool(case.reasons) for case in members)
        table.append([refused, len(members) - refused])
    test: Any = fisher_exact(table)
    return {"what": cases[0].group, "referable": table[0], "others": table[1], "p": float(test.pvalue)}


def fitting_set(cases: list[Case]) -> list[Case]:
    """What the regression learns from: of what it may see, what no other limit refuses."""

    def open_question(scores: Scores) -> bool:
        lit = "edges" in scores and scores["brightness"] >= LIMITS["brightness"] and scores["clipped"] <= LIMITS["clipped"]
        return lit and scores["colourless"] <= LIMITS["colourless"] and LIMITS["vessels"] <= scores["vessels"] <= LIMITS["crowd"]

    return [case for case in cases if case.seen and open_question(case.scores)]


def fit(cases: list[Case]) -> tuple[NDArray[np.float64], float]:
    """Weights and bias; every source of retinas and every kind of other picture counts alike."""
    size = Counter(_part(case) for case in cases)
    weights = [100 / size[_part(case)] for case in cases]
    features, target = logarithms(cases), [_is_retina(case) for case in cases]
    centre, scale = features.mean(axis=0), features.std(axis=0)
    model = LogisticRegression().fit((features - centre) / scale, target, sample_weight=weights)
    slopes = model.coef_[0] / scale
    return slopes, float(model.intercept_[0] - slopes @ centre)


def _part(case: Case) -> str:
    return f"{case.group} {case.kind}" if case.group in ("DRIMDB", PICTURE) else case.group


def _is_retina(case: Case) -> bool:
    return case.group != PICTURE and case.kind != "outlier"


def logarithms(cases: list[Case]) -> NDArray[np.float64]:
    return np.array([[math.log(max(case.scores[name], floor)) for name, (_, floor) in RETINA.items()] for case in cases])


def cross_validated(cases: list[Case]) -> list[Case]:
    """The same cases, each with the log-odds of a regression that has not seen its family (five folds)."""
    found, families = [], [case.family for case in cases]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(cases, [_part(case) for case in cases], families)
    for train, test in folds:
        slopes, bias = fit([cases[i] for i in train])
        held_out = [cases[i] for i in test]
        odds = logarithms(held_out) @ slopes + bias
        found += [replace(case, scores=case.scores | {"retina": float(o)}) for case, o in zip(held_out, odds, strict=True)]
    return found


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table."""
    lines = [f"\n### {title}", "| pictures | n | refused | share, 95 % interval | reasons |", "|---|---:|---:|---|---|"]
    for r in rows:
        low, high = (round(100 * x, 1) for x in r["interval"])
        why = "; ".join(f"{n} {reason.split(':')[0]}" for reason, n in r["reasons"].items())
        lines.append(f"| {r['what']} | {r['n']} | {r['refused']} | {100 * r['refused'] / r['n']:.1f} % ({low}-{high}) | {why} |")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("drimdb", "idrid", "rahim", "eye4", "scores"):
        words.add_argument(f"--{name}", type=Path, required=name in ("drimdb", "idrid", "rahim"))
    words.add_argument("--fit", action="store_true")
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    real = [*drimdb(given.drimdb), *segmentation(given.idrid), *graded("idrid", given.idrid, 3), *graded("rahim2025", given.rahim, 4)]
    real += graded("eye4", given.eye4, 0) if given.eye4 else ()
    photographs = measured(real, len(real), given.scores)
    others = measured(pictures(), 42, given.scores) + measured(asteroid(given.idrid), 54, given.scores)
    harmed = measured(spoilt(given.idrid), 198, given.scores)
    report(photographs, others, harmed, given.fit, given.json)


def report(photographs: list[Case], others: list[Case], harmed: list[Case], refit: bool, as_json: bool) -> None:
    """Print everything."""
    learnt = fitting_set(photographs + others)
    unseen = [case for case in cross_validated(learnt) if case.group in ("DRIMDB", PICTURE, ASTEROID)]
    parts = {"photographs": counts(photographs), "other pictures": counts(others)}
    parts |= {"cross-validated regression, of what no other limit refuses": counts(unseen), "spoilt on purpose": doses(harmed)}
    by_grade = dict.fromkeys(case.group for case in photographs if case.kind == "grade 0")
    tests = [trend([case for case in photographs if case.group == group]) for group in by_grade]
    fitted = fit(learnt) if refit else None
    if as_json:
        slopes = {name: round(float(s), 3) for name, s in zip(RETINA, fitted[0], strict=True)} if fitted else None
        print(json.dumps({**parts, "trend": tests, "slopes": slopes, "bias": fitted and fitted[1]}))
        return
    print("\n".join(table(title, rows) for title, rows in parts.items()), "\n")
    for t in tests:
        sick, well = (f"{t[key][0]} of {sum(t[key])}" for key in ("referable", "others"))
        print(f"{t['what']}: refused {sick} referable, {well} others, Fisher's p {t['p']:.2f}")
    if fitted:
        print("slopes", dict(zip(RETINA, np.round(fitted[0], 3).tolist(), strict=True)), "bias", round(fitted[1], 3), "from", len(learnt))


if __name__ == "__main__":
    main()
