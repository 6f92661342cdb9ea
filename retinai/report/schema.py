"""What the JSON documents look like: pydantic models, and the JSON Schema that `retinai schema` prints.

The models of an explanation are made from the dataclasses of `retinai.types`, field by field, so a field that is added there is
in the schema and a document without it is refused. Written by hand is only what no dataclass holds: provenance, and the documents'
frames. Nothing else may stand in a document: additional properties are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, create_model

from retinai.errors import DataError
from retinai.lesions import DISCLAIMER
from retinai.report.document import VERSION
from retinai.types import Evidence, Explanation, Patient


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Provenance(_Strict):
    """All that a second run has to share to give the same document. Two runs on one machine differ in `created` alone."""

    created: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    """When the photograph was read, UTC."""
    image_sha256: str | None
    """Of the photograph's file; null where it came as pixels."""
    weights_sha256: str
    """Of the lesion weights."""
    config_sha256: str
    """Of the card of the lesion weights: recipe, working sides and thresholds."""
    code_sha256: str
    """Of the project's own source files."""
    seed: int
    """Of what could be drawn at random. Answers are greedy."""
    ground: Literal["prompt", "verify"]
    """Whether the language model was told the evidence before it answered."""
    thresholds: dict[str, float]
    peaks: dict[str, float]
    sure: dict[str, float | None]
    """From which confidence on a lesion of the class supports a claim; null where that could not be established."""
    sides: list[int]
    views: int
    vlm: dict[str, str] | None
    """The language model: its name, the checksums of its files, its prompt."""
    second: dict[str, str] | None
    """Who gave the second opinion: its name and the checksums of its weights."""
    runtime: str
    """What computed the lesion map."""
    precision: str
    """What it computed in: bf16 rounds differently on different processors."""
    cameras: list[str]
    """The checksums of the camera profiles that were tried."""
    device: str
    threads: int
    python: str
    platform: str
    versions: dict[str, str]


def _model(kind: type[Any]) -> Any:
    """The model of a dataclass: the same fields, all of them required."""
    hints = get_type_hints(kind)
    known: dict[str, Any] = {field.name: (_plain(hints[field.name]), ...) for field in fields(kind)}
    if kind is Explanation:
        known |= {"provenance": (Provenance, ...)}
    if kind is Evidence:
        known |= {"sentence": (str, Field(description="The statement with its citations."))}
    return create_model(kind.__name__, __base__=_Strict, __doc__=" ".join((kind.__doc__ or "").split()), **known)


_model_of = cache(_model)


def _plain(hint: Any) -> Any:
    """A type as it looks in JSON: models for dataclasses, dictionaries for mappings, the rest as it is."""
    if is_dataclass(hint):
        return _model_of(hint)
    inside = tuple(_plain(part) for part in get_args(hint))
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return Union[inside]  # noqa: UP007 (made from a tuple)
    if origin is Mapping:
        return dict[inside]  # type: ignore[valid-type]
    return origin[inside] if inside and origin is not Literal else hint


class _Frame(_Strict):
    """What every document begins with."""

    version: str = Field(pattern=f"^{re.escape(VERSION)}$")
    disclaimer: str = Field(pattern=f"^{re.escape(DISCLAIMER)}$")


class Failure(_Frame):
    """A file that could not be read, among others that could."""

    document: Literal["failure"]
    image: str
    """The file's name without folder and suffix."""
    error: str


def _document(kind: type[Any], name: str) -> Any:
    """The model of a whole document: a frame around the fields of a dataclass."""
    model = _model_of(kind)
    tag: dict[str, Any] = {"document": (Literal[name], ...)}
    return create_model(f"{kind.__name__}Document", __base__=(_Frame, model), __doc__=model.__doc__, **tag)


ExplanationDocument: Any = _document(Explanation, "explanation")
PatientDocument: Any = _document(Patient, "patient")


class Document(RootModel[Any]):
    """Any line of `retinai explain --json`, any `explanation.json` and any `patient.json`."""

    model_config = ConfigDict(title=f"RetinAI document {VERSION}")
    root: Union[ExplanationDocument, PatientDocument, Failure] = Field(discriminator="document")  # type: ignore[valid-type]  # noqa: UP007


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of all documents."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema()}


def validate(document: Mapping[str, Any]) -> None:
    """Refuse what is no document of this version. Raises DataError with the first thing that is wrong, in one line."""
    try:
        Document.model_validate_json(json.dumps(document, allow_nan=False), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"no RetinAI document {VERSION}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
