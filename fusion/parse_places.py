"""The words for places: quadrants, halves, the macula and the fovea, distances in disc diameters, arcades, periphery."""

from __future__ import annotations

import re
from typing import Literal

from fusion.lexicon import AT_DISC, DISC, OFF_DISC, ON_DISC, Entry, entry
from fusion.parse_cues import NUM, number
from retinai.types import Region

QUADRANTS = ("superotemporal", "superonasal", "inferotemporal", "inferonasal")
EVERYWHERE = Region("quadrant", QUADRANTS)
MACULA = Region("etdrs9", ("macula",))
CENTRE = Region("etdrs9", ("centre",))
NEAR_FOVEA = Region("dd_ring", ("<=1",))
OUTSIDE_MACULA = Region("dd_ring", (">2",))
"""The macula is the ETDRS grid: a circle of 3 mm, two disc diameters, around the fovea."""
MICRONS_PER_DD = 1500
"""One disc diameter in micrometres, by the ETDRS convention."""

UP = r"(?:superior|supero|upper|top)"
DOWN = r"(?:inferior|infero|lower|bottom)"
SIDE = r"(?:temporal|nasal)"
POLE = rf"(?:{UP}|{DOWN})"
TISSUE = r"(?:retina|fundus|eye)"
PART = rf"(?:(?:quadrant|region|area|sector|part|aspect|field|zone|side|portion|half|hemifield)s?(?: of (?:the )?{TISSUE})?|{TISSUE})"
FOVEA = (
    r"(?:fovea(?:l(?: (?:cent(?:re|er)|area|region|pit|avascular zone))?)?|foveola|macula(?:r|'s) cent(?:re|er)|(?-i:FAZ)"
    r"|cent(?:re|er) of (?:the )?(?:macula|fovea))"
)
FROM = rf"(?:to|of|from) (?:the )?(?P<origin>{DISC}(?: head)?|papilla|{FOVEA}|macula)"
NEAR = (
    r"(?:(?:near|close to|adjacent to|next to|around|surround(?:s|ing)?|encircl(?:es?|ing)|beside|threaten(?:s|ing)?|approach(?:es|ing)"
    r"|encroach(?:es|ing)? (?:up)?on|in the vicinity of)(?: to)? )"
)
IMAGE = r"(?:of|in) the (?:fundus )?(?:image|picture|photo(?:graph)?|frame)"
DD = r"(?:dd|(?:optic )?dis[ck] ?diameters?)"
AMOUNT = r"(?P<n>\d+(?:\.\d+)?|1/[23]|(?:one |a )?third of a|(?:a )?half(?: a)?|one|two|three|five|a)"
MICRON = r"(?P<micron>\u00b5m|um|microns?|micromet(?:re|er)s?)"
REL = r"(?P<rel>within|less than|inside|up to|<|more than|greater than|farther than|further than|beyond|at least|outside|>)"
CENTRED = rf"(?: (?:of|from|away from|to) (?:the )?(?P<origin>{FOVEA}|macula|{DISC}|cent(?:re|er) of the {DISC}))?"
SHARES = {"half": 0.5, "a half": 0.5, "half a": 0.5, "a half a": 0.5, "1/2": 0.5, "1/3": 1 / 3, "a": 1.0}

Match = re.Match[str]


def _word(match: Match, group: str) -> str:
    return (match.groupdict().get(group) or "").lower()


def _origin(match: Match) -> Literal["fovea", "disc"]:
    return "disc" if re.search(r"dis[ck]|nerve|papilla", _word(match, "origin")) else "fovea"


def _pole(word: str) -> str:
    return "superior" if re.match(rf"{UP}|above", word) else "inferior"


def _quadrant(match: Match) -> Region:
    return Region("quadrant", (f"{_pole(_word(match, 'pole'))[:5]}o{_word(match, 'side')}",), _origin(match))


def _pair(match: Match) -> Region:
    """Two quadrants at once: 'both temporal quadrants', 'the superior and inferior nasal quadrants'."""
    half = _word(match, "half")
    part = half if re.fullmatch(SIDE, half) else _pole(half)[:5]
    return Region("quadrant", tuple(q for q in QUADRANTS if part in q))


def _half(match: Match) -> Region:
    half = _word(match, "half")
    return Region("hemifield", (half if re.fullmatch(SIDE, half) else _pole(half),), _origin(match))


def _macula_part(match: Match) -> Region:
    side, pole = _word(match, "side"), _word(match, "pole")
    name = f"{_pole(pole)[:5]}o{side}" if side and pole else side or _pole(pole)
    return Region("etdrs9", (f"{name} macula",))


def _arcade(match: Match) -> Region:
    side, pole = _word(match, "side"), _word(match, "pole")
    name = f"{_pole(pole)[:5]}o{side} arcade" if side and pole else f"{_pole(pole)} arcade" if pole else "arcades"
    return Region("area", (name,))


def _distance(match: Match) -> Region:
    words = _word(match, "n")
    amount = 1 / 3 if "third" in words else SHARES.get(words)
    if amount is None:
        amount = float(words) if words[0].isdigit() else float(number(words))
    if match["micron"]:
        amount /= MICRONS_PER_DD
    op = "<=" if _word(match, "rel").startswith(("within", "<", "less", "inside", "up")) or not _word(match, "rel") else ">"
    return Region("dd_ring", (f"{op}{round(amount, 2):g}",), _origin(match))


def _some(match: Match) -> Region | None:
    count = number(match["n"])
    return None if count < 1 else EVERYWHERE if count >= len(QUADRANTS) else Region("quadrant", (f"any{count}",))


