"""The words for the whole eye: ICDR grades, the risk of DME, referral and follow-up, image quality.

A grade or a risk is the set of levels that the words allow: "moderate to severe NPDR" is (2, 3), "signs of retinopathy" (1, 2, 3, 4).
The levels of the English programme follow its grading criteria: R1 background, R2 pre-proliferative, R3 proliferative, M1 maculopathy.
"""

from __future__ import annotations

import re
from math import ceil

from fusion.lexicon import WHOLE, Entry, entry
from fusion.parse_cues import NUM, WORDS, number

Levels = tuple[int, ...]
Match = re.Match[str]

NP = r"(?:non ?proliferative(?: (?:diabetic )?(?:retinopathy|disease|changes|DR))?(?: \(NPDR\))?|NPDR)"
DR = r"(?:(?:diabetic )?(?:retinopathy|eye disease)|(?:diabetic (?:retinal )?(?:changes|disease))|(?-i:DR))(?: \((?-i:DR)\))?"
ANY_DR = rf"(?:{NP}|{DR})"
SEVERITY = r"(?:very )?(?:mild|minimal|moderate|mod\.?|severe|sev\.?)"
AND = r"(?: ?(?:to|or|and|-|/) ?)"
BY_WORD = {"mi": 1, "mo": 2, "se": 3}
OF_THIS = rf"(?: (?:of|for) (?:the )?{DR})?(?: (?:for|in|of) (?:this|the) (?:fundus )?(?:image|eye|picture|photograph))?"
SCALE = (
    r"(?:(?:(?-i:DR|ICDR)|diabetic|retinopathy|severity|disease) )*(?:graded?|level|stage|class|score|severity(?: "
    rf"level| grade| score)?){OF_THIS}"
)
AS = r"(?:(?:is |was )?(?:graded|classified|rated|described|assessed)(?: as)?|is|was|of|as|=|:|at)"
IS = rf"(?: ?{AS}(?: (?:likely |probably )?(?:a )?(?:grade|level|stage|class)?)?| )? ?"
NO_LESION = r"(?![\s-]+(?:\w+[\s-]+)?(?:ha?em|exud|micro|cotton|bleed|number|o?edema|macul|visual))"
DIGIT = r"(?P<a>[0-4]|zero|one|two|three|four)(?!\d|\.\d|%|\s*(?:-|to)\s*\d*\s*(?:dd|months?|weeks?)|/(?!4)|\s*(?:quadrants?|months?|dd))"


def _digit(word: str) -> int:
    return WORDS[word.lower()] if word.lower() in WORDS else int(word)


def _number(match: Match) -> Levels:
    """'grade 2', 'grade 2-3', 'level 2 or above'."""
    groups = match.groupdict()
    low = _digit(match["a"])
    if groups.get("up") or groups.get("floor"):
        return tuple(range(low, 5))
    high = _digit(groups["b"]) if groups.get("b") else low
    return tuple(range(min(low, high), max(low, high) + 1))


def _severity(match: Match) -> Levels:
    words = re.findall(r"\b(mi|mo|se)(?=ld|nimal|d\b|derate|v\b|vere\b)", match.group().lower())
    low, high = BY_WORD[words[0]], BY_WORD[words[-1]]
    if match.groupdict().get("floor"):
        return tuple(range(low, 5))
    return tuple(range(low + 1, 5)) if match.groupdict().get("over") else tuple(range(min(low, high), max(low, high) + 1))


def _english(match: Match) -> Levels:
    return {"0": (0,), "1": (1, 2), "2": (2, 3), "3": (4,)}[match["r"]]


PDR = (
    r"(?:(?:active |early |high risk )*proliferative (?:diabetic (?:retinopathy|changes)|retinopathy|disease|DR"
    r"|changes)|proliferation|high risk PDR|(?-i:PDR))"
)
FLOOR = r"(?:(?P<floor>at least|no less than|not less than) |(?P<over>more than|worse than|greater than) )?"

