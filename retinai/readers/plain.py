"""For everything without a reader of its own: a folder of class folders, or a CSV file with image and grade columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retinai.errors import DataError
from retinai.files import photographs, visible
from retinai.readers.listing import SPLIT_WORDS, Listing, Photographs, Problem
from retinai.readers.record import Record
from retinai.readers.tables import Row, columns, read_rows
from retinai.readers.words import grade_in_words

IMAGE_COLUMNS = ("image", "image_path", "image_id", "image name", "filename", "file", "path", "id_code", "name")
GRADE_COLUMNS = ("grade", "dr_grade", "level", "diagnosis", "retinopathy grade", "adjudicated_dr_grade")
_EYES = {"l": "left", "left": "left", "r": "right", "right": "right"}


def has_class_folders(root: Path) -> bool:
    """Whether folders in `root`, or in its train, valid and test folders, are named by two grades or more.

    One would not do: 'normal' stands beside other diseases too.
    """
    return len({grade_in_words(folder.name) for _, folder in _class_folders(Path(root))} - {None}) > 1


def list_folders(root: Path) -> Listing:
    """A folder for each grade, named by number or ICDR word, in `root` or in its train, valid and test folders."""
    listing, root = Listing("folders", Path(root)), Path(root)
    if not has_class_folders(root):
        raise DataError(f"no class folders: expected folders named 0 to 4, or No DR, Mild, Moderate, Severe, Proliferative, in {root}")
    for split, folder in _class_folders(root):
        grade = grade_in_words(folder.name)
        paths = list(photographs(folder))
        if grade is None:
            listing.problems.append(Problem(folder, "label", f"no grade has this name; its {len(paths)} photographs are left out"))
            continue
        names = ["_".join(path.relative_to(folder.parent).parts) for path in paths]
        listing.records += [Record(name, split, path, "folders", grade=grade) for name, path in zip(names, paths, strict=True)]
    if not listing.records:
        raise DataError(f"no photographs: expected JPEG, PNG, TIFF, BMP or JPEG 2000 files in the class folders of {root}")
    return listing


def find_csv(root: Path) -> Path | None:
    """`root` itself or the first CSV file in it that has an image and a grade column."""
    paths = [Path(root)] if Path(root).is_file() else visible(Path(root), "*.csv")
    return next((path for path in paths if all(_pick(columns(path)))), None)


def list_csv(root: Path) -> Listing:
    """A CSV file, or a folder with one. Optional columns: split, patient, eye, dme. Paths are relative to its folder."""
    table = find_csv(root)
    if table is None:
        raise DataError(f"no labels: expected a CSV file at {root} with a column {_or(IMAGE_COLUMNS)} and a column {_or(GRADE_COLUMNS)}")
    image, grade = _pick(columns(table))
    rows = read_rows(table, image, grade)
    _one_grade(table, rows, grade)
    listing, folder = Listing("csv", Path(root)), Photographs(table.parent)
    for row in rows:
        _add(listing, table, folder, row, row[image], row[grade])
    return listing


def _one_grade(table: Path, rows: Sequence[Row], grade: str) -> None:
    """Raises DataError where another column that may be the grade gives a photograph another one: which is meant cannot be known."""
    for number, row in enumerate(rows, start=1):
        for other in GRADE_COLUMNS:
            found = grade_in_words(row.get(other, "").removesuffix(".0"))
            if found not in (None, grade_in_words(row[grade].removesuffix(".0"))):
                raise DataError(f"{table} has the grade columns {grade} and {other}, which differ in row {number + 1}; leave one of them")


def _add(listing: Listing, table: Path, folder: Photographs, row: Row, name: str, grade: str) -> None:
    path, split = folder.find(name), SPLIT_WORDS.get(row.get("split", "train").lower())
    if split is None:
        listing.problems.append(Problem(path, "label", f"split in {table.name}: {row['split']!r} is not train, validation or test"))
        return
    id_ = name.replace("\\", "_").replace("/", "_")
    record = Record(id_, split, path, "csv", patient=row.get("patient") or None, eye=_EYES.get(row.get("eye", "").lower()))
    labels = {"grade": grade} | ({"dme": row["dme"]} if row.get("dme") else {})
    listing.add(record, table, **labels)


def _pick(names: set[str]) -> tuple[str, str]:
    """The image and the grade column among `names`, '' where there is none."""
    return next((c for c in IMAGE_COLUMNS if c in names), ""), next((c for c in GRADE_COLUMNS if c in names), "")


def _class_folders(root: Path) -> list[tuple[str, Path]]:
    """(split, folder) of everything that may be a class folder."""
    if not root.is_dir():
        return []
    found: list[tuple[str, Path]] = []
    for folder in [p for p in visible(root) if p.is_dir()]:
        split = SPLIT_WORDS.get(folder.name.lower())
        inner = [p for p in visible(folder) if p.is_dir()] if split else []
        found += [(split, p) for p in inner] if split else [("train", folder)]
    return found


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
