"""Lesions and readings -> numbered, citable sentences, and the list of what could not be assessed.

Every sentence says what was found or not found, never what is not there. A place or a distance is told only where
the fovea was found, and every lesion cited exists among those it was gathered from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fusion.rules import MANY_HAEMORRHAGES, NEAR_DD, DmeReading, FollowUp, proven, quadrant_counts
from retinai.lesions import CLASSES, GRADES, LESIONS, UNSEEN
from retinai.types import Evidence, GradeInterval, Landmarks, Lesion

BORDER_DD = 0.25
"""A distance this near to the limit of a rule is told as close to it: the fovea's place is no better known."""


def gather(lesions: Sequence[Lesion], interval: GradeInterval, dme: DmeReading, follow_up: FollowUp) -> tuple[Evidence, ...]:
    """All evidence of one gradable photograph, numbered E1, E2, ...: the readings first, then class by class."""
    drafts = [*_grade(lesions, interval), _dme(dme), Evidence("", "follow_up", follow_up.text, (), follow_up.clause)]
    for code in LESIONS:
        drafts += _findings(code, [lesion for lesion in lesions if lesion.code == code])
    return tuple(replace(draft, id=f"E{number}") for number, draft in enumerate(drafts, start=1))


def _grade(lesions: Sequence[Lesion], interval: GradeInterval) -> Iterator[Evidence]:
    """The visible grade, whether it rests on doubtful lesions, and the grades that stay open."""
    clause = interval.clauses[0]
    beyond = [CLASSES[code].plural for code in LESIONS if code != "MA" and any(lesion.code == code for lesion in lesions)]
    why = {
        "ICDR-0": "no microaneurysm, haemorrhage or exudate was found",
        "ICDR-1": "only microaneurysms were found",
        "ICDR-2": f"{_and(beyond)} were found",
        "ICDR-3-HE": f"more than {MANY_HAEMORRHAGES} haemorrhages were found in each of four quadrants",
    }[clause]
    yield Evidence("", "grade", f"Grade {interval.visible}, {GRADES[interval.visible]}: {why}.", interval.lesions, clause)
    if interval.low < interval.visible:
        doubtful = tuple(lesion.id for lesion in lesions if lesion.id in set(interval.lesions) and not proven(lesion))
        yield Evidence("", "grade", f"Without doubtful lesions it would be grade {interval.low}.", doubtful, clause)
    some = "Grade 4 cannot be excluded: its signs"
    most = "Higher grades cannot be excluded: other signs of grades 3 and 4"
    yield Evidence("", "grade", f"{some if interval.visible == 3 else most} cannot be seen here.", (), interval.clauses[-1])


def _dme(dme: DmeReading) -> Evidence:
    """The risk of diabetic macular oedema with the exudates that decide."""
    close = ", close to the limit" if dme.nearest_dd is not None and abs(dme.nearest_dd - NEAR_DD) <= BORDER_DD else ""
    count = len(dme.lesions)
    lie = f"{count} {CLASSES['EX'].plural} lie" if count > 1 else "1 hard exudate lies"
    text = {
        0: "DME risk 0: no hard exudates were found.",
        1: f"DME risk 1{close}: the hard exudate nearest to the fovea is {dme.nearest_dd or 0:.2f} disc diameters away.",
        2: f"DME risk 2{close}: {lie} within one disc diameter of the fovea, the nearest at {dme.nearest_dd or 0:.2f}.",
        None: f"DME risk 1 or 2: {_number('EX', count)} found, but not the macula's centre.",
    }[dme.risk]
    return Evidence("", "dme_risk", text, dme.lesions, dme.clauses[-1])


def _findings(code: str, found: Sequence[Lesion]) -> Iterator[Evidence]:
    """How many lesions of one class, and where; or that there were none."""
    if not found:
        yield Evidence("", "absence", f"No {CLASSES[code].plural} were found.")
        return
    ids = tuple(lesion.id for lesion in found)
    yield Evidence("", "presence", f"{_number(code, len(found))} found{_doubt(found)}.", ids)
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
    """The findings as a language model is told them, '[E4] 2 haemorrhages were found [HE-1, HE-2].' The readings that rest on them (grade,
    DME risk, follow-up) are left out: the model is asked for its own."""
    return tuple(f"[{item.id}] {item.sentence}" for item in evidence if item.kind not in ("grade", "dme_risk", "follow_up"))


def _and(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _number(code: str, count: int) -> str:
    """'1 haemorrhage was', '14 haemorrhages were'."""
    return f"{count} {CLASSES[code].plural} were" if count != 1 else f"1 {CLASSES[code].name} was"


def _doubt(found: Sequence[Lesion]) -> str:
    doubtful = sum(not proven(lesion) for lesion in found)
    if not doubtful:
        return ""
    if doubtful == len(found):
        return ", doubtful" if doubtful == 1 else ", all doubtful"
    return f", {doubtful} of them doubtful"


def unseen(landmarks: Landmarks) -> tuple[str, ...]:
    """What one photograph and this lesion map cannot tell, in plain words."""
    signs = _and([CLASSES[code].plural for code in UNSEEN])
    always = (
        f"{signs[0].upper()}{signs[1:]}: not looked for.",
        "Blood in front of the retina may have been counted among the haemorrhages.",
        "Thickening of the macula: not visible in one photograph; the DME risk rests on hard exudates alone.",
        "Retina outside this photograph, and lesions too small or too faint to be told from noise: counts are least counts.",
    )
    if landmarks.fovea is not None:
        return always
    lost = "optic disc" if landmarks.disc is None else "fovea"
    return (f"Where the lesions lie: the {lost} was not found, so haemorrhages were not counted by quadrant.", *always)
