"""Rows 1 and 3: are the claims true, are the true lesions told, and how much is made up? Judged by the true masks.

Findings only (presence, count, place), positive and negative apart. Two traps are avoided: denials never add to the score of what was
found, so that a text which names none of two lesions and denies seven others scores 0; and a hedge ("possible haemorrhages") counts as
told, but never as found. What no mask shows (IRMA, neovascularisation, arcades) is counted as not assessable and scored nowhere.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import numpy as np

from fusion.audit.figures import ORACLE, PRODUCT, Columns, Numbers, Spec, Statistic, ratio
from fusion.audit.texts import Text
from fusion.audit.truth import Truth, judge
from fusion.claims import label
from retinai.lesions import LESIONS
from retinai.types import Claim

METRIC = "claims"
RENDERED = "rendered"
"""The source of the printed text; the raw answer is the product's."""
DENY, TEMPLATE, OTHER = "null:deny", "null:template", "null:other"
NULLS: Mapping[str, str] = {"deny everything": DENY, "most frequent report": TEMPLATE, "another's report, same grade": OTHER}
DENIAL = "There are no microaneurysms, haemorrhages, hard exudates or soft exudates."


def judged(text: Text, truth: Truth) -> Text:
    """Every claim with the verdict of the true masks."""
    return tuple(judge(sentence, truth) for sentence in text)


def measure_claims(text: Text, truth: Truth) -> Numbers:
    """The counts of one text on one photograph that the figures of rows 1 and 3 are made of."""
    sentences = [[claim for claim in sentence if claim.lesion in LESIONS] for sentence in judged(text, truth)]
    claims = [claim for sentence in sentences for claim in sentence]
    rated = [claim for claim in claims if claim.verdict != "not_assessable"]
    return (
        _precision([claim for claim in rated if claim.polarity != "absent"], "positive")
        | _precision([claim for claim in rated if claim.polarity == "absent"], "negative")
        | _recall(claims, truth)
        | _made_up(sentences, truth)
        | {"not_assessable": len(claims) - len(rated), "says": _fingerprint(text)}
    )


def _precision(claims: list[Claim], sign: str) -> dict[str, float]:
    """told, right, contradicted; and told and right by kind of claim."""
    verdicts = Counter(claim.verdict for claim in claims)
    numbers: dict[str, float] = {
        f"told_{sign}": len(claims),
        f"right_{sign}": verdicts["supported"],
        f"contradicted_{sign}": verdicts["contradicted"],
    }
    for kind in ("presence", "count", "location"):
        some = [claim for claim in claims if claim.kind == kind]
        numbers |= {f"told_{sign}_{kind}": len(some), f"right_{sign}_{kind}": sum(claim.verdict == "supported" for claim in some)}
    return numbers


def _recall(claims: list[Claim], truth: Truth) -> dict[str, float]:
    """Classes there and said to be there; classes not there and denied for the whole eye. Who says both has said neither."""
    named = {claim.lesion for claim in claims if claim.polarity == "present"}
    denied = {claim.lesion for claim in claims if claim.polarity == "absent" and claim.region is None and claim.count is None}
    return {
        "true_positive_classes": len(truth.present),
        "found_classes": len(named & set(truth.present) - denied),
        "true_negative_classes": len(truth.absent),
        "denied_classes": len(denied & set(truth.absent) - named),
    }


def _made_up(sentences: list[list[Claim]], truth: Truth) -> dict[str, float]:
    """Mentions of lesions as there, and those of classes that are not there; sentences with mentions, and those with made up ones."""
    mentions = [{claim.lesion for claim in sentence if claim.polarity != "absent"} for sentence in sentences]
    wrong = [classes - set(truth.present) for classes in mentions]
    return {
        "mentions": sum(map(len, mentions)),
        "made_up": sum(map(len, wrong)),
        "sentences": sum(map(bool, mentions)),
        "sentences_made_up": sum(map(bool, wrong)),
    }


