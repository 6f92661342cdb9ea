"""The words on a command line -> photographs to read, each with a name of its own for its results."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from retinai.errors import UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".jp2")
"""What is taken from a folder. A file that is named is read whatever its suffix."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, and the name of its folder of results."""

    path: Path
    name: str


def find_inputs(words: Iterable[str]) -> list[Input]:
    """Files, folders (their pictures, not those of folders inside) and glob patterns, in the order given, each file once.

    Names are the files' stems; a stem that comes again gets -2, -3, ... Raises UsageError where a word finds nothing.
    """
    paths = dict.fromkeys(path for word in words for path in _expand(word))
    taken: dict[str, int] = {}
    found = []
    for path in paths:
        taken[path.stem] = taken.get(path.stem, 0) + 1
        count = taken[path.stem]
        found.append(Input(path, path.stem if count == 1 else f"{path.stem}-{count}"))
    return found


def _expand(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        pictures = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        if not pictures:
            raise UsageError(f"no photographs in the folder {word}: looked for {', '.join(SUFFIXES)}")
        yield from pictures
    elif path.exists():
        yield path
    else:
        matches = sorted(Path(match) for match in glob.glob(word) if Path(match).is_file())
        if not matches:
            raise UsageError(f"no image at {word}")
        yield from matches
