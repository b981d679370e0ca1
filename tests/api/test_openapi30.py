"""OpenAPI 3.1 as 3.0.3: what is said in fewer words takes the same values."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator

from api.openapi30 import rendered_down, schema_30

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    5,
    10,
    "",
    "a",
    "b",
    "abc",
    [],
    [1],
    [1, "a"],
    [None],
    {},
    {"a": 1},
    {"a": None},
)

SAME: tuple[Any, ...] = (
    True,
    False,
    {"type": "string"},
    {"type": ["string", "null"]},
    {"type": "null"},
    {"type": ["integer", "string"]},
    {"type": ["integer", "string", "null"]},
    {"type": ["string", "null"], "enum": ["a", None]},
    {"type": ["string", "null"], "enum": ["a"]},
    {"enum": ["a", 1, None]},
    {"enum": [None]},
    {"const": "a"},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    {"oneOf": [{"enum": ["a"]}, {"type": "null"}]},
    {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
    {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"type": "array", "items": {"type": ["integer", "null"]}},
    {"type": "array"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1},
    {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]},
    {"type": "object", "additionalProperties": False},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"allOf": [{"type": ["integer", "null"]}, {"not": {"const": 5}}]},
    {"type": ["integer", "string"], "anyOf": [{"const": 1}, {"const": "a"}]},
    {"type": "string", "pattern": "^a", "maxLength": 1, "examples": ["a"]},
)


@pytest.mark.parametrize("schema", SAME, ids=str)
def test_a_schema_takes_the_same_values_in_both_versions(schema: Any) -> None:
    down = schema_30(schema)
    new, old = Draft202012Validator(schema), OAS30Validator(down)
    assert [old.is_valid(value) for value in VALUES] == [new.is_valid(value) for value in VALUES], down


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "patternProperties": {"^a": {"type": "string"}}},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        {"if": {"type": "integer"}, "then": {"minimum": 5}},
        {"type": "object", "propertyNames": {"pattern": "^b"}},
    ],
    ids=str,
)
def test_what_has_no_words_in_3_0_takes_more_and_never_less(schema: dict[str, Any]) -> None:
    new, old = Draft202012Validator(schema), OAS30Validator(schema_30(schema))
    assert all(old.is_valid(value) for value in VALUES if new.is_valid(value) and value != [])


def test_what_stands_beside_a_reference_is_kept_where_3_0_reads_it() -> None:
    assert schema_30({"$ref": "#/a", "description": "A."}) == {"description": "A.", "allOf": [{"$ref": "#/a"}]}
    assert schema_30({"$ref": "#/a"}) == {"$ref": "#/a"}
    assert schema_30({"type": "string", "x-ogc-role": "id"}) == {"type": "string", "x-ogc-role": "id"}


def test_parameters_that_differ_in_anything_are_not_shared() -> None:
    def parameter(maximum: int) -> dict[str, Any]:
        return {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": maximum}}

    paths = {
        f"/{name}": {"get": {"parameters": [parameter(maximum)], "responses": {"200": {"description": "Good."}}}}
        for name, maximum in (("a", 1), ("b", 2), ("c", 1))
    }
    down: Any = rendered_down({"openapi": "3.1.0", "paths": paths})
    named = [item["get"]["parameters"][0]["$ref"].rsplit("/", 1)[1] for item in down["paths"].values()]
    assert named == ["limit", "limit-2", "limit"]
    assert [one["schema"]["maximum"] for one in down["components"]["parameters"].values()] == [1, 2]
