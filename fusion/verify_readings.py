"""Claims about the whole eye against its readings: grade, DME risk, follow-up, quality.

The lesions of enough confidence are a lower bound here too: they prove a grade and a risk from below, and nothing from above.
"""

from __future__ import annotations

from fusion.rules import BORDER_DD, NEAR_DD, FollowUp, dme_risk, follow_up
from fusion.thresholds import Thresholds
from fusion.verify_facts import QUALITY_ID, UNDETECTED, UNESTABLISHED, Facts, Ruling
from retinai.types import Claim, Verdict


def grade_ruling(claim: Claim, facts: Facts) -> Ruling:
    """Against the grades from the one that is proven on; of exhaustive lesions the grade that they fit, and those that stay open."""
    interval = facts.interval
    may = set(range(interval.low, interval.high + 1))
    fits = {interval.visible} if facts.exhaustive else may
    said, reason = set(claim.levels), _grade_reason(facts)
    ids = (*_cited("grade", facts), *interval.lesions)
    if claim.polarity == "absent":
        if not said & may:
            return Ruling("supported", reason, ids)
        return Ruling("contradicted", reason, ids) if fits <= said else _open(said, facts, reason, ids)
    if fits <= said or (claim.polarity == "uncertain" and interval.visible in said):
        return Ruling("supported", reason, ids)
    if not said & may:
        return Ruling("contradicted" if claim.polarity == "present" else "unsupported", reason, ids)
    return _open(said, facts, reason, ids)


def _grade_reason(facts: Facts) -> str:
    interval = facts.interval
    if facts.exhaustive:
        return f"the visible lesions fit grade {interval.visible}"
    if not interval.low:
        return "the lesions marked prove no grade" if facts.lesions else "no lesion is marked, which proves no grade"
    return f"the lesions marked prove grade {interval.low} or higher, not which"


def _open(said: set[int], facts: Facts, reason: str, ids: tuple[str, ...]) -> Ruling:
    """What a grade rests on that is not proven: signs that may be there, or else only ones that no lesion map shows."""
    return Ruling("unsupported", reason, ids) if min(said) <= facts.interval.visible else Ruling("not_assessable", UNDETECTED)


def dme_ruling(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    """Against the risks from the one that the sure hard exudates give on: others may lie nearer. Of exhaustive lesions, that one."""
    if facts.dme.unjudged:
        return Ruling("not_assessable", facts.dme.unjudged)
    risks = _risks(facts, thresholds)
    held = [(risk in claim.levels) != (claim.polarity == "absent") for risk in risks]
    verdict: Verdict = "supported" if all(held) else "unsupported" if any(held) else "contradicted"
    if claim.polarity == "uncertain":
        marked = (1, 2) if facts.dme.risk is None else (facts.dme.risk,)
        verdict = "supported" if set(marked) & set(claim.levels) else "unsupported"
    if verdict == "unsupported" and thresholds.high["EX"] is None:
        return Ruling("not_assessable", UNESTABLISHED)
    more = "" if facts.exhaustive else ", since there may be more of them"
    reason = f"the hard exudates marked give a DME risk of {' or '.join(map(str, risks))}{more}"
    return Ruling(verdict, reason, (*_cited("dme_risk", facts), *facts.dme.lesions))


def _risks(facts: Facts, thresholds: Thresholds) -> list[int]:
    """The risks that the eye may have: 0 needs that there is no hard exudate, 1 that there is one, and none near the macula's centre."""
    sure = [lesion for lesion in facts.lesions if not thresholds.low_confidence(lesion)]
    reading = facts.dme if facts.exhaustive else dme_risk(sure)
    least = 1 if reading.risk is None else reading.risk
    if facts.exhaustive:
        return [1, 2] if reading.risk is None else [least]
    close = reading.risk == 2 and (reading.nearest_dd or 0) > NEAR_DD - BORDER_DD  # the fovea's place is no better known
    return list(range(1 if close else least, 3))


def referral_ruling(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    """Against the follow-up rule. To wait longer than the sure lesions allow is contradicted; to need no referral is never supported."""
    rule, sure = facts.follow_up, _sure_rule(facts, thresholds)
    reason = f"{rule.clause}: {'refer, ' if rule.refer else ''}re-examine within {rule.months} months"
    ids = _cited("follow_up", facts)
    if claim.polarity == "absent":
        return Ruling("contradicted" if sure.refer else "unsupported", reason, ids)
    if claim.months is None:
        return Ruling("supported" if rule.refer else "unsupported", reason, ids)
    if claim.months[1] > rule.months:
        return Ruling("contradicted" if claim.months[1] > sure.months else "unsupported", reason, ids)
    if facts.dme.unjudged and not rule.refer:
        return Ruling("not_assessable", facts.dme.unjudged)
    return Ruling("supported" if 2 * claim.months[1] >= rule.months else "unsupported", reason, ids)


def _sure_rule(facts: Facts, thresholds: Thresholds) -> FollowUp:
    """What the lesions that are not of low confidence ask for by themselves."""
    if facts.exhaustive:
        return facts.follow_up
    return follow_up(facts.interval.low, dme_risk([lesion for lesion in facts.lesions if not thresholds.low_confidence(lesion)]))


def quality_ruling(claim: Claim, facts: Facts) -> Ruling:
    reason = "the photograph is gradable" if facts.gradable else "the photograph is ungradable"
    if claim.polarity == "uncertain":
        return Ruling("unsupported", reason, (QUALITY_ID,))
    right = (claim.polarity == "present") == facts.gradable
    return Ruling("supported" if right else "contradicted", reason, (QUALITY_ID,))


def _cited(kind: str, facts: Facts) -> tuple[str, ...]:
    """The first evidence of a kind: the reading itself."""
    return tuple(item.id for item in facts.evidence if item.kind == kind)[:1]
