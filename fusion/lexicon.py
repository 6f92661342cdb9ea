"""The words for findings: which lesion a phrase names, and which phrases name something that is not checked here.

Patterns are read by `phrase`: a space stands for any run of blanks or hyphens, case does not matter unless a group says
`(?-i:...)`. Where two phrases overlap the longer one wins, so "choroidal neovascularisation" hides "neovascularisation".
Synonyms follow the wording of Wilkinson et al. 2003 (ICDR), the ETDRS reports and the English screening programme.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from retinai.types import Region


@dataclass(frozen=True, slots=True)
class Mark:
    """A phrase that was recognised. kind: what it does ('lesion', 'deny', 'place', ...); value: what it says."""

    kind: str
    start: int
    end: int
    value: Any = None


Entry = tuple[re.Pattern[str], str, Callable[[re.Match[str]], Any]]


def phrase(source: str) -> re.Pattern[str]:
    """A whole-word pattern in which ' ' matches blanks and hyphens, and ' ?' matches some or none."""
    source = source.replace(" ?", r"[\s-]*").replace(" ", r"[\s-]+")
    return re.compile(rf"(?<!\w)(?:{source})(?!\w)", re.IGNORECASE)


def entry(kind: str, source: str, value: Any = None) -> Entry:
    """A row of a table: `value` is what the mark says, or a function from the match to it."""
    return phrase(source), kind, value if callable(value) else lambda _: value


def find_marks(text: str, tables: Iterable[Entry]) -> list[Mark]:
    """All marks in reading order, none overlapping: longer phrases win, then earlier ones, then earlier rows."""
    found = [Mark(kind, m.start(), m.end(), value(m)) for pattern, kind, value in tables for m in pattern.finditer(text) if m.group()]
    taken: list[Mark] = []
    free = bytearray(b"\x01") * len(text)
    for mark in sorted(found, key=lambda m: (m.start - m.end, m.start)):
        if all(free[mark.start : mark.end]):
            free[mark.start : mark.end] = bytes(mark.end - mark.start)
            taken.append(mark)
    return sorted(taken, key=lambda m: m.start)


@dataclass(frozen=True, slots=True)
class Named:
    """What a phrase names: a lesion code, and the place that the name itself implies."""

    code: str
    region: Region | None = None


ON_DISC = Region("dd_ring", ("<=0.5",), "disc")
AT_DISC = Region("dd_ring", ("<=1",), "disc")
"""Neovascularisation of the disc lies on it or within one disc diameter (ETDRS report 10); elsewhere is beyond."""
OFF_DISC = Region("dd_ring", (">1",), "disc")

BLEED = r"ha?emorr?h?ages?"
SPOTS = r"(?:spot|deposit|dot|fleck|lesion|patch|material|plaque|area)(?:e?s)?"
NEW = r"(?:neo ?vasculari[sz]ations?|(?:abnormal,? )?new(?:ly formed)?,? (?:abnormal |retinal |fragile )?(?:blood )?vessels?|neo ?vessels?)"
DISC = r"(?:optic )?(?:dis[ck]|nerve ?head|nerve)"

LESIONS: tuple[Entry, ...] = tuple(
    entry("lesion", source, Named(code, region))
    for code, region, source in (
        ("MA", None, r"micro ?an(?:eu|ue|u)rysm(?:s|al (?:change|dilatation|dilation|lesion)s?)?"),
        ("MA", None, r"(?-i:MAs?|mas|MA's)"),
        ("MA", None, r"(?:(?:small|tiny|minute|pinpoint|punctate|round|little) ){0,2}red dots?"),
        ("MA", None, r"capillary an(?:eu|ue)rysms?"),
        (
            "HE",
            None,
            r"(?:dots?(?: and | or | & |, ?| ?/ ?| )blots?|dots?|blots?|flames?(?: shaped)?|splinters?|intra ?retinal|micro) "
            rf"?{BLEED}",
        ),
        ("HE", None, rf"{BLEED}|(?:ha?ems|ha?em)|ha?emorr?h?agic (?:spot|lesion|area|blot|change|patch)(?:e?s)?|bleed(?:s|ing)?"),
        (
            "HE",
            None,
            r"(?:spots?|blots?|patch(?:es)?|areas?) of blood|blood spots?|(?:dark )?red (?:blot(?:che)?s?|patch(?:es)?)|dots? "
            r"and blots?",
        ),
        ("HE", None, r"(?-i:HEs?|Hes|HMs?)"),
        ("HE", ON_DISC, rf"{DISC} {BLEED}"),
        (
            "VH",
            None,
            rf"(?:vitreous|pre ?retinal|sub ?hyaloid|intra ?gel)(?: (?:or|and|/) (?:vitreous|pre ?retinal))? (?:{BLEED}"
            r"|bleed(?:ing|s)?)",
        ),
        ("VH", None, rf"(?:{BLEED}|bleed(?:ing|s)?|blood)(?: \w+)? (?:in|into|within) the (?:vitreous|pre ?retinal space)|(?-i:VH|PRH)"),
        ("EX", None, r"(?:hard |waxy |lipid )?exs?udat(?:es?|ion|ive (?:lesion|deposit|change)s?)|(?-i:EXs?|HEXs?|HExs?|Ex)"),
        ("EX", None, r"hard(?=[\s-]+(?:and|or|&)[\s-]+(?:soft|cotton)[\s-]+(?:exud|wool))"),
        ("EX", None, rf"lipids?(?: {SPOTS}| leakage)?|fatty deposits?|macular star|exudates? rings?"),
        ("EX", None, rf"(?:bright )?yellow(?:ish)?(?:,? (?:and )?(?:whit(?:e|ish)|bright|shiny|waxy|small|hard))? {SPOTS}"),
        ("SE", None, r"soft exudat(?:es?|ion)|soft(?=[\s-]+(?:and|or|&)[\s-]+hard[\s-]+exud)|(?-i:CWSs?|CWs?|SEs?)"),
        ("SE", None, rf"cotton ?-?wool(?: like)?(?: (?:{SPOTS}|exudat(?:es?|ion)|infarct(?:s|ions?)?))?"),
        ("SE", None, rf"(?:(?:white|whitish|pale),? )?fluffy,? (?:(?:white|whitish|pale) )?{SPOTS}"),
        ("SE", None, r"(?:retinal )?nerve fib(?:re|er) layer infarct(?:s|ions?)?|(?:retinal )?micro ?infarct(?:s|ions?)?"),
        ("IRMA", None, r"irmas?|(?:intra ?retinal )?micro ?vascular (?:abnormalit(?:y|ies)|anomal(?:y|ies))"),
        (
            "VB",
            None,
            r"ven(?:ous|ular) (?:bead(?:ing|s)?|loop(?:ing|s)?|reduplication|calib(?:re|er) (?:abnormalit|change"
            r"|irregularit)\w*)",
        ),
        (
            "VB",
            None,
            r"(?:beading|looping)(?: of the (?:retinal )?(?:veins?|venules?))?|(?:beaded|looped) (?:retinal )?(?:veins?"
            r"|venules?)|(?-i:VB)",
        ),
        ("NV", None, rf"{NEW}|neo ?vascular (?:frond|tuft|vessel|complex|change|membrane)(?:e?s)?|(?-i:NVs?)"),
        ("NV", AT_DISC, rf"(?-i:NVDs?)|{NEW} of the {DISC}|{DISC} {NEW}"),
        ("NV", OFF_DISC, rf"(?-i:NVEs?)|{NEW} elsewhere"),
    )
)

NORMAL = r"(?:normal|healthy|unremarkable|within normal limits|free of disease)"
LOOKS = r"(?:appears?|looks?|is|are|seems?|can be considered)(?: to be)?"
FLAT = r"(?:normal|healthy|unremarkable|flat|attached|intact|spared|clear|pink|sharp|within normal limits)"
PARTS = (
    rf"(?:macula|fovea|{DISC}|(?:retinal |blood )*vessels?|vasculature|veins?|arter(?:y|ies|ioles?)|periphery|foveal "
    r"reflex|media|vitreous|lens)"
)

OTHERS: tuple[Entry, ...] = tuple(
    entry("other", source)
    for source in (
        r"drusens?|na?ev(?:us|i)|(?:glaucomatous )?cupping|cups?|c ?/ ?d(?: ratio)?|cup to dis[ck](?: ratio)?|glaucoma(?:tous)?",
        r"(?:age related )?macular degeneration|(?-i:AMD|ARMD|CNV)|choroidal neo ?vasculari[sz]ation|neo ?vascular glaucoma|rubeosis",
        r"(?:(?:branch|central) )?(?:retinal )?(?:vein|artery|vascular) occlusion|(?-i:BRVO|CRVO|BRAO|CRAO)|hypertensive retinopathy",
        r"(?:(?:tractional|rhegmatogenous|exudative) )?(?:retinal )?(?:detachments?|traction)|epi ?retinal membranes?"
        r"|(?-i:ERM)|macular holes?",
        r"(?:laser|photocoagulation|prp|treatment)(?: photocoagulation)? (?:scar(?:s|ring)?|burns?|marks?|spots?)"
        r"|(?-i:PRP)|(?:pan ?retinal )?photocoagulation|status post",
        r"history of(?: (?!with|and|but|now|no)[\w-]+){1,4}",
        r"(?:fibrous|fibro ?vascular) (?:proliferation|tissue|bands?)|gliosis|tortuous|tortuosity|dilat(?:ed|ation)|attenuat(?:ed|ion)",
        r"(?:arterio ?venous|a ?[/-]? ?v) (?:nicking|nipping|crossing(?: changes?)?)|(?:copper|silver) wiring"
        r"|ischa?emi[ac]|leak(?:age|ing)",
        r"media (?:opacit(?:y|ies)|clear|haz[ey])|cataracts?|asteroid hyalosis|papillo?edema|papilloedema|pallor|small pupils?",
        r"(?:retinal )?pigment(?:ary|ed)?(?: epithel\w+)?(?: (?:changes?|abnormalit\w+))?|(?:retinal |macular )?thicken(?:ing|ed)",
        rf"macro ?aneurysms?|(?:sub ?retinal|sub ?macular|choroidal|sub ?conjunctival) {BLEED}|roth spots?",
        r"(?:bright|dark|red|white|black|pale|abnormal) (?:spot|lesion|area|dot|region)s?",
        rf"{PARTS}(?: (?:head|margin|colou?r))?s? {LOOKS} (?:\w+ )?{FLAT}|(?:retina) {LOOKS} (?:flat|attached)|(?:macula"
        r"|retina|fovea) (?:flat|spared)",
        rf"{FLAT} (?:optic )?(?:{PARTS}|margins?|rim|colou?r|calib(?:re|er))|{PARTS} ?: ?{FLAT}",
        rf"{PARTS} ?: ?no (?:\w+ )?(?:abnormalit\w+|lesions?|patholog\w+)|no (?:\w+ )?(?:{PARTS}|vascular|macular) "
        r"(?:abnormalit\w+|patholog\w+)",
        r"otherwise (?:normal|unremarkable|healthy|clear)|unremarkable|no other (?:\w+ )?(?:lesion|abnormalit|finding|patholog|change)\w*",
        r"blurred vision|vis(?:ion|ual) (?:loss|symptoms?)|4 ?[-:] ?2 ?[-:] ?1 (?:rule|criteria)",
        r"(?:macula|fovea) (?:is|appears) (?:\w+ )?spared",
    )
)

WHOLE = r"(?:fund(?:us|i)|retina|eye|retinal appearance|fundus appearance|image|fundus photograph|examination)"
SOUND: tuple[Entry, ...] = (
    entry("normal", rf"(?:normal|healthy)(?: looking| appearing)? {WHOLE}|{WHOLE}(?: {LOOKS})? (?:(?!otherwise)\w+ )?(?:{NORMAL})"),
    entry("other", rf"(?:otherwise,?|(?:rest|remainder) of) (?:the )?{WHOLE}(?: {LOOKS})? (?:\w+ )?{NORMAL}"),
    entry("normal", r"nothing (?:abnormal|pathological)|no (?:\w+ )?(?:pathological|abnormal) (?:changes?|findings?|features?)"),
    entry("normal", r"within normal limits|(?-i:NAD)|everything (?:looks|is|appears) (?:fine|normal|healthy)"),
    (re.compile(r"^\s*(?:all )?normal\W*$", re.IGNORECASE), "normal", lambda _: None),
    entry(
        "findings",
        r"(?:(?:visible|retinal|diabetic|dr|diabetic retinopathy|significant|pathological|obvious|apparent|definite|such) "
        r")*lesions?(?: of any kind)?",
    ),
    entry("findings", r"(?:(?:visible|retinal|diabetic|significant|obvious|apparent) )*(?:abnormalit(?:y|ies)|patholog(?:y|ies))"),
)
"""'normal' says that the whole eye is; 'findings' names lesions without a class: denied, both are ICDR grade 0."""
