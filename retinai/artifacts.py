"""A model on disk: a card, `card.json`, and the files that it names by their checksums. The only place that reads or writes them.

Whatever is wrong with one (a flipped bit, a missing key, NaN, no JSON, a folder in its place, no right to read it) is one WeightsError.
Nothing here is ever unpickled or run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from retinai.errors import RetinaiError, WeightsError
from retinai.files import sha256_of, whole
from retinai.strict_json import dumps, loads, without_nan

if TYPE_CHECKING:
    from pydantic import BaseModel

CARD = "card.json"
OWN = "card_sha256"
"""The card's key for the checksum of all its other entries."""
MOST_CARD = 4 * 2**20
MOST_WEIGHTS = 4 * 2**30
"""Bytes that a card, and a file of weights that is read whole, may have."""
_LOADED = re.compile(r".*\.(json|jinja|safetensors|model|txt|py|bin|pt|pth|pkl|pickle|ckpt|msgpack|h5)$")
"""Names of files that a model's library may read from its folder."""
_CODE = ("auto_map", "trust_remote_code")
"""Keys by which a model's settings ask for code of their own."""


def read_card(folder: Path, fields: type[BaseModel] | None = None) -> dict[str, Any]:
    """The card of a model folder, as it was written. fields: what it must hold.

    Raises WeightsError where there is none, where it was changed since, or where an entry is missing or of the wrong type.
    """
    path = folder / CARD
    card = read_json(path)
    if OWN in card and card[OWN] != _own_sum(card):
        raise WeightsError(f"{path} was changed after it was written; if you did so on purpose, take {OWN} out of it")
    if fields is not None:
        _hold(card, fields, path)
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """Write a card with its own checksum, whole or not at all; returns it as it is read back, with None for what is NaN."""
    values = loads(dumps(without_nan({key: value for key, value in card.items() if key != OWN})))
    values[OWN] = _own_sum(values)
    with whole(folder / CARD) as file:
        file.write(dumps(values, indent=2) + "\n")
    return values


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object. Raises WeightsError."""
    try:
        values = loads(_checked_size(path, MOST_CARD).read_bytes())
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise WeightsError(f"{path} is broken: {one_line(error)}") from None
    if not isinstance(values, dict):
        raise WeightsError(f"{path} is broken: it holds no JSON object")
    return values


def check_sum(path: Path, expected: Any) -> None:
    """Raises WeightsError unless the file is there and has this SHA-256."""
    try:
        found = sha256_of(_checked_size(path, None))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from None
    if found != expected:
        raise WeightsError(f"{path} does not match the checksum of its card")


def sums_of(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of every file of a model folder that a library may read, for its card."""
    return {path.name: sha256_of(path) for path in _files(folder)}


def record(folder: Path, name: str) -> None:
    """Tell the card of a folder, where it has one that names files, that this file of it was written anew."""
    if not (folder / CARD).is_file():
        return
    card = read_card(folder)
    if isinstance(card.get("files"), dict):
        write_card(folder, card | {"files": card["files"] | {name: sha256_of(folder / name)}})


def check_folder(folder: Path, card_needed: bool = False) -> None:
    """Hold a model folder against its card, where it has one: its `files`, or its `sha256` alone.

    Raises WeightsError for a file that was changed, that is missing, or that the card does not name; and, with or without a card,
    for settings that ask for code of their own, and for weights that are pickled only.
    """
    names = _files(folder)
    for path in names:
        _refuse_code(path)
    if names and not any(path.suffix == ".safetensors" for path in names):
        raise WeightsError(f"{folder} holds no safetensors; pickles (.bin, .pt) may run code when they are read and are never loaded")
    if not card_needed and not (folder / CARD).exists():
        return
    card = read_card(folder)
    named = card.get("files")
    if isinstance(named, dict):
        _check_files(folder, named)
    elif card_needed:
        raise WeightsError(f"{folder / CARD} is broken: files: Field required")


