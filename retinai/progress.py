"""Progress on stderr: a bar on a terminal, a line now and then elsewhere, nothing on stdout."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_QUIET_SECONDS = 30.0  # between lines where there is no terminal


class Progress:
    """`with Progress("training", 100) as p: p.to(3, "loss 0.1")`."""

    def __init__(self, label: str, total: int, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self.label, self.total = label, total
        self.quiet, self.fancy = quiet, console.is_terminal and not quiet
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self.started = self.last = time.monotonic()
        self.first: int | None = None

    def __enter__(self) -> Progress:
        if self.fancy:
            self.bar.start()
            self.task = self.bar.add_task(self.label, total=self.total, note="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.fancy:
            self.bar.stop()

    def to(self, done: int, note: str = "") -> None:
        """Say that `done` of the total are done."""
        if self.fancy:
            self.bar.update(self.task, completed=done, note=note)
        elif not self.quiet:
            self._line(done, note)

    def _line(self, done: int, note: str) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first = done
        if now - self.last < _QUIET_SECONDS:
            return
        self.last = now
        left = (now - self.started) / max(1, done - self.first) * (self.total - done)
        print(f"{self.label} {done}/{self.total}, {left / 60:.0f} min left  {note}".rstrip(), file=sys.stderr, flush=True)
