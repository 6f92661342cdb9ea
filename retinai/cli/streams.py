"""stdout and stderr as they are met: names that a terminal would act on, closed pipes, full disks, other encodings."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup

from retinai.errors import OutputError
from retinai.names import shown

_NOT_WRITTEN = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def say(line: object) -> None:
    """One line on stderr, whatever stands in it. Where stderr is gone there is nobody to tell."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"retinai: {shown(line)}", file=sys.stderr, flush=True)


def print_anything() -> None:
    """Let both streams escape what their encoding lacks, rather than fail at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def lose_stdout(error: OSError) -> bool:
    """Send what is still printed nowhere, so that nothing fails at it again, not even the end of Python.

    Returns whether that is a failure, and then says so: `retinai ... | head` is none.
    """
    if sys.stdout is not None:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return False
    say(f"cannot write the output: {error.strerror}")
    return True


@contextmanager
def ending_at_interrupt() -> Iterator[None]:
    """Ctrl-C ends the program with 130 and without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # and not ignored, as behind nohup
        signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """At an import leave at once: nothing is written then, and many an extension swallows the exception and goes on half imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(130)
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def _printing() -> Iterator[None]:
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit:  # with 1, by rich, at a closed pipe; no command leaves like that
        raise typer.Exit(0) from None
    except OSError as error:
        if error.errno in _NOT_WRITTEN and error.filename is None:
            raise typer.Exit(1 if lose_stdout(error) else 0) from None
        raise OutputError(f"{error.filename or 'failed'}: {error.strerror}") from error


class Shell(TyperGroup):
    """All commands: a closed pipe ends them quietly, a full disk with one line."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _printing():  # of help and version
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _printing():
            return super().invoke(ctx)
