"""libtiff and libpng write their complaints to the process's stderr themselves; the user reads one line, and that is ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing reaches file descriptor 2 meanwhile, from any thread; so this is only held around formats that are rare."""
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # there is no stderr
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
