"""Claims against the evidence: each gets a verdict, a reason, and the ids it rests on. Pure functions, thresholds as arguments.

    supported        the evidence says so, whatever the doubtful lesions are
    contradicted     the evidence says otherwise, whatever they are
    unsupported      it depends on doubtful lesions, or goes beyond what the evidence says
    not_assessable   nothing here can tell; the reason is one of REASONS

A lesion is doubtful between the class's two thresholds. Every finding is a statement about a number of lesions, "at least one" or "none"
where no count is named, so one rule decides: it must hold for every number between the sure lesions and all lesions. What is
kept is supported and cites lesions or evidence. Nothing else is. `docs/claims.md` states the rules for a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fusion.regions import QUADRANTS
from fusion.verify_facts import FLOOR, UNCHECKED, UNDETECTED, UNGRADABLE, Facts, Ruling, Thresholds
from fusion.verify_places import OUTSIDE, Places, Test
from fusion.verify_readings import dme_ruling, grade_ruling, quality_ruling, referral_ruling
from retinai.lesions import CLASSES, LESIONS
from retinai.types import Claim, Count, Lesion, Verdict

ABOUT = 0.3
"""'About 12' may be off by this share, and at least by one."""
MISCOUNT = 0.2
"""A bare number may be off by this share, rounded down: 4 must be 4, 5 may be 4 or 6. Connected lesions merge and split."""


def verify(claims: Iterable[Claim], facts: Facts, thresholds: Thresholds) -> tuple[Claim, ...]:
    """The claims with verdict, reason, evidence and `kept`, in the same order. Only a supported claim with evidence is kept."""
    return tuple(_judged(claim, _rule(claim, facts, thresholds)) for claim in claims)


def _judged(claim: Claim, ruling: Ruling) -> Claim:
    kept = ruling.verdict == "supported" and bool(ruling.ids)
    return replace(claim, verdict=ruling.verdict, reason=ruling.reason, evidence=ruling.ids, kept=kept)


def _rule(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    if claim.kind == "quality":
        return quality_ruling(claim, facts)
    if not facts.gradable:
        return Ruling("not_assessable", UNGRADABLE)
    if claim.kind in ("presence", "count", "location"):
        return _finding(claim, facts, thresholds)
    if claim.kind == "grade":
        return grade_ruling(claim, facts)
    if claim.kind == "dme_risk":
        return dme_ruling(claim, facts, thresholds)
    return referral_ruling(claim, facts) if claim.kind == "referral" else Ruling("not_assessable", UNCHECKED)


def _finding(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    code = claim.lesion or ""
    if code not in LESIONS:
        return Ruling("not_assessable", UNDETECTED)
    lesions = [lesion for lesion in facts.lesions if lesion.code == code and lesion.confidence >= thresholds.low[code]]
    if not lesions and code in facts.too_small:
        return Ruling("not_assessable", FLOOR)
    tests = _tests(claim, facts)
    if isinstance(tests, str):
        gone = not lesions and claim.polarity == "present" and tests != OUTSIDE  # found nowhere, so not there either
        return Ruling("contradicted", f"no {CLASSES[code].plural} were found") if gone else Ruling("not_assessable", tests)
    found = [[lesion for lesion in lesions if test(lesion)] for test in tests]
    return _weigh(claim, found, lesions, facts, thresholds.high[code])


def _tests(claim: Claim, facts: Facts) -> list[Test] | str:
    """One test per place, a single one that everything passes where no place is named; or why there is none."""
    if claim.region is None:
        return [lambda lesion: True]
    places = Places(facts.landmarks, facts.middle)
    region = claim.region
    if region.values[0].startswith("any"):
        region = replace(region, values=QUADRANTS)
    return places.tests(region)


def _weigh(claim: Claim, found: list[list[Lesion]], lesions: list[Lesion], facts: Facts, high: float) -> Ruling:
    """The verdict over all places, and the ids."""
    parts: list[Verdict] = [_holds(claim, there, high) for there in _shares(claim, found)]
    verdict = _combine(parts, _needed(claim, len(parts)))
    inside = tuple(dict.fromkeys(lesion.id for there in found for lesion in there))
    none = claim.polarity == "absent" and not inside
    ids = (_absence(claim.lesion or "", facts) or tuple(lesion.id for lesion in lesions)) if none else inside
    if claim.polarity == "present":
        sure = tuple(lesion.id for there in found for lesion in there if lesion.confidence >= high)
        ids = tuple(dict.fromkeys(sure)) or inside
    return Ruling(verdict, _told(claim, found, lesions, high), ids)


def _shares(claim: Claim, found: list[list[Lesion]]) -> list[list[Lesion]]:
    """What the count is judged on. "More than 20 in all quadrants" is each of them; "5 in two quadrants" is both together."""
    small = claim.count is not None and claim.count.op not in (">", ">=")
    if small and len(found) > 1 and claim.polarity != "absent" and all(found) and _needed(claim, len(found)) == len(found):
        return [list({lesion.id: lesion for there in found for lesion in there}.values())]
    return found


def _needed(claim: Claim, parts: int) -> int:
    """In how many of its places a claim must hold: 'in two quadrants' in any two, otherwise in all."""
    value = claim.region.values[0] if claim.region else ""
    return int(value.removeprefix("any")) if value.startswith("any") and claim.polarity != "absent" else parts


def _combine(parts: Sequence[Verdict], needed: int) -> Verdict:
    if sum(part == "supported" for part in parts) >= needed:
        return "supported"
    if sum(part != "contradicted" for part in parts) < needed:
        return "contradicted"
    return "unsupported"


def _holds(claim: Claim, there: Sequence[Lesion], high: float) -> Verdict:
    """Whether the claim holds for every number between the sure lesions and all lesions, for some, or for none."""
    sure = sum(lesion.confidence >= high for lesion in there)
    held = [_true(claim, number) for number in range(sure, len(there) + 1)]
    if claim.polarity == "uncertain":
        return "supported" if any(held) else "unsupported"
    return "supported" if all(held) else "unsupported" if any(held) else "contradicted"


def _true(claim: Claim, number: int) -> bool:
    """Whether a claim is true if there are this many lesions. A denied count denies the count, not the lesions."""
    count = claim.count
    if claim.polarity == "absent":
        return number == 0 if count is None else not _counts(count, number)
    return number >= 1 and (count is None or _counts(count, number))


def _counts(count: Count, number: int) -> bool:
    """Whether a number fits a count, with the tolerances MISCOUNT and ABOUT."""
    compare: dict[str, Callable[[], bool]] = {
        ">": lambda: number > count.n,
        ">=": lambda: number >= count.n,
        "<": lambda: number < count.n,
        "<=": lambda: number <= count.n,
        "=": lambda: abs(number - count.n) <= int(MISCOUNT * count.n),
        "~": lambda: abs(number - count.n) <= max(1, int(ABOUT * count.n)),
    }
    return compare[count.op]()


def _told(claim: Claim, found: list[list[Lesion]], lesions: list[Lesion], high: float) -> str:
    """'2 haemorrhages were found there, 1 of them doubtful': what the map shows, for the record."""
    there = list({lesion.id: lesion for part in found for lesion in part}.values())
    word = CLASSES[claim.lesion or ""]
    doubtful = sum(lesion.confidence < high for lesion in there)
    where = " there" if claim.region else ""
    if not there:
        beside = f", {len(lesions)} elsewhere" if lesions else ""
        return f"no {word.plural} were found{where}{beside}"
    amount = f"1 {word.name} was" if len(there) == 1 else f"{len(there)} {word.plural} were"
    split = " (by place: " + ", ".join(str(len(part)) for part in found) + ")" if len(found) > 1 else ""
    return f"{amount} found{where}{split}" + (f", {doubtful} of them doubtful" if doubtful else "")


def _absence(code: str, facts: Facts) -> tuple[str, ...]:
    """The evidence that says that none of this class were found."""
    return tuple(item.id for item in facts.evidence if item.kind == "absence" and CLASSES[code].plural in item.statement)
