"""The line before the models: one at a time, in order, and an error ends nothing but its own ticket."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest

from apps.queue import FAILED, PATIENCE_S, Line
from retinai.errors import ImageError


def until(true: Callable[[], object]) -> None:
    """Wait for the line's thread, a minute at the most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "the line stands still"
        time.sleep(0.005)


def test_one_at_a_time_and_in_order() -> None:
    line, at_once, seen = Line(), [], []
    running = threading.Semaphore(1)

    def work(number: int) -> int:
        at_once.append(running.acquire(blocking=False))
        time.sleep(0.01)
        running.release()
        seen.append(number)
        return number

    tickets = [line.join(lambda n=n: work(n)) for n in range(5)]
    until(lambda: tickets[-1].done)
    assert seen == [0, 1, 2, 3, 4] and all(at_once)
    assert [ticket.outcome for ticket in tickets] == seen


def test_places_are_seen_and_left() -> None:
    line, gate = Line(), threading.Event()
    tickets = [line.join(gate.wait), *(line.join(lambda: None) for _ in range(3))]
    assert [line.place(ticket) for ticket in tickets] == [0, 1, 2, 3]
    line.leave(tickets[1])
    assert [line.place(ticket) for ticket in tickets[2:]] == [1, 2]
    gate.set()
    until(lambda: tickets[-1].done)
    assert not tickets[1].done and line.place(tickets[3]) == 0


def test_an_expected_error_is_its_line() -> None:
    def work() -> None:
        raise ImageError("this file is empty (0 bytes)")

    line = Line()
    ticket = line.join(work)
    until(lambda: ticket.done)
    assert (ticket.outcome, ticket.error) == (None, "this file is empty (0 bytes)")


def test_an_unexpected_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with caplog.at_level(logging.ERROR, "retinai.viewer"):
        ticket = line.join(lambda: 1 // 0)
        after = line.join(lambda: "goes on")
        until(lambda: after.done)
    assert ticket.error == FAILED and "division" not in FAILED
    assert "ZeroDivisionError" in caplog.text and after.outcome == "goes on"


def test_a_page_that_was_closed_loses_its_place() -> None:
    line, gate, done = Line(), threading.Event(), []
    first = line.join(gate.wait)
    closed, open_ = line.join(lambda: done.append("closed")), line.join(lambda: done.append("open"))
    closed.asked = open_.asked = time.monotonic() - PATIENCE_S - 1
    line.place(open_)
    gate.set()
    until(lambda: open_.done)
    assert first.done and closed.lost and not closed.done and done == ["open"]