def _image(match: Match) -> Region:
    plain = {"top": "upper", "bottom": "lower", "middle": "centre", "center": "centre"}
    words = re.findall(r"upper|lower|top|bottom|left|right|middle|cent(?:re|er)", match.group().lower())
    return Region("image", (" ".join(plain.get(str(word), str(word)) for word in words),))


PLACES: tuple[Entry, ...] = (
    entry("place", rf"(?P<pole>{POLE}) ?(?:and )?(?P<side>{SIDE})(?:ly)?(?: {PART})?(?: {FROM})?", _quadrant),
    entry("place", rf"(?P<side>{SIDE}) (?P<pole>{POLE}) {PART}", _quadrant),
    entry("place", rf"superior and inferior (?P<half>{SIDE}) {PART}|inferior and superior (?P<side>{SIDE}) {PART}", _pair),
    entry("place", rf"(?:both )?(?P<half>{SIDE}|{POLE}) quadrants", _pair),
    entry("place", rf"(?P<half>{POLE}) (?:nasal and temporal|temporal and nasal) {PART}", _pair),
    *(
        entry("place", rf"(?-i:{q[0].upper()}{q[6].upper()})(?= quadrant|[,.;:(]|\s*\d|$)(?: quadrant)?", Region("quadrant", (q,)))
        for q in QUADRANTS
    ),
    entry("place", r"(?:the )?(?:all|each|every|four|4)(?: of)?(?: the)?(?: four| 4)? quad(?:rant)?s?|per quadrant", EVERYWHERE),
    entry(
        "place",
        rf"(?:throughout|across|all over|over) (?:the )?(?:entire |whole |all of the )?{TISSUE}|everywhere"
        r"|throughout(?=\s*(?:[,.;]|$))",
        EVERYWHERE,
    ),
    entry("place", rf"(?:less|fewer) than {NUM} quadrants", None),
    entry("place", rf"(?:at least )?{NUM}(?: or more)?(?: (?:out )?of(?: the)?(?: four| 4)?)? quadrants?", _some),
    entry("place", rf"(?P<half>{POLE}|{SIDE}) {PART}(?: {FROM})?", _half),
    entry("place", r"(?P<half>superior|inferior|temporal|nasal)ly", _half),
    entry("place", rf"(?P<half>superior|inferior|temporal|nasal)(?:ly)? {FROM}", _half),
    entry("place", rf"(?P<half>above|below|beneath|under) (?:it|them|(?:the )?(?P<origin>{DISC}|{FOVEA}|macula))", _half),
    entry("place", rf"{NUM} ?{DD} (?P<half>superior|inferior|temporal|nasal)(?:ly)? {FROM}", _half),
    entry("side", r"(?P<half>superior|inferior|temporal|nasal)", _half),
    entry("place", rf"(?:{NEAR}(?:the )?)?(?:macula(?:r(?: (?:region|area|zone))?)?|central (?:retina|area|region|fundus))", MACULA),
    entry("place", r"(?:para|peri) ?macular(?: (?:region|area))?", MACULA),
    entry("place", r"(?:outside|beyond) (?:the )?macula(?:r (?:region|area))?", OUTSIDE_MACULA),
    entry("place", rf"(?P<pole>{POLE}) ?(?P<side>{SIDE}) (?:\w+ of the )?macula(?:r (?:region|area))?", _macula_part),
    entry("place", rf"(?:(?P<pole>{POLE})|(?P<side>{SIDE})) (?:\w+ of the )?macula(?:r (?:region|area))?", _macula_part),
    entry("place", rf"{FOVEA}|central macula", CENTRE),
    entry("place", rf"{NEAR}(?:the )?{FOVEA}|(?:para|peri|juxta) ?foveal(?:ly)?(?: (?:region|area))?", NEAR_FOVEA),
    entry("place", rf"{REL} {AMOUNT} ?(?:{DD}|{MICRON}){CENTRED}", _distance),
    entry("place", rf"{AMOUNT} ?(?:{DD}|{MICRON}) (?:of|from|away from) (?:the )?(?P<origin>{FOVEA}|macula|{DISC})", _distance),
    entry("place", rf"{NEAR}(?:the )?{DISC}(?: head| margin)?|(?:peri|juxta|para) ?papillary(?: (?:region|area))?", AT_DISC),
    entry("place", rf"(?:on|at|over|in|upon|involving) (?:the )?{DISC}(?: head)?", ON_DISC),
    entry("place", r"elsewhere", OFF_DISC),
    entry("place", rf"(?:(?P<pole>{POLE}) ?)?(?:(?P<side>{SIDE}) )?(?:(?:major|retinal|vascular) )*arcades?", _arcade),
    entry("place", r"posterior pole", Region("area", ("posterior pole",))),
    entry(
        "place",
        rf"(?:(?:far|extreme|retinal|{SIDE}|{POLE}) )*peripher(?:y|al(?:ly)?)(?: (?:retina|fundus|region|area)s?)?",
        Region("area", ("periphery",)),
    ),
    entry("place", r"(?:far )?mid ?peripher(?:y|al(?: retina)?)", Region("area", ("mid-periphery",))),
    entry("place", r"along the (?:(?:major|retinal|blood) )*(?:vessels?|veins?)", Region("area", ("vessels",))),
    entry(
        "place",
        r"(?:(?:upper|lower|top|bottom) )?(?:left|right)(?: hand)? (?:side|part|half|quadrant|corner|portion|region"
        rf"|area)(?: {IMAGE})?",
        _image,
    ),
    entry("place", rf"(?:upper|lower|top|bottom|middle|cent(?:re|er))(?: (?:part|half|portion|region|side))? {IMAGE}", _image),
    entry("place", rf"(?:(?:upper|lower|top|bottom) )?(?:left|right)(?: hand)? {IMAGE}", _image),
)
"""'place' is a Region by itself; 'side' is an adjective, a place only before a finding ("nasal haemorrhage")."""
