"""From a data set as published to splits that nothing leaks between."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from retinai.readers.copies import copies, describe, kept_copies, report_copies
from retinai.readers.listing import Listing, Problem
from retinai.readers.record import Record

SHARE = 0.2
"""Of the training part, held out for validation where the data set has no validation part of its own."""
_STRONGEST = ("drop", "validation", "train")


def prepare(listing: Listing) -> Listing:
    """Leave out leaks and copies, and hold out a validation split where there is none. Everything left out is reported."""
    groups = copies(listing.records)
    pins = _spread(listing, groups)
    out = {place for place, r in enumerate(listing.records) if r.split == "train" and pins.get(r.id) == "drop"}
    leaks = [_dropped(listing.records[place]) for place in sorted(out)]
    found = [*listing.problems, *leaks, *_patient_leaks(listing.records)]
    for group in groups:
        left = [place for place in group if place not in out]
        if len(left) < 2:
            continue
        kept = left if listing.fixed else [left[i] for i in kept_copies([listing.records[place] for place in left])]
        found.append(report_copies(listing, left, kept))
        out |= set(left) - set(kept)
    records = [r for place, r in enumerate(listing.records) if place not in out]
    if not listing.fixed and all(r.split != "validation" for r in records):
        records = hold_out(records, pins)
    dropped = [listing.records[place] for place in sorted(out)]
    return replace(listing, records=records, problems=found, pins=pins, dropped=dropped)


def hold_out(records: Sequence[Record], pins: Mapping[str, str] | None = None) -> list[Record]:
    """Move a fixed fifth of the training records to 'validation'. The rule:

    All records of a patient stay together (without patients, each is its own). Patients are sorted into strata by source,
    class and highest grade. In each stratum those pinned to validation go there first; then, in ascending order of
    the SHA-256 of their name, those without a pin, until a fifth of the stratum (rounded half up) is held out. The name is
    hashed rather than the file, so that a resized copy of the data set is split like the original.
    """
    pins = pins or {}
    patients: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.split == "train":
            patients[record.patient or record.id].append(record)
    strata: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for name, photographs in patients.items():
        strata[_stratum(photographs)].append(name)
    held_out = {name for names in strata.values() for name in _fifth(names, patients, pins)}
    return [replace(r, split="validation") if r.split == "train" and (r.patient or r.id) in held_out else r for r in records]


def _stratum(photographs: Sequence[Record]) -> tuple[str, str, int]:
    grades = [r.grade for r in photographs if r.grade is not None]
    return photographs[0].source, photographs[0].label or "", max(grades, default=-1)


def _fifth(names: Sequence[str], patients: Mapping[str, Sequence[Record]], pins: Mapping[str, str]) -> list[str]:
    places = {name: {pins[r.id] for r in patients[name] if r.id in pins} for name in names}
    pinned = [name for name in names if "validation" in places[name]]
    free = sorted((name for name in names if not places[name]), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    wanted = int(SHARE * len(names) + 0.5)
    return pinned + free[: max(0, wanted - len(pinned))]


def _spread(listing: Listing, groups: Sequence[Sequence[int]]) -> dict[str, str]:
    """The listing's pins, with those of a photograph given to its copies too."""
    pins = dict(listing.pins)
    for group in groups:
        names = [listing.records[place].id for place in group if listing.records[place].split == "train"]
        found = [pins[name] for name in names if name in pins]
        if found:
            pins.update(dict.fromkeys(names, min(found, key=_STRONGEST.index)))
    return pins


def _dropped(record: Record) -> Problem:
    return Problem(record.image, "leak", f"{describe(record)} shows a segmentation test photograph; left out")


def _patient_leaks(records: Sequence[Record]) -> list[Problem]:
    """A problem for each patient in more than one published split."""
    seen: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in records:
        if record.patient is not None:
            seen[record.patient].setdefault(record.split, record)
    return [
        Problem(next(iter(splits.values())).image, "leak", f"patient {patient} is in {' and '.join(sorted(splits))}")
        for patient, splits in seen.items()
        if len(splits) > 1
    ]
