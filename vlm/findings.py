"""What is true of a photograph, apart from the words for it: the grade, and the lesions with their places.

Places are anatomical: a quadrant's nasal side is where the optic disc lies. A mirrored photograph of a right eye
is therefore a photograph of a left eye with the same nasal and temporal lesions; turned upside down, what was
superior is inferior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from retinai.lesions import LESIONS
from retinai.types import Eye, Lesion

QUADRANTS = ("superotemporal", "superonasal", "inferotemporal", "inferonasal")


@dataclass(frozen=True, slots=True)
class Finding:
    """One class of lesion in one photograph.

    count: connected lesions, None where only the presence is known; quadrants: around the fovea, in the order of
    QUADRANTS, empty where unknown; nearest_dd: least distance to the fovea in disc diameters, None where unknown.
    """

    code: str
    count: int | None = None
    quadrants: tuple[str, ...] = ()
    nearest_dd: float | None = None

    def __post_init__(self) -> None:
        if self.code not in LESIONS:
            raise ValueError(f"no lesion {self.code!r}; there are {', '.join(LESIONS)}")
        if unknown := set(self.quadrants) - set(QUADRANTS):
            raise ValueError(f"no quadrant {sorted(unknown)}; there are {', '.join(QUADRANTS)}")


@dataclass(frozen=True, slots=True)
class Report:
    """What may be said of a photograph.

    grade: ICDR 0-4, None where the photograph cannot be graded; dme: IDRiD's risk of macular edema 0-2, None where
    unlabelled; eye: None where unknown; findings: the lesions that are there, None where nobody looked for them;
    silent: codes of which nothing may be said, because the sources disagree.
    """

    grade: int | None
    dme: int | None = None
    eye: Eye | None = None
    findings: tuple[Finding, ...] | None = None
    silent: tuple[str, ...] = ()

    @property
    def absent(self) -> tuple[str, ...]:
        """Codes that were looked for and not found."""
        if self.findings is None:
            return ()
        named = {finding.code for finding in self.findings} | set(self.silent)
        return tuple(code for code in LESIONS if code not in named)


def findings_of(lesions: Sequence[Lesion]) -> tuple[Finding, ...]:
    """Lesions of any class -> one finding a class of LESIONS that is there."""
    groups = {code: [lesion for lesion in lesions if lesion.code == code] for code in LESIONS}
    return tuple(_finding(code, group) for code, group in groups.items() if group)


def _finding(code: str, group: Sequence[Lesion]) -> Finding:
    places = {lesion.place.quadrant for lesion in group}
    distances = [lesion.place.distance_dd for lesion in group if lesion.place.distance_dd is not None]
    known = () if None in places else tuple(name for name in QUADRANTS if name in places)
    return Finding(code, len(group), known, min(distances) if len(distances) == len(group) else None)


def reconciled(report: Report) -> Report:
    """Found lesions made to agree with the labels that people gave, by the definitions of the labels.

    ICDR grade 0 has no lesion and grade 1 microaneurysms only; IDRiD's DME risk 0 is no hard exudate, 1 and 2 are
    some. A lesion that the labels rule out is dropped, and told as absent; one that they demand and nobody found is
    kept silent.
    """
    if report.findings is None or report.grade is None:
        return report
    allowed = set(LESIONS)
    allowed &= {0: set(), 1: {"MA"}}.get(report.grade, allowed)
    allowed -= {"EX"} if report.dme == 0 else set()
    kept = tuple(finding for finding in report.findings if finding.code in allowed)
    demanded = {"MA"} if report.grade == 1 else set()
    demanded |= {"EX"} if report.dme else set()
    doubtful = (demanded | set(report.silent)) & (allowed | demanded)
    silent = tuple(code for code in LESIONS if code in doubtful - {finding.code for finding in kept})
    return replace(report, findings=kept, silent=silent)


def mirrored(report: Report) -> Report:
    """The same retina in a mirror: the other eye; nasal and temporal go with the disc and stay."""
    other: dict[Eye | None, Eye | None] = {"right": "left", "left": "right"}
    return replace(report, eye=other.get(report.eye))


def upturned(report: Report) -> Report:
    """The photograph upside down, top to bottom: superior and inferior change places."""
    if report.findings is None:
        return report
    return replace(report, findings=tuple(replace(f, quadrants=_upturned(f.quadrants)) for f in report.findings))


def _upturned(quadrants: Sequence[str]) -> tuple[str, ...]:
    swapped = {q.replace("super", "INFER").replace("infer", "super").replace("INFER", "infer") for q in quadrants}
    return tuple(name for name in QUADRANTS if name in swapped)


def to_json(report: Report) -> dict[str, Any]:
    return asdict(report)


def from_json(values: Mapping[str, Any]) -> Report:
    """The inverse of `to_json`. Raises TypeError or ValueError where the values make no report."""
    findings = values.get("findings")
    kept = None if findings is None else tuple(Finding(**(f | {"quadrants": tuple(f["quadrants"])})) for f in findings)
    return Report(values["grade"], values.get("dme"), values.get("eye"), kept, tuple(values.get("silent", ())))
