"""What earlier runs left in a folder of results: whose it is, and whether it may stand for a new reading."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retinai.errors import DataError
from retinai.inputs import made_up
from retinai.report.document import plain
from retinai.report.folder import DOCUMENT, FILES
from retinai.report.schema import validate

ASIDE = frozenset({"created", "device", "threads", "python", "platform"})
"""What of a document's provenance does not decide what it says: when and on which machine it was made."""


def name_in(output: Path, name: str, sha256: str) -> str:
    """The name of a photograph's results in `output`: `name`, unless something else lies there.

    Nothing there, half a result, or a result of the same photograph (by `sha256`) leaves it its name. Where it is the result of
    another photograph, or no result at all, the name is told apart by the checksum: nothing of it is overwritten.
    """
    folder = output / name
    free = not os.path.lexists(folder)
    return name if free or (folder.is_dir() and not folder.is_symlink() and _ours(folder, sha256)) else made_up(name, sha256)


def _ours(folder: Path, sha256: str) -> bool:
    if (folder / DOCUMENT).exists():
        provenance = _document(folder).get("provenance")
        return isinstance(provenance, dict) and provenance.get("image_sha256") == sha256
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} <= {"masks", *FILES}


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def kept(folder: Path, provenance: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The document of an earlier run that `provenance`, of a reading yet to be made, would give again; else None and the reason.

    The reason is a clause in plain words, empty where there was nothing.
    """
    if not (folder / DOCUMENT).is_file():
        return None, ""
    document = _document(folder)
    try:
        validate(document)
    except DataError:
        return None, "it is not of this version of the documents"
    if document["document"] != "explanation" or document["image"] != folder.name:
        return None, "it is not of this name"
    now, then = plain(provenance), document["provenance"]
    differ = sorted(key for key in now.keys() | then.keys() if key not in ASIDE and now.get(key) != then.get(key))
    return (None, f"it was made with another {_listed(differ)}") if differ else (document, "")


def _listed(keys: list[str]) -> str:
    words = [_WORDS.get(key, key) for key in keys]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


_WORDS = {
    "image_sha256": "photograph",
    "weights_sha256": "lesion model",
    "config_sha256": "card of the lesion model",
    "code_sha256": "state of the program",
    "vlm": "language model",
    "second": "auxiliary grader",
    "ground": "--ground",
    "versions": "version of its libraries",
    "cameras": "camera profile",
    "sides": "input size",
    "views": "number of test-time flips",
}