def _check_files(folder: Path, named: Mapping[str, Any]) -> None:
    for name in sorted({path.name for path in _files(folder)} | set(named)):
        if name not in named:
            raise WeightsError(f"{folder / name} is not one of the files that the model's card names")
        check_sum(folder / name, named[name])


def read_tensors(path: Path, framework: Literal["np", "pt"] = "np", own: bool = False) -> dict[str, Any]:
    """All tensors of a safetensors file, as numpy arrays or torch tensors. own: a state of training that this program wrote.

    Raises WeightsError; but for an own one also for NaN or infinity in a tensor, and above `MOST_WEIGHTS`.
    """
    with _opened(path, framework, None if own else MOST_WEIGHTS) as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    for name, tensor in found.items():
        if not own and not _is_finite(tensor):
            raise WeightsError(f"{path} is broken: {name[:80]} holds a number that is not finite")
    return found


def read_metadata(path: Path) -> dict[str, str]:
    """The words that a safetensors file carries beside its tensors. Raises WeightsError."""
    with _opened(path, "np", None) as file:
        return file.metadata() or {}


@contextmanager
def _opened(path: Path, framework: str, most: int | None) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(_checked_size(path, most), framework) as file:
            yield file
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise WeightsError(f"{path} holds no tensors that can be read: {one_line(error)}") from None


def write_tensors(path: Path, tensors: Mapping[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Write torch tensors, whole or not at all, with the rights that new files get here: safetensors' own are for the writer alone."""
    from safetensors.torch import save_file

    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.touch()
    rights = partial.stat().st_mode & 0o777
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial, metadata)
    partial.chmod(rights)
    partial.replace(path)


def share(folder: Path) -> None:
    """Give the files that another library wrote into a folder the rights that new files get here."""
    trial = folder / f".rights.{os.getpid()}"
    trial.touch()
    rights = trial.stat().st_mode & 0o777
    trial.unlink()
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(rights)


@contextmanager
def building(what: object) -> Iterator[None]:
    """While a model is built from foreign files: whatever a library raises becomes one WeightsError. what: the folder or the file."""
    try:
        yield
    except (RetinaiError, MemoryError):
        raise
    except Exception as error:  # libraries raise nearly every class for a config that they cannot use
        if "out of memory" in str(error).lower():
            raise
        raise WeightsError(f"no model can be built from {what}: {type(error).__name__}: {one_line(error)}") from error


def one_line(error: BaseException, most: int = 200) -> str:
    """What an exception says, on one line and without what would move a terminal's cursor."""
    text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(error).split()))
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _own_sum(card: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in card.items() if key != OWN}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _hold(card: Mapping[str, Any], fields: type[BaseModel], path: Path) -> None:
    from pydantic import ValidationError

    try:
        fields.model_validate(card)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WeightsError(f"{path} is broken: {where}: {first['msg']}") from None


def _checked_size(path: Path, most: int | None) -> Path:
    """The path of a file that may be read. Raises WeightsError for none, for a folder, and for one that is too large."""
    try:
        if path.is_dir():
            raise WeightsError(f"{path} is a folder, not a file")
        if not path.is_file():
            raise WeightsError(f"there is no file {path}")
        size = path.stat().st_size
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from None
    if most is not None and size > most:
        raise WeightsError(f"{path} is too large: {size / 2**20:.0f} MB, at most {most // 2**20}")
    return path


def _files(folder: Path) -> list[Path]:
    try:
        names = sorted(path for path in folder.iterdir() if _LOADED.match(path.name))
    except OSError as error:
        raise WeightsError(f"{folder} cannot be read: {error.strerror or error}") from None
    return [path for path in names if path.name != CARD]


def _refuse_code(path: Path) -> None:
    if path.name.endswith("config.json"):
        settings = read_json(path)
        for key in _CODE:
            if settings.get(key):
                raise WeightsError(f"{path} asks for code of its own ({key}), which is never run")


def _is_finite(tensor: Any) -> bool:
    import numpy as np

    if isinstance(tensor, np.ndarray):
        return tensor.dtype.kind not in "fc" or bool(np.isfinite(tensor).all())
    return not tensor.is_floating_point() or bool(tensor.float().isfinite().all())