def _fingerprint(text: Text) -> float:
    """A number that is equal for texts with equal claims, whatever their words."""
    return float(zlib.crc32("; ".join(sorted({label(claim) for sentence in text for claim in sentence})).encode()))


def f1(right: str, told: str, found: str, true: str) -> Statistic:
    """The harmonic mean of pooled precision (claims) and recall (classes); 0 where nothing is found though something is there, and the
    precision where there is nothing to find."""
    precision, recall = ratio(right, told), ratio(found, true)

    def statistic(columns: Columns) -> float:
        p, r = precision(columns), recall(columns)
        return p if np.isnan(r) else 2 * p * r / (p + r) if r else 0.0

    return statistic


_COMPLETE = ("found_classes", "true_positive_classes")
_TRUE, _DENIED = ("right_positive", "told_positive"), ("right_negative", "told_negative")
_PRESENCE, _DENIALS = f1(*_TRUE, *_COMPLETE), f1(*_DENIED, "denied_classes", "true_negative_classes")


def balanced(columns: Columns) -> float:
    """The harmonic mean of the F1 of presence and of denials: 0 for whoever only denies, or never does though something is absent."""
    there, gone = _PRESENCE(columns), _DENIALS(columns)
    return 2 * there * gone / (there + gone) if there + gone else 0.0


def sameness(columns: Columns) -> float:
    """The share of photographs that get the most frequent set of claims."""
    said = columns.get("says", np.array([]))
    return float(np.unique(said, return_counts=True)[1].max() / said.size) if said.size > 1 else float("nan")


_Row = tuple[str, int, Statistic, str, str, Literal["higher", "lower"], str]
_ROWS: tuple[_Row, ...] = (
    ("f1", 1, _PRESENCE, "told_positive", "claims", "higher", "claims of presence: precision with recall"),
    ("precision", 1, ratio(*_TRUE), "told_positive", "claims", "higher", "claims of presence that are true, count and place included"),
    ("precision_bare", 1, ratio("right_positive_presence", "told_positive_presence"), "told_positive_presence", "claims", "higher",
     "claims of presence without count and place that are true"),
    ("precision_counts", 1, ratio("right_positive_count", "told_positive_count"), "told_positive_count", "claims", "higher",
     "claims of presence with a count that are true"),
    ("precision_places", 1, ratio("right_positive_location", "told_positive_location"), "told_positive_location", "claims", "higher",
     "claims of presence with a place and no count that are true"),
    ("recall", 1, ratio(*_COMPLETE), "true_positive_classes", "classes", "higher", "lesion classes there that are named (coverage)"),
    ("denials_f1", 1, _DENIALS, "told_negative", "claims", "higher", "denials: precision with recall"),
    ("denials_precision", 1, ratio(*_DENIED), "told_negative", "claims", "higher", "denials that are true"),
    ("balanced", 1, balanced, "told_positive", "claims", "higher", "presence and denials: the harmonic mean of both F1"),
    ("chair_i", 3, ratio("made_up", "mentions"), "mentions", "mentions", "lower", "mentions of lesion classes that are not there"),
    ("chair_s", 3, ratio("sentences_made_up", "sentences"), "sentences", "sentences", "lower", "sentences with such a mention"),
    ("contradicted", 3, ratio("contradicted_positive", "told_positive"), "told_positive", "claims", "lower",
     "claims of presence that the masks contradict, count and place included"),
    ("sameness", 3, sameness, "", "photographs", "lower", "photographs that get the most frequent claims"),
)  # fmt: skip


_TEXTS = ((PRODUCT, "raw", "in the answer"), (RENDERED, "rendered", "as printed"))


def _spec(source: str, prefix: str, where: str, row: _Row) -> Spec:
    name, number, statistic, cases, unit, better, what = row
    return Spec(
        f"{prefix}_{name}",
        number,
        METRIC,
        statistic,
        f"{where}: {what}",
        source,
        better,
        NULLS,
        ORACLE,
        cases or None,
        unit,
        share=name != "sameness",
        resampled=name != "sameness",
    )


SPECS = tuple(_spec(*text, row) for text in _TEXTS for row in _ROWS)
