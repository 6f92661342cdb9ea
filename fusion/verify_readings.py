"""Claims about the whole eye against its readings: grade, DME risk, follow-up, quality."""

from __future__ import annotations

from fusion.rules import dme_risk
from fusion.verify_facts import QUALITY_ID, UNDETECTED, Facts, Ruling, Thresholds
from retinai.types import Claim


def grade_ruling(claim: Claim, facts: Facts) -> Ruling:
    """Against the interval: what the sure and the doubtful lesions fit, and what stays open because its signs cannot be seen."""
    interval = facts.interval
    fits, may = set(range(interval.low, interval.visible + 1)), set(range(interval.low, interval.high + 1))
    between = str(interval.low) if interval.low == interval.visible else f"{interval.low} to {interval.visible}"
    said, reason = set(claim.levels), f"the visible lesions fit grade {between}"
    ids = (*_cited("grade", facts), *interval.lesions)
    if claim.polarity == "absent":
        if not said & may:
            return Ruling("supported", reason, ids)
        return Ruling("contradicted", reason, ids) if fits <= said else _open(said & fits, reason, ids)
    if fits <= said or (claim.polarity == "uncertain" and said & fits):
        return Ruling("supported", reason, ids)
    if not said & may:
        return Ruling("contradicted" if claim.polarity == "present" else "unsupported", reason, ids)
    return _open(said & fits, reason, ids)


def _open(depends: set[int], reason: str, ids: tuple[str, ...]) -> Ruling:
    """Some of the grade's signs are doubtful lesions, or else ones that no lesion map shows."""
    return Ruling("unsupported", reason, ids) if depends else Ruling("not_assessable", UNDETECTED)


def dme_ruling(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    """Against the risk by hard exudates, with the doubtful ones and without them."""
    sure = [lesion for lesion in facts.lesions if lesion.confidence >= thresholds.high.get(lesion.code, 1.0)]
    readings = (facts.dme, dme_risk(sure))
    risks = {risk for reading in readings for risk in ((1, 2) if reading.risk is None else (reading.risk,))}
    reason = f"hard exudates give a DME risk of {' or '.join(str(risk) for risk in sorted(risks))}"
    ids = (*_cited("dme_risk", facts), *facts.dme.lesions)
    held = [(risk in claim.levels) != (claim.polarity == "absent") for risk in risks]
    if claim.polarity == "uncertain":
        return Ruling("supported" if any(held) else "unsupported", reason, ids)
    return Ruling("supported" if all(held) else "unsupported" if any(held) else "contradicted", reason, ids)


def referral_ruling(claim: Claim, facts: Facts) -> Ruling:
    """Against the follow-up rule. To wait longer than it allows is contradicted; to need none is never supported."""
    rule = facts.follow_up
    reason = f"{rule.clause}: {'refer, ' if rule.refer else ''}re-examine within {rule.months} months"
    ids = _cited("follow_up", facts)
    if claim.polarity == "absent":
        return Ruling("contradicted" if rule.refer else "unsupported", reason, ids)
    if claim.months is None:
        return Ruling("supported" if rule.refer else "unsupported", reason, ids)
    if claim.months[1] > rule.months:
        return Ruling("contradicted", reason, ids)
    return Ruling("supported" if 2 * claim.months[1] >= rule.months else "unsupported", reason, ids)


def quality_ruling(claim: Claim, facts: Facts) -> Ruling:
    reason = "the photograph is gradable" if facts.gradable else "the photograph is ungradable"
    if claim.polarity == "uncertain":
        return Ruling("unsupported", reason, (QUALITY_ID,))
    right = (claim.polarity == "present") == facts.gradable
    return Ruling("supported" if right else "contradicted", reason, (QUALITY_ID,))


def _cited(kind: str, facts: Facts) -> tuple[str, ...]:
    """The first evidence of a kind: the reading itself."""
    return tuple(item.id for item in facts.evidence if item.kind == kind)[:1]
