"""What one person at one browser has: photographs that wait, cases that were read, which one is open. Gone with the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from apps.cases import Case, Upload
from apps.queue import Line, Ticket
from fusion.eyes import compare
from retinai.names import shown
from retinai.types import Eye, Patient

if TYPE_CHECKING:
    from apps.canvas import Scene

MOST = 60
"""Photographs in one session. Each stays in memory as the file that it came as."""


@dataclass(frozen=True, slots=True)
class Door:
    """line: of its own, so that nobody waits for a model; look: gives the case of a photograph that is turned away, None for one that
    may go on, and raises for a file that is none."""

    line: Line
    look: Callable[[Upload], Case | None]


class Session:
    """cases: in the order in which they were read; page: what is looked at, and the case of that number where it is one;
    focus, nonce: the lesion in view, None for the whole picture, and how often the picture was sent to fly; reading: the upload that
    `ticket` is for; door: the one that the quality gate looks at; fit: numbers of those that it let through; blind: whether the own grade
    comes first; own: case number -> that grade, None for ungradable; seen: checksums of the photographs whose reading by the model was
    shown, to which no later grade is blind; late: those of them that were graded all the same; kept: an opinion, in words;
    message: to be shown once."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.waiting: deque[Upload] = deque()
        self.ticket: Ticket | None = None
        self.reading: Upload | None = None
        self.door: tuple[Upload, Ticket] | None = None
        self.fit: set[int] = set()
        self.page: Literal["start", "list", "case"] = "start"
        self.number = 0
        self.focus: str | None = None
        self.nonce = 0
        self.row: str | None = None
        self.scene: tuple[str, Scene] | None = None
        self.blind = False
        self.own: dict[int, int | None] = {}
        self.seen: set[str] = set()
        self.late: set[str] = set()
        self.kept: dict[int, str] = {}
        self.message = ""
        self.count = self.patients = self.turns = self.before = 0

    def show(self, number: int) -> None:
        """Look at a case, the whole picture first."""
        self.page, self.number, self.focus, self.row, self.scene = "case", number, None, None, None

    def fly(self, lesion: str | None) -> None:
        """Send the picture to a lesion; to the one already in view, or to None, means back."""
        self.focus = None if lesion == self.focus else lesion
        self.nonce += 1

    def pick(self, row: str | None) -> None:
        """A row of the lesion table is selected. A table tells so in every run, and only a change moves the picture."""
        if row != self.row:
            self.row = row
            if row != self.focus:
                self.fly(row)

    def add(self, files: Iterable[tuple[str, bytes, Eye | None]], together: bool = False) -> int:
        """Take photographs in, each with its name, content and eye; together: they are of one patient. Returns how many were too many."""
        self.turns += 1
        if not self.waiting:
            self.before = self.count
        files = list(files)
        taken = files[: max(0, MOST - self.count)]
        for position, (name, data, eye) in enumerate(taken):
            self.count += 1
            self.patients += 0 if together and position else 1
            self.waiting.append(Upload(self.count, shown(name), data, self.patients, eye))
        return len(files) - len(taken)

    def step(self, line: Line, read: Callable[[Upload], Case], door: Door | None = None) -> bool:
        """Collect what is done, put the next photograph into the line. Returns whether a case was added.

        door: looks at each photograph before it goes into the line; one that it turns away has its case at once.
        """
        turned_away, added = self._pass(door), self._collect()
        if self.ticket and self.ticket.lost:  # a page that slept comes back
            self.ticket = None
        upload = next((each for each in self.waiting if door is None or each.number in self.fit), None)
        if self.ticket is None and upload is not None:
            self.reading, self.ticket = upload, line.join(partial(read, upload))
        return added or turned_away

    def _pass(self, door: Door | None) -> bool:
        """Move one photograph on at the door. Returns whether it was turned away, with a case."""
        if door is None:
            return False
        if self.door is None:
            upload = next((each for each in self.waiting if each.number not in self.fit), None)
            if upload is not None:
                self.door = upload, door.line.join(partial(door.look, upload))
            return False
        upload, ticket = self.door
        door.line.place(ticket)
        if not ticket.done:
            self.door = None if ticket.lost else self.door
            return False
        self.door = None
        if ticket.error is None and ticket.outcome is None:
            self.fit.add(upload.number)
            return False
        self._add(upload, ticket)
        return True

    def _collect(self) -> bool:
        if self.ticket is None or self.reading is None or not self.ticket.done:
            return False
        self._add(self.reading, self.ticket)
        self.ticket = self.reading = None
        return True

    def _add(self, upload: Upload, ticket: Ticket) -> None:
        """The case of a photograph that waits no longer."""
        self.waiting.remove(upload)
        self.cases.append(ticket.outcome or Case(upload, error=ticket.error))
        if self.page == "start" and not self.waiting:
            self.show(self.cases[-1].upload.number)

    def stop(self, line: Line, door: Door | None = None) -> None:
        """Let go of all that waits."""
        if self.ticket:
            line.leave(self.ticket)
        if self.door and door:
            door.line.leave(self.door[1])
        self.ticket = self.reading = self.door = None
        self.waiting.clear()

    def batch(self) -> tuple[int, int]:
        """How many photographs of the present batch were read, and how many it has."""
        return self.count - len(self.waiting) - self.before, self.count - self.before

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def case(self, number: int) -> Case | None:
        return next((case for case in self.cases if case.upload.number == number), None)

    def eyes(self, case: Case) -> list[Case]:
        """The cases of the same patient that were read, in the order in which they came."""
        mine = [other for other in self.cases if other.upload.patient == case.upload.patient and other.explanation]
        return sorted(mine, key=lambda other: other.upload.number)

    def patient(self, case: Case) -> Patient | None:
        """Both eyes of this case's patient together; None where one is missing, or still hidden from the second reader."""
        eyes = {other.upload.eye: other for other in self.eyes(case)}
        right, left = eyes.get("right"), eyes.get("left")
        if not right or not left or not right.explanation or not left.explanation or self.hidden(right) or self.hidden(left):
            return None
        return compare(right.explanation, left.explanation)

    def saw(self, case: Case) -> None:
        """The model's reading of this photograph is being shown."""
        if case.explanation is not None and case.explanation.quality.gradable:
            self.seen.add(case.upload.sha256)

    def hidden(self, case: Case) -> bool:
        """Whether the model's reading stays hidden until the own grade is given."""
        gradable = case.explanation is not None and case.explanation.quality.gradable
        return self.blind and gradable and case.upload.number not in self.own
