"""Messidor-2 with the adjudicated grades of Krause et al. (Ophthalmology 2018). All of it is for testing."""

from __future__ import annotations

from pathlib import Path

from retinai.errors import DataError
from retinai.readers.listing import Listing, Photographs
from retinai.readers.record import Record
from retinai.readers.tables import find_table, read_rows, whole

COLUMNS = ("image_id", "adjudicated_dr_grade", "adjudicated_dme", "adjudicated_gradable")


def has_adjudicated(root: Path) -> bool:
    """Whether `root` has such a table."""
    return find_table(Path(root), *COLUMNS) is not None


def list_messidor(root: Path) -> Listing:
    """A CSV file with the four columns in `root`, the photographs anywhere below it.

    Where `adjudicated_gradable` is 0 there is no grade. The oedema column says only whether it is referable.
    """
    table = find_table(Path(root), *COLUMNS)
    if table is None:
        raise DataError(f"no Messidor-2 labels: expected a CSV file in {root} with the columns {', '.join(COLUMNS)}")
    listing, photographs = Listing("messidor2", Path(root)), Photographs(Path(root))
    for row in read_rows(table, *COLUMNS):
        name, gradable = row["image_id"], not _is_zero(row["adjudicated_gradable"])
        record = Record(Path(name).stem, "test", photographs.find(name), "messidor2", gradable=gradable)
        labels = {"grade": row["adjudicated_dr_grade"], "maculopathy": row["adjudicated_dme"]} if gradable else {}
        listing.add(record, table, **labels)
    listing.problems += photographs.unlisted(table)
    return listing


def _is_zero(text: str) -> bool:
    try:
        return whole(text, 1) == 0
    except ValueError:
        return False
