"""One photograph at a time, first come first served: the line before the models, whose places people can see.

The work is done by a thread of its own, so that a page stays usable while its photograph waits or is read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from retinai.errors import RetinaiError

PATIENCE_S = 180.0
"""A ticket that nobody asks about for so long belongs to a page that was closed: even in the background a page asks once a minute."""
FAILED = "Something went wrong here. The server's log says what, without naming the file."

log = logging.getLogger("retinai.viewer")


class Ticket:
    """A piece of work in the line. outcome: what it gave, None until done; error: one plain line where it failed; lost: nobody asked
    about it for so long that its turn passed."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.done = self.lost = False
        self.outcome: Any = None
        self.error: str | None = None
        self.asked = time.monotonic()

    def run(self) -> None:
        """Do the work; whatever it raises becomes one line, and what was not expected goes to the log."""
        try:
            self.outcome = self.work()
        except RetinaiError as error:
            self.error = str(error)
        except Exception:
            log.exception("a photograph could not be read")
            self.error = FAILED
        finally:
            self.done = True


class Line:
    """The line and the one thread that serves it."""

    def __init__(self) -> None:
        self._tickets: deque[Ticket] = deque()
        self._change = threading.Condition()
        threading.Thread(target=self._serve, name="retinai-line", daemon=True).start()

    def join(self, work: Callable[[], Any]) -> Ticket:
        """Go to the end of the line."""
        ticket = Ticket(work)
        with self._change:
            self._tickets.append(ticket)
            self._change.notify()
        return ticket

    def place(self, ticket: Ticket) -> int:
        """How many are before it: 0 while it is served or done. Asking keeps the place."""
        ticket.asked = time.monotonic()
        with self._change:
            return self._tickets.index(ticket) if ticket in self._tickets else 0

    def leave(self, ticket: Ticket) -> None:
        """Give up the place. What is being served is finished, and nobody collects it."""
        with self._change:
            if ticket in self._tickets and self._tickets[0] is not ticket:
                self._tickets.remove(ticket)

    def _serve(self) -> None:
        while True:
            with self._change:
                while not self._tickets:
                    self._change.wait()
                ticket = self._tickets[0]
            ticket.lost = time.monotonic() - ticket.asked > PATIENCE_S
            if not ticket.lost:
                ticket.run()
            with self._change:
                self._tickets.popleft()
