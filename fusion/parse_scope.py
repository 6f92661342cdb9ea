"""The marks of one sentence -> its findings, each with polarity, count and places.

One pass from left to right. A denial or a doubt holds for the findings after it until a contrast, an exception, a new statement
or, after a denial, a counted finding ends it; a predicate ("... are absent") holds for the findings before it.
"""

from __future__ import annotations

from fusion.lexicon import Mark
from fusion.parse_group import Finding, Group
from fusion.parse_line import FINDINGS, PLACED
from retinai.types import Polarity


class Scope(Group):
    """Reads the marks of one sentence; `_on_deny` and the like are called by the kind of mark."""

    def read(self) -> list[Finding]:
        """The findings in reading order, supposed ones among them, without those that an exception overrules."""
        for index, mark in enumerate(self.line.marks):
            self.index = index
            if mark.kind in FINDINGS:
                self._on_finding(mark)
            else:
                getattr(self, f"_on_{mark.kind}", lambda _: None)(mark)
        for finding in self.findings:
            if finding.mark.kind in PLACED and not finding.places:
                for place in finding.heading:
                    finding.at(place)
        self._overrule()
        self._drop_headings()
        return [finding for finding in self.findings if not finding.dropped]

    # cues before findings

    def _on_deny(self, mark: Mark) -> None:
        if self.polarity != "uncertain" or self.taken:  # "probably no" stays a doubt
            self._set("absent", mark)

    def _on_doubt(self, mark: Mark) -> None:
        if self.line.words(mark).startswith("v") and self.open:  # "versus"
            self.open[-1].polarity = "uncertain"
        if not self.line.finding_follows(self.index):
            self._on_doubt_before(mark)
        elif self.polarity != "absent" or self.taken:
            self._set("uncertain", mark)

    def _on_assert(self, mark: Mark) -> None:
        self._set("present", None)

    def _on_definite(self, mark: Mark) -> None:
        if self.polarity == "uncertain" and self.taken:
            self._set("present", None)

    def _on_either(self, mark: Mark) -> None:
        target = self.line.next(self.index, frozenset({"lesion"}), ("count", "side"))
        if self.polarity == "present" and target is not None:
            self._set("uncertain", mark)

    def _on_show(self, mark: Mark) -> None:
        if self.taken:
            self._set("present", None)
        self.told = True

    def _on_with(self, mark: Mark) -> None:
        if self.polarity == "absent" and self.taken:
            self._set("present", None)
        self.fresh = True

    def _on_contrast(self, mark: Mark) -> None:
        self._set("present", None)
        self.hypothesis, self.told, self.fresh, self.compared = None, False, True, False
        self.closed = self.chunk = len(self.findings)
        self.earlier, self.open = self.open or self.earlier, []
        if self.heading and not self.line.after(self.heading[-1]).startswith(":"):
            self.heading = []

    def _on_comma(self, mark: Mark) -> None:
        self.chunk = len(self.findings)
        if self.hypothesis == "condition":
            self.hypothesis = None

    def _on_condition(self, mark: Mark) -> None:
        self.hypothesis = "condition"

    def _on_suppose(self, mark: Mark) -> None:
        self.hypothesis = "suppose"

    def _on_compare(self, mark: Mark) -> None:
        self.compared = True

    def _on_except(self, mark: Mark) -> None:
        everywhere = bool(self.open) and self.open[-1].polarity == "present" and self.polarity == "present"
        self._set("absent" if everywhere else "present", mark if everywhere else None)  # "in all quadrants except ..."
        self.exception = self.chunk = len(self.findings)
        self.fresh = True

    # predicates after findings

    def _on_affirm(self, mark: Mark) -> None:
        if self.line.modifies(self.index) and self.line.words(mark).isalpha():
            return  # "visible haemorrhages"
        self.closed, self.told = len(self.findings), False
        if self.taken:
            self._set("present", None)

    def _on_deny_before(self, mark: Mark) -> None:
        if (self.findings or self.memory) and self.chunk == len(self.findings) and self.line.place_follows(self.index):
            self._refer_back(mark, "absent")
        elif self.closed == len(self.findings) and self.line.finding_follows(self.index):
            self._set("absent", mark)  # "not seen: exudates"
        else:
            self._predicate(mark, "absent")

    def _on_doubt_before(self, mark: Mark) -> None:
        self._predicate(mark, "uncertain")

    def _predicate(self, mark: Mark, polarity: Polarity) -> None:
        for finding in self.findings[max(self.closed, self.chunk if self.told else 0) :]:
            if finding.polarity != "uncertain":
                finding.polarity = polarity
            finding.marks.append(mark)
        self.closed, self.told = len(self.findings), False
        self._set("present", None)

    def _drop_headings(self) -> None:
        """In 'Exudates: no hard exudates' the first word only announces the second."""
        for number, finding in enumerate(self.findings):
            later = {again.code for again in self.findings[number + 1 :] if again.mark is not finding.mark}
            if finding.code in later and self.line.after(finding.mark).startswith(":") and not (finding.count or finding.places):
                finding.dropped = finding.code is not None

    def _overrule(self) -> None:
        """What an exception names is no longer denied as a whole, and what is otherwise normal is not normal."""
        if self.exception is None:
            return
        named = {finding.code for finding in self.findings[self.exception :] if finding.polarity != "absent"}
        for number, finding in enumerate(self.findings):
            if finding.mark.kind == "normal":
                finding.mark = Mark("other", finding.mark.start, finding.mark.end)
            elif finding.polarity == "absent":
                again = number < self.exception and finding.code in named
                finding.dropped = again or finding.mark.kind in ("findings", "any_dr")
