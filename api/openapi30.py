"""OpenAPI 3.1 rendered as 3.0.3, for the tools that stop there: those of the OGC standards among them.

What 3.1 has more is said in the words of 3.0: no ``null`` type but ``nullable``, one type a schema, no ``const``, no ``$defs``, no
numeric ``exclusiveMinimum``. What has no words there (``if``, ``patternProperties`` and so on) is left out: such a schema
takes more than the original, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from api.describing import Document
from api.ogc.openapi import SECURITY_SCHEMES, ogc_paths, tags
from api.openapi import model_schemas, openapi_document
from gisgrid import __version__

_VERSION = "3.0.3"
_TITLE = "gisgrid: OGC API"
_DESCRIPTION = (
    "Features, tiles and styles of a city district by OGC API. Coordinates are longitude, latitude (CRS84) unless `crs` names "
    "another coordinate reference system; then they have the order of its axes. Parameters that are not listed are refused."
)

# All that a Schema Object of 3.0.3 knows, beside extensions.
_KNOWN = frozenset(
    (
        *("title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern"),
        *("maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "type", "allOf", "oneOf"),
        *("anyOf", "not", "items", "properties", "additionalProperties", "description", "format", "default", "nullable"),
        *("discriminator", "readOnly", "writeOnly", "xml", "externalDocs", "example", "deprecated"),
    )
)
_NULL: Document = {"type": "object", "nullable": True, "enum": [None]}
"""A schema that takes null alone: ``nullable`` holds only beside a type."""


@lru_cache(maxsize=1)
def ogc_document() -> Document:
    """Return the OpenAPI 3.0.3 document of the OGC API, without the address of the server; it is not to be changed."""
    return rendered_down(ogc_described())


def ogc_described() -> Document:
    """Return what the document of the OGC API says, in the words of OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": __version__, "description": _DESCRIPTION},
        "tags": [{"name": "documents", "description": "What there is."}, *tags()],
        "paths": ogc_paths(""),
        "components": {"schemas": {"Problem": model_schemas()["Problem"]}, "securitySchemes": SECURITY_SCHEMES},
    }


@lru_cache(maxsize=1)
def whole_document() -> Document:
    """Return the OpenAPI 3.0.3 document of all routes of the server; it is not to be changed."""
    return rendered_down(openapi_document())


def rendered_down(document: Mapping[str, Any]) -> Document:
    """Return an OpenAPI 3.1 document as 3.0.3; parameters that several operations have are shared."""
    down: Document = {name: value for name, value in document.items() if name not in ("webhooks", "jsonSchemaDialect")}
    components: Document = dict(document.get("components", {}))
    components["schemas"] = {name: schema_30(schema) for name, schema in components.get("schemas", {}).items()}  # type: ignore[attr-defined]
    shared = _Shared()
    paths = {path: {key: _operation(value, shared) for key, value in item.items()} for path, item in document["paths"].items()}
    components["parameters"], components["responses"] = shared.parameters.found, shared.responses.found
    return {**down, "openapi": _VERSION, "paths": paths, "components": components}


class _Kept:
    """Objects that are written once and referred to, each under a name of its own."""

    def __init__(self, section: str) -> None:
        self.found: Document = {}
        self._section = section
        self._names: dict[bytes, str] = {}

    def reference(self, name: str, value: Document) -> Document:
        """Return a reference to ``value``, which is kept as ``name`` or, where that is taken by another, with a number."""
        key = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        kept = self._names.get(key)
        if kept is None:
            kept = next(one for one in (name, *(f"{name}-{number}" for number in range(2, 10_000))) if one not in self.found)
            self._names[key], self.found[kept] = kept, value
        return {"$ref": f"#/components/{self._section}/{kept}"}


class _Shared:
    """The parameters and the problems of all operations."""

    def __init__(self) -> None:
        self.parameters = _Kept("parameters")
        self.responses = _Kept("responses")


def _operation(operation: Mapping[str, Any], shared: _Shared) -> Document:
    down: Document = dict(operation)
    down["parameters"] = [shared.parameters.reference(one["name"], _parameter(one)) for one in operation.get("parameters", ())]
    if "requestBody" in operation:
        body = operation["requestBody"]
        down["requestBody"] = {**body, "content": _content(body["content"])}
    responses = {status: _response(response) for status, response in operation["responses"].items()}
    down["responses"] = {
        status: shared.responses.reference(f"problem-{status}", response) if status >= "4" else response
        for status, response in responses.items()
    }
    return down


def _parameter(parameter: Mapping[str, Any]) -> Document:
    return {**parameter, "schema": schema_30(parameter["schema"])}


def _response(response: Mapping[str, Any]) -> Document:
    down: Document = dict(response)
    if "content" in response:
        down["content"] = _content(response["content"])
    if "headers" in response:
        down["headers"] = {name: _parameter(header) for name, header in response["headers"].items()}
    return down


