"""One photograph twice: found by the content of the files, reported, and left out where a model would be misled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from retinai.files import sha256_of
from retinai.readers.listing import Listing, Problem
from retinai.readers.record import Record

_LABELS = ("grade", "dme", "maculopathy", "label")
_RANK = ("test", "validation", "train", "unlabelled")  # the split whose copy stays, first to last


def same_bytes(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of two or more files with the same content (SHA-256), each in order of path.

    Only files of equal size are read; empty and unreadable ones are no copies of each other.
    """
    sizes: dict[int, list[Path]] = defaultdict(list)
    for path in sorted(set(paths)):
        sizes[path.stat().st_size].append(path)
    contents: dict[str, list[Path]] = defaultdict(list)
    for size, alike in sizes.items():
        for path in alike if size and len(alike) > 1 else ():
            contents[_digest(path)].append(path)
    return [group for group in contents.values() if len(group) > 1]


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return str(path)


def copies(records: Sequence[Record]) -> list[list[int]]:
    """Groups of positions in `records` that show one photograph: equal bytes, or one file listed twice."""
    places: dict[Path, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        places[record.image].append(place)
    groups = [[place for path in group for place in places.pop(path)] for group in same_bytes(places)]
    return [sorted(group) for group in [*groups, *places.values()] if len(group) > 1]


def kept_copies(records: Sequence[Record]) -> list[int]:
    """Which of the records of one photograph stay (positions).

    Test copies all stay, so that published figures stay comparable, and nothing else does beside them. Otherwise the
    first of the highest split stays (validation, then training), or none where the labels of that split's copies differ.
    """
    best = min(_RANK.index(record.split) for record in records)
    kept = [place for place, record in enumerate(records) if _RANK.index(record.split) == best]
    if _RANK[best] == "test":
        return kept
    return [] if differ([records[place] for place in kept]) else kept[:1]


def differ(records: Sequence[Record]) -> bool:
    """Whether records of one photograph disagree in a label that more than one of them has."""
    return any(len({getattr(r, key) for r in records} - {None}) > 1 for key in _LABELS)


def report_copies(listing: Listing, group: Sequence[int], kept: Sequence[int]) -> Problem:
    """The problem with a group of copies. group, kept: positions in the listing's records."""
    records = [listing.records[place] for place in group]
    kind = "leak" if len({r.split for r in records}) > 1 else "copy"
    words = f"{_and([describe(r) for r in records])} are one photograph{' with different labels' if differ(records) else ''}"
    stay = "all" if len(kept) == len(group) else _and([_name(listing.records[place]) for place in kept]) or "none"
    first = next((listing.records[place] for place in group if place not in kept), records[0])
    return Problem(first.image, kind, f"{words}; kept: {stay}")


def describe(record: Record) -> str:
    """'train IDRiD_021 (grade 1, DME 0)'"""
    values = {"grade": record.grade, "DME": record.dme, "maculopathy": record.maculopathy, "label": record.label}
    words = ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)
    return _name(record) + (f" ({words})" if words else "")


def _name(record: Record) -> str:
    return f"{record.split} {record.id}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