GRADES: tuple[Entry, ...] = (
    entry("grade", rf"{SCALE}{IS}(?P<floor>at least ){DIGIT}", _number),
    entry("grade", rf"(?P<floor>at least ){SCALE}{IS}{DIGIT}", _number),
    entry(
        "grade",
        rf"{SCALE}{IS}{DIGIT}(?: ?(?:-|to|or|and) ?(?P<b>[0-4])(?!\d|\.\d))?(?P<u> (?:or|and) (?:above|higher|worse"
        r"|more))?(?:/4| out of 4)?",
        _number,
    ),
    entry("grade", rf"{SCALE}{IS} ?between {DIGIT} and (?P<b>[0-4])(?!\d|\.\d)", _number),
    entry("grade", rf"between {SCALE}{IS}{DIGIT} and (?:{SCALE} )?(?P<b>[0-4])(?!\d|\.\d)", _number),
    entry("grade", rf"{FLOOR}{SEVERITY}(?:{AND}{SEVERITY})?,?(?: signs? of| degree of)? {ANY_DR}", _severity),
    entry(
        "grade",
        rf"(?:{ANY_DR}|severity|grade|level|stage)(?: (?:level|grade|severity))?{OF_THIS}(?: ?(?:{AS}|,|\())? "
        rf"?{FLOOR}{SEVERITY}{NO_LESION}(?:{AND}{SEVERITY}{NO_LESION})?(?: (?:degree|severity|stage|{NP}))?",
        _severity,
    ),
    entry("grade", rf"severity of (?:the )?{DR}(?: in this (?:image|eye|picture))? (?:is|:|=|appears(?: to be)?) {SEVERITY}", _severity),
    entry("grade", rf"(?:early|incipient)(?: (?:signs?|stages?) of)? {DR}", (1, 2)),
    entry("grade", rf"(?:advanced|late stage) {DR}", (3, 4)),
    entry("grade", r"background (?:diabetic )?(?:retinopathy|changes|DR)|(?-i:BDR)", (1, 2)),
    entry("grade", r"pre ?proliferative (?:diabetic )?(?:retinopathy|changes|disease|DR)|(?-i:PPDR)", (2, 3)),
    entry("grade", PDR, (4,)),
    entry("grade", NP, (1, 2, 3)),
    entry("grade", rf"referable {DR}", (2, 3, 4)),
    entry("grade", rf"(?:non|not) ?referable {DR}", (0, 1)),
    (re.compile(r"(?<!\w)R(?P<r>[0-3])(?=M[01]|\W|$)"), "grade", _english),
    entry("any_dr", DR, (1, 2, 3, 4)),
)
"""'any_dr' names the disease without a degree: denied, it is grade 0; beside a grade, it only says of what."""

OEDEMA = r"(?:(?:diabetic )?macular o?edema|(?-i:DME|DMO)|(?:diabetic )?maculopathy)(?: \((?-i:DME|DMO|ME)\))?"
CSMO = r"(?:clinically significant (?:diabetic )?macular o?edema|(?-i:CSM[EO]|CSDM[EO]))(?: \((?-i:CSM[EO])\))?"
CI = r"(?:cent(?:re|er|ral) involv(?:ing|ed)|(?-i:CI))"


def _risk(match: Match) -> Levels:
    low = int(match["r"])
    return tuple(range(low, int(match["high"] or low) + 1))


def _word_risk(match: Match) -> Levels:
    word = match["how"].lower()
    return (2,) if word in ("high", "higher", "significant", "increased") else (0, 1) if word == "low" else (1, 2)


DME: tuple[Entry, ...] = (
    entry("dme", OEDEMA, (1, 2)),
    entry("dme", rf"{CSMO}|{CI} (?:{OEDEMA}|{CSMO})|{OEDEMA},? {CI}", (2,)),
    entry("dme", rf"non ?{CI} (?:{OEDEMA})", (1,)),
    entry(
        "dme",
        rf"(?:{OEDEMA}|risk of (?:diabetic )?macular o?edema)(?: (?:risk|grade|level))*(?: ?(?:is|:|=|of))? "
        r"?(?P<r>[0-2])(?: (?:or|to) (?P<high>[0-2]))?(?!\d|\.\d)",
        _risk,
    ),
    entry("dme", rf"(?P<how>high|higher|increased|significant|low|moderate|some) risk (?:of|for) (?:developing )?{OEDEMA}", _word_risk),
    entry("dme", rf"(?:at )?risk (?:of|for) (?:developing )?{OEDEMA}", (1, 2)),
    entry("dme", rf"no risk (?:of|for) {OEDEMA}", (0,)),
    (re.compile(r"(?:(?<=R[0-3])|(?<!\w))M1(?!\w)"), "dme", lambda _: (2,)),
    (re.compile(r"(?:(?<=R[0-3])|(?<!\w))M0(?!\w)"), "no_dme", lambda _: (2,)),
)

UNIT = r"(?P<unit>months?|mo|mths?|weeks?|wks?|years?|yrs?|/12|/52|days?)"
PER = {"y": 12.0, "w": 0.25, "d": 1 / 30, "m": 1.0}


def _months(match: Match) -> tuple[int, int]:
    low, unit = number(match["n"]), match["unit"].lower()
    high = number(match["high"]) if match.groupdict().get("high") else low
    per = 0.25 if unit == "/52" else 1.0 if unit == "/12" else PER[unit[0]]
    within = match.groupdict().get("within")
    return 0 if within else int(low * per), ceil(high * per)


HIGH = NUM.replace("?P<n>", "?P<high>")
SPECIALIST = (
    r"(?:\w+ ){0,3}(?:ophthalmologist|optometrist|specialist|eye doctor|doctor|physician|eye service|clinic"
    r"|professional|provider|surgeon)"
)
ADVISED = r"(?:recommended|advised|advisable|required|needed|suggested|indicated|necessary|warranted)"

