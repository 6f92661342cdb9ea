"""Claims against the evidence: each gets a verdict, a reason, and the ids it rests on. Pure functions, thresholds as arguments.

    supported        the evidence says so, whatever it does not show
    contradicted     the evidence says otherwise, whatever it does not show
    unsupported      neither: not confirmed
    not_assessable   nothing here can tell; the reason is one of REASONS

Every finding is a statement about a number of lesions: "at least one", "none", "more than 20". The lesions that reach the support point
of their class are a lower bound of that number, and the map gives no upper one, since it leaves out many. So a claim is supported where
it holds for every number from the bound on, and contradicted where it holds for none: an upper count and an absence are never supported,
a lower count and a presence are never contradicted, whatever the numbers. One exception is measured (docs/claims.md): where the map
shows no candidate of a class in the whole eye, not even at the outline threshold, its presence is contradicted.

A class whose support point could not be set bears out nothing but hedges: "possible haemorrhages" is what the page itself says of lesions
of low confidence. What is kept is supported and cites lesions or evidence. Nothing else is. `docs/claims.md` states the rules for a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from fusion.regions import QUADRANTS
from fusion.thresholds import Thresholds
from fusion.verify_facts import FLOOR, UNCHECKED, UNDETECTED, UNESTABLISHED, UNGRADABLE, Facts, Ruling
from fusion.verify_places import OUTSIDE, Places, Test
from fusion.verify_readings import dme_ruling, grade_ruling, quality_ruling, referral_ruling
from retinai.lesions import CLASSES, LESIONS
from retinai.types import Claim, Count, Lesion, Verdict

ABOUT = 0.3
"""'About 12' may be off by this share, and at least by one."""
MISCOUNT = 0.2
"""A number may be off by this share, rounded down: 4 must be 4, 5 may be 4 or 6. Connected lesions merge and split."""


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
    return referral_ruling(claim, facts, thresholds) if claim.kind == "referral" else Ruling("not_assessable", UNCHECKED)


def _finding(claim: Claim, facts: Facts, thresholds: Thresholds) -> Ruling:
    code = claim.lesion or ""
    if code not in LESIONS:
        return Ruling("not_assessable", UNDETECTED)
    marked = [lesion for lesion in facts.lesions if lesion.code == code]
    if not marked and code in facts.too_small:
        return Ruling("not_assessable", FLOOR)
    seen = _Seen(marked, facts.exhaustive, not facts.candidates(code), thresholds)
    tests = _tests(claim, facts)
    if isinstance(tests, str):
        gone = seen.none and claim.polarity == "present" and tests != OUTSIDE  # nowhere, so not there either
        return Ruling("contradicted", seen.words([], replace(claim, region=None))) if gone else Ruling("not_assessable", tests)
    return _weigh(claim, [[lesion for lesion in marked if test(lesion)] for test in tests], seen, facts)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the map shows of one class. marked: its lesions; exhaustive: as in `Facts`; none: there is not even a candidate."""

    marked: Sequence[Lesion]
    exhaustive: bool
    none: bool
    thresholds: Thresholds

    def sure(self, there: Sequence[Lesion]) -> list[Lesion]:
        return [lesion for lesion in there if not self.thresholds.low_confidence(lesion)]

    def numbers(self, there: Sequence[Lesion], claim: Claim) -> range:
        """The numbers of lesions that a place may hold, as far as any of them could change the verdict."""
        if self.exhaustive:
            return range(len(there), len(there) + 1)
        if self.none and claim.polarity != "absent":
            return range(1)
        sure = len(self.sure(there))
        least = sure - int(MISCOUNT * sure)
        return range(least, max(least, 2 * (claim.count.n if claim.count else 0) + 2) + 1)

    def words(self, there: Sequence[Lesion], claim: Claim, split: Sequence[int] = ()) -> str:
        """'3 haemorrhages are marked there, there may be more': what the map shows, for the record."""
        word, where = CLASSES[claim.lesion or ""], " there" if claim.region else ""
        if not there:
            beside = f", {len(self.marked)} elsewhere" if self.marked else ""
            candidate = ", and the map shows no candidate" if self.none and not self.exhaustive else ""
            return f"no {word.plural} are marked{where}{beside}{candidate}"
        amount = f"1 {word.name} is" if len(there) == 1 else f"{len(there)} {word.plural} are"
        places = f" (by place: {', '.join(map(str, split))})" if len(split) > 1 else ""
        return f"{amount} marked{where}{places}" + ("" if self.exhaustive else "; there may be more")


def _tests(claim: Claim, facts: Facts) -> list[Test] | str:
    """One test per place, a single one that everything passes where no place is named; or why there is none."""
    if claim.region is None:
        return [lambda lesion: True]
    places = Places(facts.landmarks, facts.middle)
    region = claim.region
    if region.values[0].startswith("any"):
        region = replace(region, values=QUADRANTS)
    return places.tests(region)


def _weigh(claim: Claim, found: list[list[Lesion]], seen: _Seen, facts: Facts) -> Ruling:
    """The verdict over all places, and the ids. found: the marked lesions of each place."""
    parts: list[Verdict] = [_holds(claim, there, seen) for there in _shares(claim, found, seen)]
    verdict = _combine(parts, _needed(claim, len(parts)))
    inside = list({lesion.id: lesion for there in found for lesion in there}.values())
    if verdict == "unsupported" and not seen.none and seen.thresholds.high[claim.lesion or ""] is None:
        return Ruling("not_assessable", UNESTABLISHED)
    cited = inside if claim.polarity == "uncertain" else seen.sure(inside) or inside
    ids = tuple(lesion.id for lesion in cited)
    if claim.polarity == "absent" and not ids:
        ids = _absence(claim.lesion or "", facts) or tuple(lesion.id for lesion in seen.marked)
    return Ruling(verdict, seen.words(inside, claim, [len(there) for there in found]), ids)


def _shares(claim: Claim, found: list[list[Lesion]], seen: _Seen) -> list[list[Lesion]]:
    """What the count is judged on. "More than 20 in all quadrants" is each of them; "5 in two quadrants" is both together."""
    small = claim.count is not None and claim.count.op not in (">", ">=")
    together = all(found) if seen.exhaustive else True  # what a map does not mark in a place may be there
    if small and len(found) > 1 and claim.polarity != "absent" and together and _needed(claim, len(found)) == len(found):
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


def _holds(claim: Claim, there: Sequence[Lesion], seen: _Seen) -> Verdict:
    """Whether the claim holds for every number that may be there, for some, or for none. A hedge holds where the marked lesions bear it."""
    numbers = seen.numbers(there, claim)
    if claim.polarity == "uncertain":
        borne = range(numbers.start, max(numbers.start, len(there)) + 1)
        return "supported" if any(_true(claim, number) for number in borne) else "unsupported"
    held = [_true(claim, number) for number in numbers]
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


def _absence(code: str, facts: Facts) -> tuple[str, ...]:
    """The evidence that says that none of this class are marked."""
    return tuple(item.id for item in facts.evidence if item.kind == "absence" and CLASSES[code].plural in item.statement)
