"""The words that bend a finding: denial, doubt, contrast, exception, condition, predicates, and counts.

The cues and their scopes follow the idea of NegEx (Chapman et al. 2001) and ConText (Harkema et al. 2009): a cue opens a scope
to its right, or closes one to its left, and some words end it. Their word lists are not used: these are for fundus reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from fusion.lexicon import Entry, entry
from retinai.types import Count

SEEN = (
    r"(?:present|seen|visible|noted|observed|identified|detected|found|evident|apparent|visuali[sz]ed|demonstrated"
    r"|discernible|appreciated)"
)
BE = r"(?:is|are|was|were|been|be|being)"
NOT = r"(?:not|n't)"
HOW = r"(?:(?:also|clearly|currently|yet|definitely|readily|obviously|easily|otherwise|any|still) )?"
NEGATED = (
    r"(?:can't|(?:do|does|did|is|are|was|were|has|have|had|can|could)n't|(?:do|does|did|is|are|was|were|has|have|had"
    r"|can|could) not|cannot)"
)
SHOW = (
    r"(?:show|see|have|appear|seem|contain|demonstrate|reveal|exhibit|display|detect|observe|find|identify|present"
    r"|feature|suggest|indicate)"
)

SIGNS: tuple[Entry, ...] = (
    (re.compile(r"(?<=\w)\s?(?:\(-\)|-+|-ve)(?=\s*(?:[,;.:]|$))|(?<=[A-Z])-+(?=\s)"), "deny_before", lambda _: None),
    (re.compile(r"(?<=\w)\s?(?:\(\+\)|\++|\+ve)(?=\s|[,;.:]|$)"), "affirm", lambda _: None),
    (re.compile(r"(?<=[:=?])\s*no(?=\s*(?:[,;.]|$))", re.IGNORECASE), "deny_before", lambda _: None),
    (re.compile(r"(?<!\w)\?\s?(?=\w)"), "doubt", lambda _: None),
    (re.compile(r"\(\?\)|\?\s*$"), "doubt_before", lambda _: None),
    (re.compile(r",\s*(?:however|though|therefore|too|also|in addition),", re.IGNORECASE), "filler", lambda _: None),
    (re.compile(r","), "comma", lambda _: None),
)
"""Cues in signs rather than words: "HE +", "EX: no", "?IRMA". They go before the words, which they contain."""

CUES: tuple[Entry, ...] = SIGNS + tuple(
    entry(kind, source)
    for kind, source in (
        (
            "deny_before",
            rf"(?:{BE} )?{NOT} (?:be )?{HOW}{SEEN}|(?:{BE} )?absent|{BE}n't {HOW}{SEEN}|cannot be {SEEN}|(?:{BE} )?(?:{NOT} "
            r"(?:required|needed|necessary|indicated)|unnecessary)|(?:is|are) (?:\w+ )?(?:an? )?(?:arte?i?facts?|reflections?"
            r"|reflexe?s?)",
        ),
        (
            "deny_before",
            r"nil|none(?: (?:seen|visible|present|detected|identified|noted|found))?|negative|(?:is |are |been )?(?:ruled out"
            r"|excluded)",
        ),
        ("deny_before", rf"(?:(?:has|have|had|is|are) )?(?:resolved|cleared|disappeared|regressed)|(?:{BE} )?no longer (?:{SEEN}|there)"),
        ("deny_before", r"(?:is|are|was|were|does|do|has|have)(?: not|n't)(?=\s*(?:[.,;]|$))"),
        ("deny", r"no|without|absence of|absent(?=\s*:)|lack(?:s|ing)?(?: of)?|free (?:of|from)|devoid of|negative for|neither|nor|never"),
        (
            "deny",
            r"rul(?:es|ed|ing) out(?= \w)|excludes|none of|nil(?= \w)|clear of|spar(?:es?|ing)|away from|mimick?ing"
            r"|resembl(?:es?|ing)|simulating|fails? to \w+|unable to (?:see|find|identify|detect)|not",
        ),
        ("deny", rf"{NEGATED}(?: (?:{SHOW}|involve|reach|affect|extend|to|any|have|show))*|no (?:evidence|signs?|indications?) of"),
        ("affirm", rf"(?:(?:can|could) be|{BE}) {HOW}{SEEN}|{SEEN}|yes|(?:\+ ?ve|positive)|(?:occur|persist)s?"),
        ("show", r"there (?:is|are|was|were|appears? to be|seems? to be|remains?)"),
        ("show", r"(?:shows?|showing|reveals?|demonstrates?|displays?|exhibits?|contains?|has|have|features?|includ(?:es?|ing))"),
        ("show", r"(?:I|we) (?:can |could )?(?:also )?(?:see|observe|find|note|identify)"),
        ("with", r"with|as well as|along with|together with|plus"),
        (
            "doubt",
            r"possibl[ey]|probabl[ey]|(?:most |very )?likely|(?:highly )?unlikely|suspect(?:ed)?|suspicio(?:us (?:for|of)|n "
            r"(?:of|for))",
        ),
        (
            "doubt",
            r"(?:concern(?:ing|s)?|worrisome) for|questionable|equivocal|perhaps|maybe|quer(?:y|ied)|uncertain|doubtful"
            r"|potential(?:ly)?",
        ),
        ("doubt", r"(?:may|might|could)(?: (?:be|have|show|indicate|represent|suggest|contain|reflect|correspond to|include|also))*"),
        (
            "doubt",
            r"suggest(?:s|ed|ing|ive of)?|(?:cannot|can not|can't|could not|does not|do not) (?:exclude|rule out)|to be "
            r"confirmed|would|not (?:definite|certain|diagnostic|conclusive)(?: for| of)?",
        ),
        (
            "doubt",
            r"differential(?: diagnos[ie]s)?(?: (?:includes?|is|of))?|(?:difficult|hard) to (?:exclude|confirm|be certain)"
            r"|(?:versus|vs\.?)",
        ),
        ("doubt_before", r"(?:cannot|can not|can't|could not) be (?:\w+ )?(?:excluded|ruled out)|(?:is |are )?not (?:ruled out|excluded)"),
        ("doubt_before", rf"(?:may|might|could) (?:also )?be (?:{SEEN}|there)|should be considered|(?:is|are) in the differential"),
        (
            "except",
            r"except(?:ing|ion of)?(?: for)?|apart from|other than|aside from|save for|with the exception of|but for|excluding"
            r"|but(?= the \w+ (?:one|quadrant))",
        ),
        ("contrast", r"but(?: also| rather)?|however|(?:al)?though|while|whereas|yet|nevertheless|on the other hand|in contrast|despite"),
        ("condition", r"if|when|whether|in case(?: of)?|unless|should (?=\w+ (?:develop|occur|appear|worsen))"),
        (
            "suppose",
            r"(?:monitor|look|check|screen|watch|assess|evaluat|search|test)(?:s|e|ed|ing)? for|to (?:rule out|exclude|detect"
            r"|see|prevent|check|confirm|evaluate|assess|determine)",
        ),
        (
            "suppose",
            r"risk of (?:developing|progress\w+)|(?:can|may|might|could) (?:lead|progress|result|cause|develop)\w*|leads? to"
            r"|progress\w* to",
        ),
        (
            "suppose",
            r"rule out|enough to|(?:which|that) (?:is|are|can be) (?:(?:one of|the|an?|common|early|earliest|first|typical"
            r"|known) )+(?:signs?|features?|hallmarks?)",
        ),
        ("suppose", r"treat(?:s|ed|ment)? (?:for|of)|previous(?:ly)? treated"),
        (
            "assert",
            r"not (?:only|just|without|free (?:of|from)|absent)|no (?:change|increase|progression|difference|decrease"
            r"|reduction) (?:in|of)",
        ),
        ("assert", r"no doubt(?: of| that)?|would (?:grade|assign|classify|rate|say|describe|be (?:advisable|best|wise|prudent|sensible))"),
        ("assert", r"no (?:increase|decrease|change|reduction) in the (?:number|size|amount|extent) of"),
        ("compare", r"than (?:in|at|on|those|the)"),
        ("assert", r"(?:due to|because of|given|based on|(?:as )?evidenced by|in view of|owing to)(?: the)?(?: presence of)?"),
        ("definite", r"definite(?:ly)?|certain(?:ly)?|clear(?:ly)?"),
        ("filler", r"no\. of|numbers? of|one (?:can|of the|another)|(?-i:(?:MA|HE|EX|SE)-\d+|E-?\d+)"),
        ("either", r"either"),
        ("each", r"(?:in|per) each|each|per quadrant|in each(?: of (?:them|these|those))?(?: quadrant)?"),
    )
)

_UP_TO_TEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TO_TWENTY = ("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")
WORDS = {word: n for n, word in enumerate(_UP_TO_TEN + _TO_TWENTY)} | {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
NUM = rf"(?P<n>(?<![\d./])\d{{1,4}}|a dozen|{'|'.join(WORDS)})"
NEXT = NUM.replace("?P<n>", "?:")
UNITS = (
    r"(?![\s-]*(?:dd\b|dis[ck]|optic|%|mm\b|\u00b5m|um\b|micro(?:n|m)|quadrants?|years?|months?|weeks?|days?|o'clock|eyes?"
    r"|of (?:the )?(?:\w+ )?quadrants?|third)|/|[.,]\d|\d|(?:st|nd|rd|th)\b)"
)


def number(word: str) -> int:
    """'12', 'twelve' or 'a dozen' -> 12."""
    word = word.lower()
    return 12 if word.endswith("dozen") else WORDS[word] if word in WORDS else int(word)


def _exact(op: Literal["=", "~", ">", ">=", "<", "<="]) -> Callable[[re.Match[str]], tuple[Count, bool]]:
    return lambda match: (Count(op, number(match["n"])), False)


COUNTS: tuple[Entry, ...] = (
    entry("count", rf"(?:(?:only|just|exactly|a total of|n ?=|x ?) ?)?{NUM}{UNITS}", _exact("=")),
    entry(
        "count", r"(?:only )?(?:a )?(?:single|solitary|lone|isolated(?= \w*(?:rysm|hage|rrhage|spot|date)\b))|once", (Count("=", 1), False)
    ),
    entry("count", r"(?:a )?(?:couple|pair)(?: of)?", (Count("=", 2), False)),
    entry("count", rf"(?:more than|greater than|over|above|exceeding|in excess of|>) ?{NUM}{UNITS}", _exact(">")),
    entry("count", rf"(?:at least|no fewer than|not fewer than|no less than|a minimum of|>=|\u2265) ?{NUM}{UNITS}", _exact(">=")),
    entry("count", rf"{NUM} ?(?:or more|\+)(?=\s|$|[,.;:)])", _exact(">=")),
    entry("count", rf"(?:between )?{NUM} ?(?:-|to|or) ?{NEXT}{UNITS}", _exact(">=")),
    entry("count", rf"between {NUM} and {NEXT}{UNITS}", _exact(">=")),
    entry("count", rf"(?:fewer than|less than|under|below|<) ?{NUM}{UNITS}", _exact("<")),
    entry("count", rf"(?:no more than|not more than|up to|at most|a maximum of|<=|\u2264) ?{NUM}{UNITS}", _exact("<=")),
    entry(
        "count",
        rf"(?:approximately|approx\.?|about|around|roughly|circa|ca\.?|~|nearly|almost|some|an estimated) ?{NUM}{UNITS}",
        _exact("~"),
    ),
    entry(
        "count",
        r"(?:only )?(?:a |very )?(?:few|occasional|sparse|scanty?|rare|handful(?: of)?|isolated|hardly any|scarcely any|barely "
        r"any)(?: scattered)?|scattered few",
        (Count("<=", 5), True),
    ),
    entry("count", r"several(?: scattered)?", (Count(">=", 3), True)),
    entry("count", r"(?:multiple|scattered)(?: scattered)?", (Count(">=", 2), True)),
    entry(
        "count",
        r"(?:numerous|many|countless|innumerable|abundant|profuse|(?:a )?(?:large|great|high) number of|a lot of|lots "
        r"of)(?: scattered)?",
        (Count(">=", 10), True),
    ),
    entry("count", r"dozens of|dozens", (Count(">=", 24), True)),
)
"""Values are (count, vague): a vague quantifier is shared by the findings joined to its own."""
