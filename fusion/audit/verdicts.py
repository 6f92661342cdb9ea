"""Would a cheat have scored as well? Each known cheat by name, and whether the explainer's own numbers are those of that cheat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

from fusion.audit.figures import Figure
from fusion.audit.sanity import EDGE_DETECTOR

SILENT = 0.05
"""A recall up to which a text names nothing."""
SAME = 0.9
"""The share of photographs with the same claims from which on a report is a template."""
BARE = 1.5
"""Cited pixels must be lesions at least so many times as often as any pixel of the retina."""
BLIND = 0.1
"""The share of emptied, shuffled and swapped photographs that change the answer, up to which nothing is looked at."""
DEAD = 0.5
"""The share of blank maps from which on a layer is dead."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """name: of the cheat; flagged: None where nothing was measured that could give it away; line: the numbers, in one plain line."""

    name: str
    flagged: bool | None
    line: str


@dataclass(frozen=True, slots=True)
class Rule:
    """cheat: its name; figure: what gives it away; guilty: whether it does; fact: what was measured, with the figure's numbers."""

    cheat: str
    figure: str
    guilty: Callable[[Figure], bool]
    fact: str


def _silent(figure: Figure) -> bool:
    return figure.value <= SILENT


def _same(figure: Figure) -> bool:
    """Nearly one report for all, though the photographs would need several."""
    return figure.value >= SAME > (figure.oracle if figure.oracle is not None else 0.0)


def _no_better(figure: Figure) -> bool:
    """Whether the hardest null lies inside the interval or beyond it."""
    return figure.null is not None and (figure.low <= figure.null if figure.better == "higher" else figure.high >= figure.null)


def _anywhere(figure: Figure) -> bool:
    return figure.value < BARE * figure.nulls.get("whole image", float("nan"))


def _like_another(figure: Figure) -> bool:
    return figure.value >= EDGE_DETECTOR


_NAMES = "name {value:.0%} of the {n} lesion classes that are there"
_SCORE = "balanced F1 {value:.2f} ({low:.2f} to {high:.2f}), the hardest null {null:.2f}"
RULES: tuple[Rule, ...] = (
    Rule("denier", "raw_recall", _silent, f"the answers {_NAMES}"),
    Rule("denier", "rendered_recall", _silent, f"the printed findings {_NAMES}"),
    Rule("template", "raw_sameness", _same, "{value:.0%} of the answers make the same claims, {oracle:.0%} of the true reports do"),
    Rule("no better than a null", "raw_balanced", _no_better, f"the answers: {_SCORE}"),
    Rule("no better than a null", "rendered_balanced", _no_better, f"the printed findings: {_SCORE}"),
    Rule("whole-image citer", "spatial_precision", _anywhere, "of the cited pixels {value:.1%} are lesions, of all {whole:.1%}"),
    Rule("photo-blind", "looks", lambda f: f.value <= BLIND, "{value:.0%} of {n} emptied, shuffled or swapped photographs change it"),
    Rule("grades by chance", "grade_kappa", _no_better, "kappa {value:.2f} ({low:.2f} to {high:.2f}), the hardest null {null:.2f}"),
    Rule("edge-map saliency", "sanity_edges", _like_another, "rank correlation of the maps with an edge detector's {value:.2f}"),
    Rule("dead layer", "sanity_dead", lambda f: f.value > DEAD, "{value:.0%} of the maps are blank or the same everywhere"),
    Rule("blind to the weights", "sanity_weights", _like_another, "rank correlation of the maps with those of random weights {value:.2f}"),
    Rule("blind to the answer", "sanity_labels", _like_another, "rank correlation of the maps with those of other grades {value:.2f}"),
)  # fmt: skip


def verdicts(figures: Sequence[Figure]) -> list[Verdict]:
    """One verdict for each cheat, in the order of RULES. A figure that is missing or NaN accuses nobody and clears nobody."""
    measured = {figure.name: figure for figure in figures if not isnan(figure.value)}
    return [_verdict(cheat, measured) for cheat in dict.fromkeys(rule.cheat for rule in RULES)]


def _verdict(cheat: str, measured: dict[str, Figure]) -> Verdict:
    """Flagged where any of its rules is broken; the line tells those, or else all that were tried."""
    tried = [rule for rule in RULES if rule.cheat == cheat and rule.figure in measured]
    guilty = [rule for rule in tried if rule.guilty(measured[rule.figure])]
    line = "; ".join(_told(rule, measured[rule.figure]) for rule in guilty or tried)
    return Verdict(cheat, bool(guilty) if tried else None, f"{line[0].upper()}{line[1:]}." if line else "Nothing here could tell.")


def _told(rule: Rule, figure: Figure) -> str:
    nan = float("nan")
    null, oracle = figure.null if figure.null is not None else nan, figure.oracle if figure.oracle is not None else nan
    return rule.fact.format(
        value=figure.value,
        low=figure.low,
        high=figure.high,
        n=figure.n,
        null=null,
        oracle=oracle,
        whole=figure.nulls.get("whole image", nan),
    )
