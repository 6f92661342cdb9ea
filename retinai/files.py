"""Files known by their content, and files that are written whole or not at all. Standard library only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_folder(folder: Path, *patterns: str) -> str:
    """SHA-256 over the files of a folder that match, in order of name, by which two models of one name are told apart."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        digest.update(bytes.fromhex(sha256_of(path)))
    return digest.hexdigest()


@contextmanager
def whole(path: Path, mode: str = "w", newline: str | None = None) -> Iterator[IO[Any]]:
    """A file to write, UTF-8 unless binary, that takes the place of `path` when all is written: a reader never meets half of it.

    Processes that write the same file do not disturb each other; the last one stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open(mode, encoding=None if "b" in mode else "utf-8", newline=newline) as file:
        yield file
    partial.replace(path)