REFERRAL: tuple[Entry, ...] = (
    entry("refer", r"(?:not|non) ?referable", "deny"),
    entry(
        "refer",
        r"refer(?:red|rals?|s|able)?|re ?screen(?:ing|ed)?|re ?check|screen again|re ?assess(?:ment|ed)?|recall|review|f "
        r"?/ ?u|follow ?-?ups?|followed up",
    ),
    entry(
        "refer",
        rf"(?:consult(?:ation)?|see|seen by|visit|seek)(?: with| by)? (?:an? |the )?{SPECIALIST}|consultation|seen again"
        r"|(?:ophthalmology |eye )?appointment|return (?:for|in|to)|repeat (?:\w+ )?(?:photograph\w*|imaging|exam\w*)",
    ),
    entry(
        "refer",
        r"(?:further|additional|regular|routine|annual|yearly|urgent|prompt|periodic|dilated|comprehensive|close) (?:\w+ "
        r")?(?:eye )?(?:evaluation|exam(?:ination)?s?|assessment|tests?|testing|screening|monitoring|observation|check "
        r"?ups?|imaging|follow ?-?up)",
    ),
    entry("refer", rf"(?:angiography|OCT|imaging|examination|evaluation|screening|monitoring|observation)(?: \w+)? (?:is|are) {ADVISED}"),
    entry("refer", rf"{SPECIALIST} (?:should|must|needs to) (?:evaluate|see|examine|review|assess)"),
    entry("refer", r"monitor (?:the |this |her |his )?(?:patient|eye|condition|disease|closely|regularly)"),
    entry("refer", r"(?:should|must|needs? to) be (?:\w+ )?(?:monitored|examined|evaluated|screened|assessed by \w+)"),
    entry("interval", rf"(?P<within>within )?(?:in |every |after )?{NUM}(?: ?(?:-|to|or) ?{HIGH})? ?{UNIT}", _months),
    entry("interval", rf"(?:(?P<within>within) )(?:the next )?{NUM} ?{UNIT}", _months),
    entry("interval", r"annual(?:ly)?|yearly|once a year|every year|in a year", (12, 12)),
)

GOOD = r"(?:good|excellent|adequate|sufficient|high|acceptable|satisfactory|clear|sharp|gradable)"
POOR = r"(?:poor|low|bad|insufficient|inadequate|unacceptable|ungradable|very poor)"
HALF = r"(?:fair|limited|suboptimal|sub optimal|moderate|borderline|reduced|medium)"
PICTURE = r"(?:image|photo(?:graph)?|picture|scan)"
QUALITY: tuple[Entry, ...] = (
    entry(
        "quality",
        rf"{GOOD} (?:image )?(?:quality|view|{PICTURE})|(?:image )?quality(?: of (?:the|this) {PICTURE})? ?(?:is|:|=)? "
        rf"?{GOOD}(?: for grading)?",
        "present",
    ),
    entry(
        "quality",
        rf"{POOR} (?:image )?(?:quality|view|{PICTURE})|(?:image )?quality(?: of (?:the|this) {PICTURE})? ?(?:is|:|=)? "
        rf"?{POOR}(?: for grading)?",
        "absent",
    ),
    entry(
        "quality",
        rf"(?:partial(?:ly)?|partly) gradable|{HALF} (?:image )?quality|(?:image )?quality(?: of (?:the|this) {PICTURE})? "
        rf"?(?:is|:|=)? ?{HALF}|limited view",
        "uncertain",
    ),
    entry(
        "quality",
        r"(?:well )?gradable|can (?:still )?be (?:graded|assessed|interpreted)|(?:adequate|sufficient|good enough) for "
        r"(?:grading|assessment|interpretation)",
        "present",
    ),
    entry("quality", rf"{PICTURE} (?:is|appears|looks) (?:\w+ )?(?:clear|sharp|well focus+ed|in focus)", "present"),
    entry(
        "quality",
        rf"{PICTURE} (?:(?:is|appears|looks|quality is) )?(?:(?:too|very|slightly|somewhat|rather|quite|a bit|\w+ly) "
        r"){0,2}(?:blurr?ed|blurry|dark|over ?exposed|under ?exposed|hazy|out of focus)",
        "absent",
    ),
    entry(
        "quality",
        r"not (?:good|clear|sharp) enough|un ?gradable|(?:not|non) ?gradable|out of focus|blurr?ed(?! vision)|blurry"
        r"|(?:difficult|impossible|unable) to (?:grade|assess)",
        "absent",
    ),
    entry(
        "quality", rf"(?:{WHOLE}|{PICTURE}|it) (?:cannot|can not|can't|could not) be (?:graded|assessed|evaluated|interpreted)", "absent"
    ),
    entry(
        "quality",
        r"(?:insufficient|inadequate) for (?:grading|assessment)|(?:cannot|can't) be graded|prevents? (?:grading"
        r"|assessment)",
        "absent",
    ),
)