def _content(content: Mapping[str, Any]) -> Document:
    return {media: {**described, "schema": schema_30(described["schema"])} for media, described in content.items()}


def schema_30(schema: Any) -> Document:
    """Return a JSON Schema of 2020-12 as a Schema Object of OpenAPI 3.0.3.

    >>> schema_30({"type": ["integer", "null"], "exclusiveMinimum": 0})
    {'type': 'integer', 'nullable': True, 'minimum': 0, 'exclusiveMinimum': True}
    >>> schema_30({"const": "a"}), schema_30(True), schema_30(False)
    ({'enum': ['a']}, {}, {'not': {}})
    """
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if "$ref" in schema:
        # What stands beside a reference is not read in 3.0.
        others = {name: value for name, value in schema.items() if name != "$ref"}
        return {**schema_30(others), "allOf": [{"$ref": schema["$ref"]}]} if others else {"$ref": schema["$ref"]}
    down: Document = {}
    for name, value in schema.items():
        rule = _RULES.get(name)
        if rule is not None:
            rule(down, value)
        elif name in _KNOWN or name.startswith("x-"):
            down[name] = value
    return _with_items(_with_null(down))


def _with_items(down: Document) -> Document:
    return {**down, "items": {}} if down.get("type") == "array" and "items" not in down else down


def _with_null(down: Document) -> Document:
    """Return a schema whose ``enum`` may hold null with the words that let it through."""
    choices = down.get("enum")
    if not isinstance(choices, list) or None not in choices or down.get("nullable"):
        return down
    rest = {**down, "enum": [choice for choice in choices if choice is not None]}
    return {"anyOf": [rest, _NULL]} if rest["enum"] else dict(_NULL)


def _type(down: Document, value: Any) -> None:
    types = [value] if isinstance(value, str) else list(value)
    named = [one for one in types if one != "null"]
    if len(named) == 1:
        down["type"] = named[0]
        if "null" in types:
            down["nullable"] = True
    elif not named:
        down.update(_NULL)
    else:
        choices: list[Document] = [{"type": one, **({"items": {}} if one == "array" else {})} for one in named]
        _also(down, {"anyOf": [*choices, *([_NULL] if "null" in types else [])]})


def _choice(word: str) -> Callable[[Document, Any], None]:
    """Return the rule of ``anyOf`` or ``oneOf``: null beside one plain type makes that nullable."""

    def rule(down: Document, value: Any) -> None:
        named = [one for one in value if one != {"type": "null"}]
        lowered = [schema_30(one) for one in named]
        if len(named) == len(value):
            _also(down, {word: lowered})
        elif len(lowered) == 1 and isinstance(lowered[0].get("type"), str) and "enum" not in lowered[0]:
            down.update({**lowered[0], "nullable": True, **{key: down[key] for key in down if key in lowered[0]}})
        else:
            _also(down, {word: [*lowered, dict(_NULL)]})

    return rule


def _also(down: Document, more: Document) -> None:
    """Add what has to hold too: beside what is there, or with it in ``allOf`` where the word is taken."""
    if not down.keys() & more.keys():
        down.update(more)
        return
    listed = down.get("allOf")
    down["allOf"] = [*(listed if isinstance(listed, list) else ()), more]


def _bound(inclusive: str, exclusive: str) -> Callable[[Document, Any], None]:
    def rule(down: Document, value: Any) -> None:
        if isinstance(value, bool):
            down[exclusive] = value
        else:
            down.update({inclusive: value, exclusive: True})

    return rule


def _all_of(down: Document, value: Any) -> None:
    _also(down, {"allOf": [schema_30(one) for one in value]})


def _put(name: str, lowered: Callable[[Any], object]) -> Callable[[Document, Any], None]:
    def rule(down: Document, value: Any) -> None:
        down[name] = lowered(value)

    return rule


def _first_example(down: Document, value: Any) -> None:
    if value:
        down.setdefault("example", value[0])


def _prefix_items(down: Document, value: Any) -> None:
    down["items"] = {"anyOf": [schema_30(one) for one in value]}


_RULES: Mapping[str, Callable[[Document, Any], None]] = {
    "type": _type,
    "const": lambda down, value: down.update(enum=[value]),
    "examples": _first_example,
    "exclusiveMinimum": _bound("minimum", "exclusiveMinimum"),
    "exclusiveMaximum": _bound("maximum", "exclusiveMaximum"),
    "anyOf": _choice("anyOf"),
    "oneOf": _choice("oneOf"),
    "allOf": _all_of,
    "not": _put("not", schema_30),
    "items": _put("items", schema_30),
    "prefixItems": _prefix_items,
    "properties": _put("properties", lambda value: {name: schema_30(one) for name, one in value.items()}),
    "additionalProperties": _put("additionalProperties", lambda value: value if isinstance(value, bool) else schema_30(value)),
}
