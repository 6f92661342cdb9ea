"""Files known by their content, folders searched for photographs, files written whole or not at all. Standard library only."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from retinai.errors import ImageError, UsageError
from retinai.names import shown

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".jp2"})
"""What is taken from a folder. A file that is named is read whatever its suffix."""


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


def read_bytes(path: Path, most: int) -> bytes:
    """All of a photograph's file, which may be a pipe: it is opened once. most: bytes.

    Raises ImageError, one line, where it cannot be had or is longer.
    """
    if path.is_dir():
        raise ImageError(f"{shown(path)} is a folder, not a photograph")
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        raise ImageError(f"no image at {shown(path)}") from None
    except PermissionError:
        raise ImageError(f"no permission to read {shown(path)}") from None
    except OSError as error:
        raise ImageError(f"cannot read {shown(path)}: {error.strerror}") from None
    if len(data) > most:
        raise ImageError(f"{shown(path)} is larger than {most // 2**20} MB")
    return data


def photographs(folder: Path) -> Iterator[Path]:
    """The pictures in a folder and in the folders inside it, in order of path, known by their suffix.

    Hidden files and folders are left out (a Mac puts a `._a.jpg` beside every a.jpg), and folders of results, whose masks are no
    photographs. Raises UsageError where a folder cannot be listed.
    """
    found = [path for each in folders(folder) for path in visible(each) if path.suffix.lower() in SUFFIXES and path.is_file()]
    yield from sorted(found)


def folders(folder: Path, around: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """A folder and those inside it at any depth, without hidden ones and results.

    around: the folders that it lies in; a link that leads back to one of them is not followed.
    """
    here = folder.resolve()
    if here in around or is_result(folder):
        return
    yield folder
    for path in visible(folder):
        if path.is_dir():
            yield from folders(path, around | {here})


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """What lies in a folder and is not hidden, in order of name; nothing where there is no folder. Raises UsageError for one that
    cannot be listed."""
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"cannot list the folder {shown(folder)}: {error.strerror}") from None
    return [folder / name for name in fnmatch.filter(names, pattern) if not name.startswith(".") or pattern.startswith(".")]


def is_result(folder: Path) -> bool:
    """Whether a folder holds what was made of a photograph, be it half of it."""
    return (folder / "explanation.json").is_file() or ((folder / "lesions.csv").is_file() and (folder / "masks").is_dir())


@contextmanager
def whole(path: Path, mode: str = "w", newline: str | None = None) -> Iterator[IO[Any]]:
    """A file to write, UTF-8 unless binary, that takes the place of `path` when all is written: a reader never meets half of it.

    Processes that write the same file do not disturb each other; the last one stays. Where it fails, what was there stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open(mode, encoding=None if "b" in mode else "utf-8", newline=newline) as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
