"""The clinical rules: one table of clauses with their sources, and pure functions that apply them to lesions.

What the lesion map shows is microaneurysms, haemorrhages, hard and soft exudates. Two of the three criteria of ICDR
grade 3 and all of grade 4 are other signs. So the lesions prove a grade from below, and from above they exclude
nothing: `grade_interval` keeps the grade that the visible lesions fit apart from those that stay open. A photograph
shows no thickening: `dme_risk` is a risk judged from hard exudates, never an oedema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from fusion.regions import QUADRANTS
from retinai.lesions import LESIONS, REFERABLE_FROM
from retinai.types import GradeInterval, Lesion


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule. text: what it says, in our words; source: who says it."""

    id: str
    text: str
    source: str


_ICDR = "ICDR: Wilkinson et al., Ophthalmology 2003;110:1677"
_DME = "IDRiD: Porwal et al., Data 2018;3:25"
_ICO = "ICO Guidelines for Diabetic Eye Care 2017, high-resource settings: Wong et al., Ophthalmology 2018;125:1608"
_ETDRS = "ETDRS report 10, Ophthalmology 1991;98:786"

CLAUSES: dict[str, Clause] = {
    clause.id: clause
    for clause in (
        Clause("ICDR-0", "grade 0: no abnormality", _ICDR),
        Clause("ICDR-1", "grade 1: microaneurysms only", _ICDR),
        Clause("ICDR-2", "grade 2: more than microaneurysms, less than grade 3", _ICDR),
        Clause("ICDR-3-HE", "grade 3: more than 20 intraretinal haemorrhages in each of four quadrants", _ICDR),
        Clause("ICDR-3-VB", "grade 3: definite venous beading in two or more quadrants", _ICDR),
        Clause("ICDR-3-IRMA", "grade 3: prominent intraretinal microvascular abnormalities in one or more quadrants", _ICDR),
        Clause("ICDR-4", "grade 4: neovascularisation, or vitreous or preretinal haemorrhage", _ICDR),
        Clause("DME-0", "risk 0: no hard exudate", _DME),
        Clause("DME-1", "risk 1: hard exudates, none within one disc diameter of the macula's centre", _DME),
        Clause("DME-2", "risk 2: a hard exudate within one disc diameter of the macula's centre", _DME),
        Clause("ICO-0", "grade 0: re-examine in 1 to 2 years", _ICO),
        Clause("ICO-1", "grade 1: re-examine in 6 to 12 months", _ICO),
        Clause("ICO-2", "grade 2: refer; re-examine in 3 to 6 months", _ICO),
        Clause("ICO-3", "grade 3: refer; re-examine in less than 3 months", _ICO),
        Clause("ICO-4", "grade 4: refer; re-examine in less than 1 month", _ICO),
        Clause("ICO-DME-OFF-CENTRE", "macular oedema that spares the centre: refer; re-examine in 3 months", _ICO),
        Clause("ICO-DME-CENTRE", "macular oedema of the centre: refer; re-examine in 1 month", _ICO),
        Clause("ETDRS-GRID", "circles of 1, 3 and 6 mm around the fovea; one disc diameter is taken as 1.5 mm", _ETDRS),
    )
}

MANY_HAEMORRHAGES = 20
"""ICDR-3-HE: more than this many in each of four quadrants."""
NEAR_DD = 1.0
"""DME-2: within this many disc diameters of the macula's centre."""
BORDER_DD = 0.25
"""A distance this near to the limit of a rule is told as close to it, and proves nothing: the fovea's place is no better known."""


def grade_interval(lesions: Sequence[Lesion], possible: Collection[str] = ()) -> GradeInterval:
    """The ICDR grade that the lesions fit, the one that those without the possible ones prove, and what stays open.

    possible: the ids of the lesions of low confidence (`Thresholds.possible`). Haemorrhages without a quadrant (no fovea was found)
    cannot prove grade 3.
    """
    low, _, _ = _visible_grade([lesion for lesion in lesions if lesion.id not in possible])
    visible, clause, ids = _visible_grade(lesions)
    still_open = ("ICDR-4",) if visible == 3 else ("ICDR-3-HE", "ICDR-3-VB", "ICDR-3-IRMA", "ICDR-4")
    return GradeInterval(low, visible, 4, (clause, *still_open), ids)


def _visible_grade(lesions: Sequence[Lesion]) -> tuple[int, str, tuple[str, ...]]:
    """Grade, clause, and the lesions on which it rests."""
    haemorrhages = [lesion for lesion in lesions if lesion.code == "HE"]
    more = [lesion for lesion in lesions if lesion.code in ("HE", "EX", "SE")]
    if many_in_all_quadrants(haemorrhages):
        return 3, "ICDR-3-HE", _ids(haemorrhages)
    if more:
        return 2, "ICDR-2", _ids(more)
    return (1, "ICDR-1", _ids(lesions)) if lesions else (0, "ICDR-0", ())


def many_in_all_quadrants(haemorrhages: Iterable[Lesion]) -> bool:
    """ICDR-3-HE. One connected haemorrhage counts once, in the quadrant of its centre."""
    return min(quadrant_counts(haemorrhages).values()) > MANY_HAEMORRHAGES


