"""One sentence with its marks, and what lies around them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fusion.lexicon import LESIONS, OTHERS, SOUND, Mark, find_marks
from fusion.parse_cues import COUNTS, CUES
from fusion.parse_grades import DME, GRADES, QUALITY, REFERRAL
from fusion.parse_places import PLACES

TABLES = (*LESIONS, *OTHERS, *SOUND, *GRADES, *DME, *REFERRAL, *QUALITY, *PLACES, *COUNTS, *CUES)
FINDINGS = frozenset({"lesion", "grade", "any_dr", "dme", "no_dme", "normal", "findings", "other", "refer", "quality"})
"""The kinds of mark that become claims."""
PLACED = frozenset({"lesion", "findings", "other"})
"""Those that have a place and a count."""

_STOP = "and or in at of is are was were with on to near from for by as than but which that this there has have a an the no not"
_WORDS = rf"[\s-]*(?:(?!(?:{_STOP.replace(' ', '|')})\b)[\w-]+[\s-]+){{0,3}}"
_ADJECTIVES = re.compile(_WORDS, re.IGNORECASE)
_QUANTIFIED = re.compile(r"[\s)-]*(?:(?:of|the|these|small|clear|definite|areas?|foci)[\s-]+)*" + _WORDS, re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or|&|/|as well as)\s*" + _WORDS, re.IGNORECASE)
_PAIRED = re.compile(r"\s*(?:and|or|&|/)\s*" + _WORDS, re.IGNORECASE)
_AFTER = re.compile(
    r"[\s:=,(\-]*(?:(?:is|are|was|were)\s+)?(?:(?:in )?(?:count|number(?:ing)?|total(?:ling)?|approx\.?)\s*[:=]?\s*)?", re.IGNORECASE
)
_COPULA = re.compile(r"[\s,]*(?:(?:which|that|and these|these)\s+)?(?:is|are|was|were)\s+(?:(?:an?|the|all|actually)\s+)*", re.IGNORECASE)
_DESCRIBED = re.compile(_COPULA.pattern + r"(?:[\w-]+,?\s+){0,3}", re.IGNORECASE)
_OF_PLACE = re.compile(r"\s*[(:=x]?\s*", re.IGNORECASE)
_ENDS = ("comma", "contrast", "affirm", "deny_before", "doubt_before")


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, cleaned, and its marks in reading order."""

    text: str
    marks: tuple[Mark, ...]

    @classmethod
    def of(cls, text: str) -> Line:
        return cls(text, tuple(find_marks(text, TABLES)))

    def words(self, mark: Mark) -> str:
        return self.text[mark.start : mark.end].lower()

    def before(self, mark: Mark) -> str:
        return self.text[: mark.start].rstrip().lower()

    def after(self, mark: Mark) -> str:
        return self.text[mark.end :].lstrip()

    def next(self, index: int, kinds: frozenset[str], skip: tuple[str, ...] = ()) -> Mark | None:
        """The nearest mark after `index` of one of the kinds, when only marks of the kinds in `skip` lie between."""
        for mark in self.marks[index + 1 :]:
            if mark.kind in kinds:
                return mark
            if mark.kind not in skip:
                return None
        return None

    def finding_follows(self, index: int) -> bool:
        """Whether a finding comes before the next comma, contrast or predicate."""
        for mark in self.marks[index + 1 :]:
            if mark.kind in FINDINGS or mark.kind in _ENDS:
                return mark.kind in FINDINGS
        return False

    def place_follows(self, index: int) -> bool:
        return self.next(index, frozenset({"place"}), ("affirm", "side")) is not None

    def modifies(self, index: int) -> bool:
        """Whether the place at `index` is an adjective of the lesion after it: 'macular exudates'."""
        target = self.next(index, frozenset({"lesion", "findings"}), ("side",))
        gap = self.text[self.marks[index].end : target.start] if target else ""
        return target is not None and " - " not in gap and bool(_ADJECTIVES.fullmatch(gap))

    def counts(self, index: int) -> bool:
        """Whether the count at `index` belongs to the finding after it."""
        target = self.next(index, PLACED, ("side", "place", "affirm"))
        return target is not None and bool(_QUANTIFIED.fullmatch(self._blank(self.marks[index].end, target.start)))

    def counted_after(self, finding: Mark, count: Mark) -> bool:
        """'MA: 12', 'haemorrhages x 6', 'exudates: few'."""
        return bool(_AFTER.fullmatch(self._blank(finding.end, count.start)))

    def listed(self, first: Mark, second: Mark) -> bool:
        """Whether two findings are items of a list, with no determiner before the second."""
        return bool(_LISTED.fullmatch(self._blank(first.end, second.start)))

    def paired(self, first: Mark, second: Mark) -> bool:
        """Whether 'and' or 'or' alone joins two findings."""
        return bool(_PAIRED.fullmatch(self.text[first.end : second.start]))

    def copula(self, first: Mark, second: Mark) -> bool:
        """Whether the second finding only names the first: 'the red dots near the fovea are microaneurysms'."""
        pattern = _DESCRIBED if second.kind == "other" else _COPULA
        return bool(pattern.fullmatch(self._blank(first.end, second.start)))

    def counts_place(self, place: Mark, count: Mark) -> bool:
        """'superotemporal (3)', 'macula: 2'."""
        return self.words(count)[0].isdigit() and bool(_OF_PLACE.fullmatch(self.text[place.end : count.start]))

    def _blank(self, start: int, end: int) -> str:
        """The text between, with places and predicates blanked out."""
        letters = list(self.text[start:end])
        for mark in self.marks:
            if start <= mark.start and mark.end <= end and mark.kind in ("side", "place", "affirm"):
                letters[mark.start - start : mark.end - start] = " " * (mark.end - mark.start)
        return "".join(letters)
