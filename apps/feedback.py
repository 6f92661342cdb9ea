"""What second readers say, in one SQLite file: grades and single lesions, by the hashes of photograph, weights and code version.

No name of a file or a person and no free text goes in. Nothing is overwritten: of several opinions of one reader the last one counts.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from retinai.errors import DataError
from retinai.types import Explanation, Lesion

_TABLES = """
CREATE TABLE IF NOT EXISTS grades (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, reader TEXT NOT NULL, image_sha256 TEXT NOT NULL, weights_sha256 TEXT NOT NULL,
  version TEXT NOT NULL, vlm TEXT, lesion_grade INTEGER, vlm_grade INTEGER, blind INTEGER NOT NULL, verdict TEXT NOT NULL, grade INTEGER);
CREATE TABLE IF NOT EXISTS lesions (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, reader TEXT NOT NULL, image_sha256 TEXT NOT NULL, weights_sha256 TEXT NOT NULL,
  version TEXT NOT NULL, lesion TEXT NOT NULL, code TEXT NOT NULL, box TEXT NOT NULL, outlines TEXT NOT NULL, confidence REAL NOT NULL,
  verdict TEXT NOT NULL);
"""
_GRADES_LAST = "SELECT * FROM grades WHERE id IN (SELECT MAX(id) FROM grades GROUP BY image_sha256, reader, blind) ORDER BY id"
_LESIONS_LAST = (
    "SELECT * FROM lesions WHERE id IN (SELECT MAX(id) FROM lesions GROUP BY image_sha256, weights_sha256, reader, lesion) ORDER BY id"
)

GradeVerdict = Literal["agree", "disagree", "ungradable", "own"]
"""agree: with the grade by visible lesions; disagree: with it, and `grade` is the right one where it is given; ungradable: nothing can be
graded; own: given by oneself, as a rule before the model's reading was shown."""
LesionVerdict = Literal["accept", "reject"]


@dataclass(frozen=True, slots=True)
class Store:
    """`Store(path)`: opened for every write, so that any number of sessions may share the file."""

    path: Path

    def grade(
        self, explanation: Explanation, verdict: GradeVerdict, grade: int | None = None, reader: str = "", seen: bool = False
    ) -> None:
        """Keep an opinion on a photograph. grade: ICDR 0-4; seen: whether the model's reading had been shown, so that it is not blind.

        Raises ValueError for another grade, DataError where the file cannot be used.
        """
        if grade is not None and not 0 <= grade <= 4:
            raise ValueError(f"a grade is 0 to 4, got {grade}")
        answer = explanation.answer
        row = _stamp(explanation, reader) | {
            "vlm": json.dumps(explanation.provenance.get("vlm"), allow_nan=False),
            "lesion_grade": explanation.interval.visible if explanation.interval else None,
            "vlm_grade": answer.grade.level if answer and answer.grade else None,
            "blind": int(verdict == "own" and not seen),
            "verdict": "ungradable" if verdict == "own" and grade is None else verdict,
            "grade": grade,
        }
        self._insert("grades", row)

    def lesion(self, explanation: Explanation, lesion: Lesion, outlines: Sequence[Any], verdict: LesionVerdict, reader: str = "") -> None:
        """Keep whether a lesion is one. outlines: its contours as (N, 2) native (x, y)."""
        row = _stamp(explanation, reader) | {
            "lesion": lesion.id,
            "code": lesion.code,
            "box": json.dumps(lesion.box, allow_nan=False),
            "outlines": json.dumps([[[int(x), int(y)] for x, y in line] for line in outlines], allow_nan=False),
            "confidence": lesion.confidence,
            "verdict": verdict,
        }
        self._insert("lesions", row)

    def lesion_verdicts(self, explanation: Explanation, reader: str = "") -> dict[str, str]:
        """Lesion id -> this reader's last verdict on this photograph with these weights."""
        stamp = _stamp(explanation, reader)
        query = "SELECT lesion, verdict FROM lesions WHERE image_sha256 = ? AND weights_sha256 = ? AND reader = ? ORDER BY id"
        with self._opened() as database:
            return dict(database.execute(query, (stamp["image_sha256"], stamp["weights_sha256"], reader)).fetchall())

    def grades(self) -> list[dict[str, Any]]:
        """Each reader's last opinion on each photograph, the blind ones apart from the others."""
        return self._rows(_GRADES_LAST)

    def lesions(self) -> list[dict[str, Any]]:
        """Each reader's last verdict on each lesion; box and outlines as lists."""
        rows = self._rows(_LESIONS_LAST)
        return [row | {"box": json.loads(row["box"]), "outlines": json.loads(row["outlines"])} for row in rows]

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with self._opened() as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query)]

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        places = ", ".join(f":{name}" for name in row)
        with self._opened() as database, database:
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", dict(row))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Write-ahead logging lets sessions read while one writes; a writer waits up to ten seconds for another."""
        try:
            with closing(sqlite3.connect(self.path, timeout=10)) as database:
                _write_ahead(database)
                database.executescript(_TABLES)
                yield database
        except sqlite3.Error as error:
            raise DataError(f"the feedback in {self.path} cannot be used: {error}") from None


def _write_ahead(database: sqlite3.Connection, patience_s: float = 10.0) -> None:
    """Switch to the write-ahead log. SQLite does not wait its timeout for that switch, so two first writers are waited for here."""
    end = time.monotonic() + patience_s
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _stamp(explanation: Explanation, reader: str) -> dict[str, Any]:
    provenance = explanation.provenance
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "reader": reader,
        "image_sha256": provenance["image_sha256"],
        "weights_sha256": provenance["weights_sha256"],
        "version": provenance["versions"]["retinai"],
    }
