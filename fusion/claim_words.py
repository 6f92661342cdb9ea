"""A claim in our own words, from its fields alone: what may be printed of a kept claim.

The model's words carry more than was verified ("large", "old", "in the left eye"), so they are quoted and never printed as findings. These
words say what the fields say and no more: read again by `claims.read_claims`, they give the same claim.
"""

from __future__ import annotations

from fusion.parse_places import EVERYWHERE
from retinai.lesions import CLASSES, GRADES
from retinai.types import Claim, Count, Region

_OPS = {"=": "{n}", "~": "about {n}", ">": "more than {n}", ">=": "at least {n}", "<": "fewer than {n}", "<=": "up to {n}"}


def statement(claim: Claim) -> str:
    """One plain English sentence without citations: 'More than 20 haemorrhages in all four quadrants.'

    Raises ValueError for a claim of the kind 'other', which has no words but the model's own.
    """
    if claim.kind == "other":
        raise ValueError(f"{claim.id}: what a text says otherwise is quoted, not stated")
    words = {
        "grade": _grade,
        "dme_risk": _dme,
        "referral": _referral,
        "quality": _quality,
    }.get(claim.kind, _finding)(claim)
    return f"{words[0].upper()}{words[1:]}."


def _finding(claim: Claim) -> str:
    lesion = CLASSES[claim.lesion or ""]
    word = lesion.name if claim.count and claim.count.n == 1 and claim.count.op != ">" else lesion.plural
    amount = f"{_amount(claim.count)} " if claim.count else ""
    lead = {"present": "", "absent": "not " if claim.count else "no ", "uncertain": "possible "}[claim.polarity]
    return f"{lead}{amount}{word}{' ' + _place(claim.region) if claim.region else ''}"


def _amount(count: Count) -> str:
    return _OPS[count.op].format(n=count.n)


def _grade(claim: Claim) -> str:
    lead = {"present": "", "absent": "not ", "uncertain": "possibly "}[claim.polarity]
    low, high = claim.levels[0], claim.levels[-1]
    if low < high:
        return f"{lead}grade {low}-{high}"
    return f"{lead}grade {low}" if lead else f"grade {low}, {GRADES[low]}"


def _dme(claim: Claim) -> str:
    lead = {"present": "", "absent": "not ", "uncertain": "possibly "}[claim.polarity]
    low, high = claim.levels[0], claim.levels[-1]
    return f"{lead}DME risk {low}" + (f" to {high}" if high > low else "")


def _referral(claim: Claim) -> str:
    lead = {"present": "", "absent": "no ", "uncertain": "possibly "}[claim.polarity]
    if claim.months is None:
        return f"{lead}referral or follow-up"
    low, high = claim.months
    unit = "month" if high == 1 else "months"
    when = f"within {high} {unit}" if low == 0 else f"in {low} {unit}" if low == high else f"in {low}-{high} {unit}"
    return f"{lead}follow-up {when}"


def _quality(claim: Claim) -> str:
    return {"present": "the photograph is gradable", "absent": "the photograph is ungradable", "uncertain": "image quality is limited"}[
        claim.polarity
    ]


def _place(region: Region) -> str:
    """'in the superotemporal and inferonasal quadrants', 'within 1 disc diameter of the fovea'."""
    if set(region.values) == set(EVERYWHERE.values) and region.origin == "fovea":
        return "in all four quadrants"
    make = {"quadrant": _quadrants, "hemifield": _halves, "etdrs9": _macula, "dd_ring": _ring, "area": _area, "image": _image}
    return make[region.frame](region)


def _quadrants(region: Region) -> str:
    if region.values[0].startswith("any"):
        return f"in {region.values[0].removeprefix('any')} quadrants"
    if region.origin == "disc":
        return _halves(region)
    return f"in the {_and(region.values)} quadrant{'s' if len(region.values) > 1 else ''}"


def _halves(region: Region) -> str:
    return " and ".join(f"{value} to the {'optic disc' if region.origin == 'disc' else 'fovea'}" for value in region.values)


def _macula(region: Region) -> str:
    return " and ".join("at the fovea" if value == "centre" else f"in the {value}" for value in region.values)


def _ring(region: Region) -> str:
    point = "optic disc" if region.origin == "disc" else "fovea"
    return " and ".join(_distance(value, point) for value in region.values)


def _distance(value: str, point: str) -> str:
    within, limit = value.startswith("<="), value.lstrip("<=>")
    unit = "disc diameter" if limit == "1" else "disc diameters"
    return f"within {limit} {unit} of the {point}" if within else f"more than {limit} {unit} from the {point}"


def _area(region: Region) -> str:
    words = {"arcades": "along the arcades", "vessels": "along the vessels"}
    return " and ".join(words.get(value, f"along the {value}" if "arcade" in value else f"in the {value}") for value in region.values)


def _image(region: Region) -> str:
    return " and ".join(f"in the {value} part of the image" for value in region.values)


def _and(words: tuple[str, ...]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