def quadrant_counts(lesions: Iterable[Lesion]) -> dict[str, int]:
    """Lesions in each of the four quadrants; those without a quadrant are not counted."""
    counts = Counter(lesion.place.quadrant for lesion in lesions)
    return {quadrant: counts[quadrant] for quadrant in QUADRANTS}


@dataclass(frozen=True, slots=True)
class DmeReading:
    """risk: 0-2, None where it cannot be said; clauses: the rule, or those between which it cannot be said; lesions: the exudates
    that decide, for risk 1 the nearest; nearest_dd: its distance; unjudged: why nothing at all is said, a plain clause."""

    risk: int | None
    clauses: tuple[str, ...]
    lesions: tuple[str, ...] = ()
    nearest_dd: float | None = None
    unjudged: str = ""


def dme_risk(lesions: Sequence[Lesion], unjudged: str = "") -> DmeReading:
    """The risk of diabetic macular oedema by hard exudates, each by its nearest pixel to the fovea.

    unjudged: why their absence says nothing, as where the macula is not in the picture (`fusion.unseen.macula_unjudged`).
    """
    exudates = [lesion for lesion in lesions if lesion.code == "EX"]
    if not exudates:
        return DmeReading(None, ("DME-0", "DME-1", "DME-2"), unjudged=unjudged) if unjudged else DmeReading(0, ("DME-0",))
    distances = {lesion.id: lesion.place.distance_dd for lesion in exudates if lesion.place.distance_dd is not None}
    if len(distances) < len(exudates):
        return DmeReading(None, ("DME-1", "DME-2"), _ids(exudates))
    nearest = min(distances, key=distances.__getitem__)
    near = _ids(lesion for lesion in exudates if distances[lesion.id] <= NEAR_DD)
    return DmeReading(2 if near else 1, ("DME-2" if near else "DME-1",), near or (nearest,), distances[nearest])


@dataclass(frozen=True, slots=True)
class FollowUp:
    """text: what to do and why; clause: the rule; refer: to an ophthalmologist; months: the longest wait."""

    text: str
    clause: str
    refer: bool
    months: int


_WHEN = (
    (24, "in 1 to 2 years"),
    (12, "in 6 to 12 months"),
    (6, "in 3 to 6 months"),
    (3, "in less than 3 months"),
    (1, "in less than 1 month"),
)
"""By grade: the longest wait in months, and how it is said."""
_REFER = "Refer to an ophthalmologist"
_SOONER = "Signs that cannot be seen here could make it sooner."


def follow_up(grade: int, dme: DmeReading, why: str | None = None) -> FollowUp:
    """The sooner of what a grade and the DME risk ask for. why: whose grade it is, a plain clause; that of the visible lesions by default.

    Hard exudates are no proof of oedema, and one photograph cannot exclude it: the risk is followed up as the worst
    oedema that it allows, and where the distance to the fovea is unknown, as risk 2. Where nothing is known of the macula, the text says
    that the grade alone is followed.
    """
    months, when = _WHEN[grade]
    refer = grade >= REFERABLE_FROM
    what = f"{_REFER}; re-examine" if refer else "Re-examine"
    alone, macula = (" by the grade alone", f" The macula was not judged: {dme.unjudged}.") if dme.unjudged else ("", "")
    text = f"{what} {when}{alone}: {why or f'the visible lesions fit grade {grade}'}.{macula} {_SOONER}"
    by_grade = FollowUp(text, f"ICO-{grade}", refer, months)
    by_dme = _dme_follow_up(dme)
    return by_dme if by_dme and by_dme.months < by_grade.months else by_grade


def _dme_follow_up(dme: DmeReading) -> FollowUp | None:
    if dme.risk == 0 or dme.unjudged:
        return None
    months, clause, why = {
        1: (3, "ICO-DME-OFF-CENTRE", "hard exudates away from the macula's centre can go with oedema there"),
        2: (1, "ICO-DME-CENTRE", "hard exudates near the macula's centre can go with oedema of the centre"),
        None: (1, "ICO-DME-CENTRE", "hard exudates are marked, and how near they are to the macula's centre is unknown"),
    }[dme.risk]
    when = f"within {months} month{'s' if months > 1 else ''}"
    return FollowUp(f"{_REFER}; examine the macula for oedema {when}: {why}. {_SOONER}", clause, True, months)


def sources(clauses: Iterable[str]) -> tuple[str, ...]:
    """The sources of some clauses, each once, in the order of the table."""
    wanted = set(clauses)
    unknown = wanted - CLAUSES.keys()
    if unknown:
        raise KeyError(f"no clause {', '.join(sorted(unknown))}; there are {', '.join(CLAUSES)}")
    return tuple(dict.fromkeys(clause.source for clause in CLAUSES.values() if clause.id in wanted))


def _ids(lesions: Iterable[Lesion]) -> tuple[str, ...]:
    """The ids of some lesions: class by class, the most confident first."""
    ordered = sorted(lesions, key=lambda lesion: (LESIONS.index(lesion.code), int(lesion.id.partition("-")[2])))
    return tuple(lesion.id for lesion in ordered)
