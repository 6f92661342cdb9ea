"""DDR (Li et al., Information Sciences 2019), its grading part: ICDR grades, and 5 for what cannot be graded."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import SPLIT_WORDS, Listing, Photographs, Problem
from retinai.readers.record import Record

FOLDER = "DR_grading"
_UNGRADABLE = "5"


def list_ddr(root: Path) -> Listing:
    """`DR_grading/{train,valid,test}.txt` beside folders of the same names. root may be `DR_grading` itself."""
    base = Path(root) / FOLDER if (Path(root) / FOLDER).is_dir() else Path(root)
    tables = [base / f"{name}.txt" for name in ("train", "valid", "test") if (base / f"{name}.txt").is_file()]
    if not tables:
        raise DataError(f"no DDR labels: expected {base / 'train.txt'} with a line 'NAME.jpg GRADE' for each photograph")
    listing = Listing("ddr", Path(root))
    for table in tables:
        listing.attempt(_add, table)
    return listing


def _add(listing: Listing, table: Path) -> None:
    photographs = Photographs(table.with_suffix(""))
    for number, line in enumerate(table.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        words = line.rsplit(maxsplit=1)
        if len(words) == 1:
            listing.problems.append(Problem(table, "label", f"line {number} is not 'NAME.jpg GRADE': {line[:40]!r}"))
        if len(words) < 2:
            continue
        path, gradable = photographs.find(words[0].strip()), words[1] != _UNGRADABLE
        record = Record(path.stem, SPLIT_WORDS[table.stem], path, "ddr", gradable=gradable)
        labels = {"grade": words[1]} if gradable else {}
        listing.add(record, table, **labels)
    listing.problems += photographs.unlisted(table)
