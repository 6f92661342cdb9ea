"""Lesions and readings -> numbered, citable sentences. What could not be assessed is listed in `fusion.unseen`.

Every sentence says what is marked or not marked, never what is not there. A place or a distance is told only where
the fovea was found, and every lesion cited exists among those it was gathered from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from fusion.rules import BORDER_DD, MANY_HAEMORRHAGES, NEAR_DD, DmeReading, FollowUp, quadrant_counts
from retinai.lesions import CLASSES, GRADES, LESIONS
from retinai.types import Evidence, GradeInterval, Lesion


def gather(
    lesions: Sequence[Lesion],
    interval: GradeInterval,
    dme: DmeReading,
    follow_up: FollowUp,
    possible: Collection[str] = (),
    unreported: Sequence[Lesion] = (),
    coarse: frozenset[str] = frozenset(),
) -> tuple[Evidence, ...]:
    """All evidence of one gradable photograph, numbered E1, E2, ...: the readings first, then class by class.

    possible: the ids of the lesions of low confidence; unreported: candidates that are not marked; coarse: classes that the photograph
    is too small to show, of which it is never said that none is marked.
    """
    drafts = [*_grade(lesions, interval, possible, coarse), _dme(dme), Evidence("", "follow_up", follow_up.text, (), follow_up.clause)]
    waiting = Counter(lesion.code for lesion in unreported)
    for code in LESIONS:
        found = [lesion for lesion in lesions if lesion.code == code]
        if found or code not in coarse:
            drafts += _findings(code, found, possible, waiting[code])
    return tuple(replace(draft, id=f"E{number}") for number, draft in enumerate(drafts, start=1))


def _grade(lesions: Sequence[Lesion], interval: GradeInterval, possible: Collection[str], coarse: frozenset[str]) -> Iterator[Evidence]:
    """The visible grade, whether it rests on possible lesions, and the grades that stay open."""
    clause = interval.clauses[0]
    beyond = [CLASSES[code].plural for code in LESIONS if code != "MA" and any(lesion.code == code for lesion in lesions)]
    lone = _lone(interval, possible)
    why = {
        "ICDR-0": _nothing_marked(coarse),
        "ICDR-1": lone or "only microaneurysms are marked",
        "ICDR-2": lone or f"{_and(beyond)} are marked",
        "ICDR-3-HE": f"more than {MANY_HAEMORRHAGES} haemorrhages are marked in each of four quadrants",
    }[clause]
    grade = "No grade" if coarse and not lesions else f"Grade {interval.visible}, {GRADES[interval.visible]}"
    yield Evidence("", "grade", f"{grade}: {why}.", interval.lesions, clause)
    if interval.low < interval.visible:
        unsure = tuple(id for id in interval.lesions if id in possible)
        yield Evidence(
            "", "grade", f"This rests on lesions of low confidence; without them it would be grade {interval.low}.", unsure, clause
        )
    some = "Grade 4 cannot be excluded: its signs"
    most = "Higher grades cannot be excluded: other signs of grades 3 and 4"
    yield Evidence("", "grade", f"{some if interval.visible == 3 else most} cannot be seen here.", (), interval.clauses[-1])


def _lone(interval: GradeInterval, possible: Collection[str]) -> str | None:
    """'one possible haemorrhage is marked': where a single lesion makes the grade."""
    if len(interval.lesions) != 1:
        return None
    return f"one {kind_of(interval.lesions[0], possible)} is marked"


def kind_of(id: str, possible: Collection[str]) -> str:
    """'possible haemorrhage' of HE-1 where that is of low confidence, else 'haemorrhage'."""
    return f"{'possible ' if id in possible else ''}{CLASSES[id.partition('-')[0]].name}"


def _nothing_marked(coarse: frozenset[str]) -> str:
    """'no microaneurysm, haemorrhage or exudate is marked', and what of them cannot be seen at this size."""
    unseen = _and([CLASSES[code].plural for code in LESIONS if code in coarse])
    return f"no microaneurysm, haemorrhage or exudate is marked{f', but {unseen} cannot be seen at this size' if unseen else ''}"


def _dme(dme: DmeReading) -> Evidence:
    """The risk of diabetic macular oedema with the exudates that decide."""
    if dme.unjudged:
        why = f"{dme.unjudged[0].upper()}{dme.unjudged[1:]}"
        return Evidence("", "dme_risk", f"{why}, so the risk of macular oedema was not judged.", (), dme.clauses[-1])
    close = ", close to the limit" if dme.nearest_dd is not None and abs(dme.nearest_dd - NEAR_DD) <= BORDER_DD else ""
    count = len(dme.lesions)
    lie = f"{count} {CLASSES['EX'].plural} lie" if count > 1 else "1 hard exudate lies"
    text = {
        0: "DME risk 0: no hard exudates are marked.",
        1: f"DME risk 1{close}: the hard exudate nearest to the fovea is {dme.nearest_dd or 0:.2f} disc diameters away.",
        2: f"DME risk 2{close}: {lie} within one disc diameter of the fovea, the nearest at {dme.nearest_dd or 0:.2f}.",
        None: f"DME risk 1 or 2: {_number('EX', count)} marked, but the macula's centre was not found.",
    }[dme.risk]
    return Evidence("", "dme_risk", text, dme.lesions, dme.clauses[-1])


def _findings(code: str, found: Sequence[Lesion], possible: Collection[str], waiting: int) -> Iterator[Evidence]:
    """How many lesions of one class, and where; or that none is marked. waiting: candidates that are not."""
    if not found:
        candidates = f"; {waiting} candidate{'s were' if waiting > 1 else ' was'} not confirmed" if waiting else ""
        yield Evidence("", "absence", f"No {CLASSES[code].plural} are marked{candidates}.")
        return
    ids = tuple(lesion.id for lesion in found)
    yield Evidence("", "presence", f"{_amount(code, ids, possible)}; there may be more.", ids)
    placed = {quadrant: count for quadrant, count in quadrant_counts(found).items() if count}
    if sum(placed.values()) == len(found):
        where = ", ".join(f"{quadrant} {count}" for quadrant, count in placed.items())
        yield Evidence("", "location", f"It lies {next(iter(placed))} of the fovea." if len(found) == 1 else f"By quadrant: {where}.", ids)
    distances = {lesion.id: lesion.place.distance_dd for lesion in found if lesion.place.distance_dd is not None}
    if distances:
        nearest = min(distances, key=distances.__getitem__)
        which = "Its distance to the fovea is" if len(found) == 1 else "The nearest to the fovea is at"
        yield Evidence("", "location", f"{which} {distances[nearest]:.2f} disc diameters.", (nearest,))


def prompt_lines(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """The findings as a language model is told them, '[E4] 2 haemorrhages are marked [HE-1, HE-2]; ...'. The readings on them (grade,
    DME risk, follow-up) are left out: the model is asked for its own."""
    return tuple(f"[{item.id}] {item.sentence}" for item in evidence if item.kind not in ("grade", "dme_risk", "follow_up"))


def _and(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _number(code: str, count: int, adjective: str = "") -> str:
    """'1 haemorrhage is', '14 haemorrhages are'."""
    return f"{count} {adjective}{CLASSES[code].plural} are" if count != 1 else f"1 {adjective}{CLASSES[code].name} is"


def _amount(code: str, ids: Sequence[str], possible: Collection[str]) -> str:
    """'3 possible haemorrhages are marked' where all are of low confidence; '5 hard exudates are marked, 2 of them with low confidence'."""
    low = sum(id in possible for id in ids)
    if low == len(ids):
        return f"{_number(code, len(ids), 'possible ')} marked"
    return f"{_number(code, len(ids))} marked" + (f", {low} of them with low confidence" if low else "")
