"""The words on a command line -> photographs to read, each with a name of its own for its results."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retinai.errors import UsageError
from retinai.files import SUFFIXES, folders, photographs, read_bytes, sha256_of, visible
from retinai.names import MARK, safe_name, same_folder, shown

STDIN = Path("-")
"""The word for a photograph that comes through a pipe."""
SHORT = 8
"""Digits of a checksum that tell two photographs of one name apart."""
_PIPES = re.compile(r"/dev/(stdin|fd/\d+)|/proc/self/fd/\d+")
_MAGIC = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, and the name of its results: of its folder, and in its document."""

    path: Path
    name: str

    @property
    def usual(self) -> bool:
        """Whether the results are named as anyone would expect, by the file's stem."""
        return _is_pipe(self.path) or self.name == self.path.stem

    @property
    def shown(self) -> str:
        """What the file is called in messages."""
        return "standard input" if self.path == STDIN else shown(self.path)

    def read(self) -> bytes:
        """The file's bytes, read once: a pipe gives them once. Raises ImageError."""
        from retinai.decoding.limits import MAX_FILE_BYTES  # whose package loads arrays

        return read_bytes(Path("/dev/stdin") if self.path == STDIN else self.path, MAX_FILE_BYTES)


def find_inputs(words: Iterable[str]) -> list[Input]:
    """Files, folders (their pictures at any depth), glob patterns and '-', in the order given, each file once.

    Each has a name of its own, whatever the file system makes of upper and lower case: see `named`. What exists is never taken for
    a pattern; hidden files are read only where they are named. Raises UsageError where a word finds nothing.
    """
    return named(list(dict.fromkeys(path for word in words for path in _expand(word))))


def named(paths: Sequence[Path]) -> list[Input]:
    """Each file with a name that no other one has, which does not depend on their order.

    It is the safe form of the stem. Where several files would have it, none of them has: each gets the first eight digits of its
    SHA-256 on top (the `image_sha256` of its document), and, where several are one photograph, a number.
    """
    alike: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        alike[same_folder(_name(path))].append(path)
    return [Input(path, _name(path) if len(group := alike[same_folder(_name(path))]) == 1 else _apart(path, group)) for path in paths]


def made_up(name: str, sha256: str) -> str:
    """The name of a photograph whose safe name another one has."""
    return f"{name}{MARK}{sha256[:SHORT]}"


def _apart(path: Path, group: Sequence[Path]) -> str:
    tags = {each: _digits(each)[:SHORT] for each in group}
    copies = sorted(each for each in group if tags[each] == tags[path])
    number = f"{MARK}{copies.index(path) + 1}" if len(copies) > 1 else ""
    return made_up(_name(path), tags[path]) + number


def _digits(path: Path) -> str:
    """The checksum of the content; of the path, where the content cannot be read, or only once."""
    try:
        if path.is_file():
            return sha256_of(path)
    except OSError:
        pass
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def _name(path: Path) -> str:
    return "stdin" if str(path) in ("-", "/dev/stdin") else "pipe" if _is_pipe(path) else safe_name(path)


def _is_pipe(path: Path) -> bool:
    return path == STDIN or bool(_PIPES.fullmatch(str(path)))


def _expand(word: str) -> Iterator[Path]:
    path = Path(word)
    if path == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("- reads a photograph from a pipe, and nothing is piped in")
        yield STDIN
    elif os.path.isdir(path):
        found = list(photographs(path))
        if not found:
            raise UsageError(f"no photographs in the folder {shown(word)}: looked for {', '.join(sorted(SUFFIXES))}")
        yield from found
    elif os.path.exists(path):
        yield path
    else:
        yield from _matching(path)


def _matching(pattern: Path) -> Iterator[Path]:
    """The files that match, and the photographs in the folders that do. Brackets in what exists are no pattern."""
    found = [Path(pattern.anchor)]
    for part in pattern.relative_to(pattern.anchor).parts:
        found = [path for folder in found for path in _step(folder, part)]
    files = [path for each in found for path in (photographs(each) if os.path.isdir(each) else [each])]
    if not files:
        raise UsageError(f"no image at {shown(pattern)}")
    yield from files


def _step(folder: Path, part: str) -> Iterable[Path]:
    if part == "**":
        return folders(folder)
    if os.path.exists(folder / part):
        return [folder / part]
    return visible(folder, part) if _MAGIC.search(part) and os.path.isdir(folder) else []
