"""Findings of one sentence as they gather their counts and places: what `parse_scope` builds on.

A place belongs to the findings joined before it, or, where it stands first or as an adjective, to those after it. A count belongs to
the finding that it stands before or behind, and one that stands alone to the lesion that was named last.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fusion.lexicon import Mark, Named
from fusion.parse_line import PLACED, Line
from fusion.parse_places import EVERYWHERE
from retinai.types import Count, Polarity, Region


@dataclass(slots=True, eq=False)
class Finding:
    """What one mark says in its sentence. marks: every mark that bears on it; supposed: in a condition or an intention, so not
    said; dropped: overruled or said again by another finding."""

    mark: Mark
    polarity: Polarity
    marks: list[Mark]
    count: Count | None = None
    vague: bool = False
    places: list[Region] = field(default_factory=list)
    heading: list[Mark] = field(default_factory=list)
    supposed: bool = False
    dropped: bool = False

    @property
    def code(self) -> str | None:
        return self.mark.value.code if self.mark.kind == "lesion" else None

    def at(self, place: Mark) -> None:
        self.places.append(place.value)
        self.marks.append(place)


class Group:
    """The state of the reading and what findings, counts and places do to it.

    memory: the findings of the sentences before, to which "one", "two", "none" may refer.
    """

    def __init__(self, line: Line, memory: list[Finding]) -> None:
        self.line, self.memory = line, memory
        self.findings: list[Finding] = []
        self.polarity: Polarity = "present"
        self.cue: Mark | None = None
        self.taken = 0  # findings under the present cue
        self.closed = 0  # findings before this one are no subject of a later predicate
        self.chunk = 0  # the findings since the last comma start here
        self.told = False  # a verb such as "shows" governs the findings after it
        self.open: list[Finding] = []  # the findings that the next place belongs to
        self.fresh = True  # the next finding opens a new group
        self.earlier: list[Finding] = []  # the group before a contrast
        self.copies: list[Finding] = []  # "... but not in": the group again, at another place
        self.heading: list[Mark] = []
        self.adjective: Mark | None = None
        self.counted: Mark | None = None
        self.compared = False  # after "than": the places that follow are not the findings'
        self.hypothesis: str | None = None
        self.exception: int | None = None
        self.index = 0

    # findings

    def _on_finding(self, mark: Mark) -> None:
        finding = Finding(mark, self.polarity, [mark, *self._cues()])
        finding.supposed = self.hypothesis is not None and mark.kind not in ("refer", "quality")
        if mark.kind in PLACED:
            self._take_count(finding)
            self._take_place(finding)
        self._add(finding)

    def _cues(self) -> list[Mark]:
        return [self.cue] if self.cue else []

    def _add(self, finding: Finding) -> None:
        finding.heading = self.heading
        if finding.mark.kind in PLACED:
            if self.fresh or (self.open and self.open[-1].polarity != finding.polarity):
                self.open = []
            self.open.append(finding)
            self.fresh, self.copies = False, []
        self.findings.append(finding)
        self.taken += 1

    def _take_count(self, finding: Finding) -> None:
        before = self.open[-1] if self.open and not self.fresh else None
        if self.counted is not None:
            self._count(finding, self.counted)
            self.counted = None
        elif before and before.vague and self._shares(before, finding):
            finding.count, finding.vague = before.count, True

    def _shares(self, before: Finding, finding: Finding) -> bool:
        """Whether a vague quantifier reaches the next finding: 'few MA and HE', and 'few MA, HE', where it opens the list."""
        opens = self.open[0].vague and self.open[0].count == before.count
        return self.line.paired(before.mark, finding.mark) or (opens and self.line.listed(before.mark, finding.mark))

    def _count(self, finding: Finding, mark: Mark) -> None:
        count, vague = mark.value
        finding.marks.append(mark)
        if count.n == 0:
            finding.polarity = "absent"
        else:
            finding.count, finding.vague = count, vague

    def _take_place(self, finding: Finding) -> None:
        before = self.findings[-1].mark if self.findings else None
        used = self.adjective and before and self.adjective.start < before.start
        if used and before and not self.line.paired(before, finding.mark):
            self.adjective = None
        if self.adjective:
            finding.at(self.adjective)
        if self.open and self.open[-1].polarity == finding.polarity and self.line.copula(self.open[-1].mark, finding.mark):
            finding.places += self.open[-1].places
            finding.count = finding.count or self.open[-1].count
            finding.dropped = finding.dropped or finding.mark.kind == "other"
        if isinstance(finding.mark.value, Named) and finding.mark.value.region:
            finding.places.append(finding.mark.value.region)

    def _set(self, polarity: Polarity, cue: Mark | None) -> None:
        self.polarity, self.cue, self.taken, self.copies = polarity, cue, 0, []

    # counts

    def _on_count(self, mark: Mark) -> None:
        if self.line.counts(self.index):
            joined = self.line.before(mark).endswith((",", "and", "with", "&"))
            if self.polarity == "absent" and self.taken and mark.value[0].n and joined:
                self._set("present", None)  # "no haemorrhages, a few exudates"
            self.counted = mark
        elif self._count_of_place(mark):
            return
        elif self.open and (self.open[-1].vague or not self.open[-1].count) and self.line.counted_after(self.open[-1].mark, mark):
            self._count(self.open[-1], mark)
        elif len(self.findings) == self.chunk:
            self._count_again(mark)

    def _count_of_place(self, mark: Mark) -> bool:
        """'Haemorrhages superotemporally (3) and inferotemporally (2)': one finding per place."""
        place = self.line.marks[self.index - 1] if self.index else None
        if place is None or place.kind != "place" or len(self.open) != 1 or not self.line.counts_place(place, mark):
            return False
        whole = self.open[0]
        if not whole.places or whole.places[-1] != place.value:
            return False
        whole.places.pop()
        part = Finding(whole.mark, whole.polarity, [whole.mark, place], places=[place.value])
        self._count(part, mark)
        whole.dropped = not whole.places and whole.count is None
        self.findings.append(part)
        return True

    def _count_again(self, mark: Mark) -> None:
        """A count without a finding of its own: 'at least 20 in each', 'one in the macula', 'the temporal retina contains two'."""
        following = self.line.marks[self.index + 1] if self.index + 1 < len(self.line.marks) else None
        each = following is not None and (following.kind == "each" or following.value == EVERYWHERE)
        if each and self.open:
            self._count(self.open[-1], mark)
        elif self.line.place_follows(self.index) or self.heading or (following and following.kind == "affirm"):
            self._refer_back(mark, "present")
        elif mark.value[1] and self._group() and not self._group()[-1].count:
            self._count(self._group()[-1], mark)  # "exudates, though few"

    def _refer_back(self, mark: Mark, polarity: Polarity) -> None:
        """A pronoun stands for the lesion that was named last."""
        codes = [finding.code for finding in (*self.memory, *self.findings) if finding.code]
        if not codes:
            return
        again = Finding(Mark("lesion", mark.start, mark.end, Named(codes[-1])), polarity, [mark], supposed=self.hypothesis is not None)
        if mark.kind == "count":
            self._count(again, mark)
        self.fresh = True
        self._add(again)

    # places

    def _on_side(self, mark: Mark) -> None:
        if self.line.modifies(self.index):
            self.adjective = mark

    def _on_place(self, mark: Mark) -> None:
        if mark.value is None or self.compared:
            return
        if self.line.modifies(self.index):
            self.adjective = mark
        elif self._is_subject(mark):
            self.open, self.heading = [], [mark]
        elif self.copies:
            for finding in self.copies:
                finding.at(mark)
        elif self._elliptic():
            self._copy_group(mark)
        elif self.open:
            for finding in self.open:
                finding.at(mark)
            self.fresh = True
        else:
            self.heading.append(mark)

    def _is_subject(self, mark: Mark) -> bool:
        """'..., the inferior retina shows exudates', '... superonasal: haemorrhages': what follows lies there."""
        following = self.line.marks[self.index + 1] if self.index + 1 < len(self.line.marks) else None
        return bool(self.open) and (self.line.after(mark).startswith(":") or (following is not None and following.kind == "show"))

    def _elliptic(self) -> bool:
        """'... but not in the nasal retina', '... sparing the fovea', '... except in the macula'."""
        before = self.line.marks[self.index - 1].kind if self.index else ""
        after_cue = self.polarity == "absent" or self.exception == len(self.findings) or (not self.open and before == "affirm")
        return after_cue and self.taken == 0 and bool(self._group()) and not self.line.finding_follows(self.index)

    def _group(self) -> list[Finding]:
        return [finding for finding in self.open or self.earlier if finding.code]

    def _copy_group(self, mark: Mark) -> None:
        copies = [Finding(f.mark, self.polarity, [f.mark, *self._cues()], supposed=f.supposed) for f in self._group()]
        for copy in copies:
            copy.at(mark)
        self.findings += copies
        self._set("present", None)
        self.copies = copies
