"""Documents against the exported JSON Schema, by a validator that knows nothing of the models it was made from."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fusion.eyes import compare
from retinai.errors import DataError
from retinai.report.document import VERSION, failure, to_document, to_patient_document
from retinai.report.schema import Provenance, json_schema, validate
from retinai.types import Claim, Explanation, Patient
from tests.drawn_explanations import ANSWER, PROVENANCE, explanation, ungradable

SCHEMA = json_schema()
DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "with a language model": lambda: to_document(explanation(ANSWER)),
    "lesions alone": lambda: to_document(explanation()),
    "nothing found": lambda: to_document(explanation("", lesions=())),
    "ungradable": lambda: to_document(ungradable()),
    "two eyes": lambda: to_patient_document(compare(explanation(ANSWER), explanation(eye="left", lesions=()))),
    "one eye ungradable": lambda: to_patient_document(compare(ungradable(), explanation(eye="left"))),
    "failure": lambda: failure("photo", "photo.jpg is empty"),
}


def errors(document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def through_json(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(document, allow_nan=False))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert VERSION in SCHEMA["title"] and {"ExplanationDocument", "PatientDocument", "Failure"} <= set(SCHEMA["$defs"])


@pytest.mark.parametrize("make", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_document_is_valid(make: Callable[[], dict[str, Any]]) -> None:
    document = through_json(make())
    assert errors(document) == []
    validate(document)


@pytest.mark.parametrize("make", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_what_is_added_is_refused(make: Callable[[], dict[str, Any]]) -> None:
    document = through_json(make()) | {"patient_name": "somebody"}
    assert errors(document) != []
    with pytest.raises(DataError, match="patient_name"):
        validate(document)


PLACES = [
    ("lesions", 0),
    ("lesions", 0, "place"),
    ("answer",),
    ("answer", "claims", 0),
    ("answer", "grade", "conformal"),
    ("provenance",),
]


@pytest.mark.parametrize("path", PLACES)
def test_inside_too_nothing_is_added_or_left_out(path: tuple[Any, ...]) -> None:
    whole = through_json(to_document(explanation(ANSWER)))
    for change in ("add", "drop"):
        document = copy.deepcopy(whole)
        inner = document
        for step in path:
            inner = inner[step]
        if change == "add":
            inner["file"] = "here"
        else:
            inner.pop(next(iter(inner)))
        assert errors(document) != [], change


def test_a_wrong_version_or_kind_is_one_line() -> None:
    document = to_document(explanation())
    with pytest.raises(DataError, match=f"^no RetinAI document {VERSION}: .*version"):
        validate(document | {"version": "0.9"})
    with pytest.raises(DataError):
        validate(document | {"document": "poem"})
    with pytest.raises(DataError):
        validate(document | {"dme_risk": "2"})


def test_schema_and_dataclasses_have_the_same_fields() -> None:
    """The models are made from the dataclasses; this holds the frames and what is written by hand to them."""
    frame = {"document", "version", "disclaimer"}
    properties = {name: set(each.get("properties", {})) for name, each in SCHEMA["$defs"].items()}
    assert properties["ExplanationDocument"] == {field.name for field in fields(Explanation)} | frame
    assert properties["PatientDocument"] == {field.name for field in fields(Patient)} | frame
    assert properties["Claim"] == {field.name for field in fields(Claim)}
    assert all(each["additionalProperties"] is False for each in SCHEMA["$defs"].values() if each["type"] == "object")
    assert all(set(each["required"]) == set(each["properties"]) for each in SCHEMA["$defs"].values() if each["type"] == "object")
    assert set(Provenance.model_fields) == set(PROVENANCE)


def test_without_a_threshold_the_set_is_null() -> None:
    from retinai.types import Grade

    bare = to_document(explanation(ANSWER, said=Grade(2, (0, 0, 1.0, 0, 0), "vlm:test")))
    assert bare["answer"]["grade"]["conformal"] is None
    assert to_document(explanation(ANSWER))["answer"]["grade"]["conformal"] == {"levels": [1, 2, 3], "rate": 0.9, "cases": 50}


def test_the_table_of_saliency_has_a_row_for_every_lesion() -> None:
    table = to_document(explanation(ANSWER))["saliency"]
    assert [row["lesion"] for row in table["lesions"]] == ["MA-1", "HE-1", "EX-1"]
    assert table["together"]["lift"] == 1.0 and table["cells"] == 4
    assert all(0 < row["ceiling_share"] <= 1 for row in table["lesions"])
