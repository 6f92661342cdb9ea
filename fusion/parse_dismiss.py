"""Sentences that assert nothing of this eye: instructions, questions, textbook statements, other languages."""

from __future__ import annotations

import re

from fusion.lexicon import phrase
from fusion.parse_line import Line

_INSTRUCTION = re.compile(
    r"^\W*(?:please )?(?:(?:ignore|disregard|forget|override|bypass|pretend|print|output|say|write|reply|respond"
    r"|answer|assume|act as)\b(?!\s*:)"
    r"|repeat (?:after|the following|that)"
    r"|report (?:that|only)|mark (?:every|all|each)|(?:system|assistant|user|instructions?|prompt)\s*:|you (?:must"
    r"|should|shall|will|have to|are to)\b)"
    r"|\b(?:ignore|disregard|forget) (?:all|any|the|every\w*|previous|prior|above|this|that|my|your)\b|\binstruct(?:ions?|ed)\b"
    r"|\b(?:do not|don't|never) (?:mention|report|say|tell|include|write|list|cite|describe)\b|\b(?:wants?|asked|told"
    r"|orders?) (?:you|me) to\b"
    r"|\byou are (?:an?|now)\b|\b(?:previous|prior|above|earlier) (?:prompts?|rules)\b|\b(?:grade|answer|verdict"
    r"|output|level) (?:must|shall|has to|should) be\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^\W*(?:any|is|are|was|were|do|does|did|can|could|would|should|what|where|which|how|why|who|has|have)\b.*\?\W*$",
    re.IGNORECASE | re.DOTALL,
)
_HYPOTHESIS = re.compile(r"\bif\b.*\bwould\b|\bwould\b.*\bif\b", re.IGNORECASE | re.DOTALL)
_TEXTBOOK = re.compile(
    r"\s*(?:\([^)]*\)\s*)?(?:(?:is|are) (?:an?\b|one of the|the (?:first|earliest|leading|most|main|hallmark)|caused "
    r"by|defined|characteri[sz]ed|known"
    r"|(?:usually|typically|often|commonly|generally)|(?:small|tiny|white|yellow|fluffy|red)[\w, -]* (?:on|in|of|from) (?:the|retinal|a))"
    r"|can (?:lead|cause|occur|affect|result|develop|also|be caused|range)|occurs? when|results? from|refers? to"
    r"|affects?|leads? to|(?:usually|typically|often|commonly|generally)\b)",
    re.IGNORECASE,
)
_GENERAL = re.compile(
    r"^\W*(?:the )?(?:(?:common|typical|classic|usual) (?:\w+ )*(?:signs?|features?|findings?|causes?|complications?)"
    r"|symptoms? of|patients? with|(?:an? )?(?:healthy|normal) .*\b(?:usually|typically|generally|normally))\b"
    r"|\b(?:is|are) (?:a |the )?(?:hallmarks?|characteristic|typical) of\b",
    re.IGNORECASE,
)
_DISEASE = frozenset({"lesion", "any_dr", "grade", "dme", "other"})

# Words that English does not share; "no", "a", "in", "on", "me" and the like are left out.
_FOREIGN = phrase(
    "es|sind|ist|keine?|keiner|keinen|der|die|das|und|nicht|mit|eine[rnms]?|ein|im|zu|auf|bei|auge|netzhaut|links|rechts"
    "|le|la|les|des|du|et|dans|une?|est|sont|avec|pas|aucune?|sur|il|elle|que|qui|nous|observe"
    "|el|los|las|se|del|y|con|sin|hay|una?|ojo|por|presenta|observan|lo|gli|della|delle|nella|sono|nel|di|che"
    "|n\u00e3o|os|as|da|dos|uma?|s\u00e3o|olho|em|het|een|geen|zijn|van|oog|niet|og|ikke|och|inte|av|att|nie|jest"
)
_ENGLISH = phrase(
    "the|is|are|was|were|of|and|with|there|this|that|these|it|which|from|has|have|not|or|an|at|be|for|by|any|we|i|seen|present|shows?|to|as"
)


def foreign(text: str) -> bool:
    """Whether a text is in another language: mostly letters beyond Latin, or more foreign than English small words."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c > "\u024f" for c in letters) > 0.3 * len(letters):
        return True
    strange = sum(not word.isupper() for word in _FOREIGN.findall(text))  # SE, ES and LA are abbreviations
    return strange > 0 and strange > len(_ENGLISH.findall(text))


def dismissal(line: Line) -> str | None:
    """Why a sentence is not read for claims, or None."""
    if foreign(line.text):
        return "another language"
    if _INSTRUCTION.search(line.text):
        return "an instruction"
    if _QUESTION.match(line.text):
        return "a question"
    if _HYPOTHESIS.search(line.text):
        return "a condition"
    return "a general statement" if _GENERAL.search(line.text) or _is_textbook(line) else None


def _is_textbook(line: Line) -> bool:
    """'Microaneurysms are small bulges of the vessels': a bare finding as the subject of a definition."""
    marks = [mark for mark in line.marks if mark.kind in _DISEASE]
    return bool(marks) and marks[0].start == 0 and bool(_TEXTBOOK.match(line.text, marks[0].end))
