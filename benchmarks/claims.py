"""How well the claims of free text are read: precision, recall and F1 against the labelled corpus.

    python benchmarks/claims.py [--half dev|test] [--show]

A claim counts as right where its label in the notation of `tests/claims/GUIDE.md` is the same, letter for letter: kind, lesion, polarity,
count, place, grade, interval. `other` counts once per item. The intervals are bootstrap percentiles over items (2,000 draws, seed 0).
`flipped` counts findings whose presence was read as absence or the other way round. `--show` lists the misread items of the development
half; those of the test half are not shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fusion.claims import label, read_claims  # noqa: E402

CORPUS = ROOT / "tests" / "claims"


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled text. labels: its claims in the corpus's notation."""

    style: str
    text: str
    labels: frozenset[str]


def load(half: str) -> list[Item]:
    """The items of one half, 'dev' or 'test'."""
    styles = yaml.safe_load((CORPUS / f"{half}.yaml").read_text(encoding="utf-8"))
    return [Item(style, text, _labels(claims)) for style, items in styles.items() for text, claims in items]


def _labels(claims: str) -> frozenset[str]:
    return frozenset(_sorted(claim.strip()) for claim in claims.split(";") if claim.strip())


def _sorted(claim: str) -> str:
    head, at, place = claim.partition(" @")
    return head + at + "&".join(sorted(place.split("&")))


def read(text: str) -> frozenset[str]:
    return frozenset(label(claim) for claim in read_claims(text).claims)


def tally(items: list[Item]) -> np.ndarray:
    """(N, 3) right, told, labelled claims per item."""
    return np.array([[len(read(i.text) & i.labels), len(read(i.text)), len(i.labels)] for i in items])


def f1(counts: np.ndarray) -> float:
    """F1 of summed counts: 2 right / (told + labelled)."""
    right, told, labelled = counts.sum(axis=0)
    return float(2 * right / (told + labelled)) if told + labelled else 1.0


def score(counts: np.ndarray, draws: int = 2000) -> dict[str, float]:
    """Precision, recall and F1, with a 95 % bootstrap interval of F1 over items."""
    right, told, labelled = (int(total) for total in counts.sum(axis=0))
    rng = np.random.default_rng(0)
    drawn = [f1(counts[rng.integers(0, len(counts), len(counts))]) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    values = {"precision": right / max(told, 1), "recall": right / max(labelled, 1), "f1": f1(counts), "low": low, "high": high}
    return {"items": len(counts), "claims": labelled, **{name: round(float(value), 4) for name, value in values.items()}}


def flipped(items: list[Item]) -> int:
    """Findings that were read as present where only their absence is labelled, or the other way round: the worst misreading."""
    return sum(len(_signs(read(item.text)) & {_opposite(sign) for sign in _signs(item.labels)} - _signs(item.labels)) for item in items)


def _signs(claims: frozenset[str]) -> set[str]:
    return {claim.split()[0] for claim in claims if claim[0] in "+-" and claim[1:2].isupper()}


def _opposite(sign: str) -> str:
    return ("-" if sign[0] == "+" else "+") + sign[1:]


def report(half: str) -> dict[str, dict[str, float]]:
    items = load(half)
    counts = tally(items)
    styles = list(dict.fromkeys(item.style for item in items))
    rows = {style: counts[[item.style == style for item in items]] for style in styles}
    return {"all": {**score(counts), "flipped": flipped(items)}, **{style: score(rows[style]) for style in styles}}


def show(items: list[Item]) -> None:
    for item in items:
        got = read(item.text)
        if got != item.labels:
            print(f"[{item.style}] {item.text!r}\n    missed {sorted(item.labels - got)}\n    wrong  {sorted(got - item.labels)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--half", choices=("dev", "test"), help="one half only")
    parser.add_argument("--show", action="store_true", help="list the misread items of the development half")
    options = parser.parse_args()
    if options.show:
        show(load("dev"))
        return
    print(json.dumps({half: report(half) for half in ((options.half,) if options.half else ("dev", "test"))}, indent=1))


if __name__ == "__main__":
    main()
