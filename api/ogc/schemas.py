"""What features of a collection look like, what they can be asked for by, and what they can be sorted by: as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from api.ogc.asked import Asked
from api.ogc.operations import Document, Operation, Resource, get
from gisgrid.layers import Field, Layer

SCHEMA_FORMATS = {"json": "application/schema+json", "html": "text/html"}
"""The formats of schemas."""

_TYPES = {"text": "string", "date": "string", "integer": "integer", "number": "number"}
_GEOMETRIES = {
    "Point": "geometry-point",
    "MultiLineString": "geometry-multilinestring",
    "MultiPolygon": "geometry-multipolygon",
    "Geometry": "geometry-any",
}

_ANSWER: dict[str, object] = {
    "type": "object",
    "required": ["$schema", "$id", "type", "title", "properties"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "$id": {"type": "string", "format": "uri"},
        "type": {"type": "string", "enum": ["object"]},
        "title": {"type": "string"},
        "properties": {"type": "object", "additionalProperties": {"type": "object"}},
    },
}


async def schema(asked: Asked) -> Document:
    """Answer the schema of a collection's features."""
    layer = asked.layer
    properties: dict[str, object] = {
        "id": {"title": asked.word("编号", "Identifier"), "type": "integer", "readOnly": True, "x-ogc-role": "id"},
        "geometry": _geometry(asked, layer),
        **{field.name: _returned(asked, layer, field) for field in layer.fields},
    }
    return _document(asked, asked.word("字段", "Schema"), _in_sequence(properties))


async def queryables(asked: Asked) -> Document:
    """Answer what filters and parameters can name."""
    properties = {"geometry": _geometry(asked, asked.layer), **_fields(asked, asked.layer.fields)}
    return _document(asked, asked.word("可查询字段", "Queryables"), _in_sequence(properties))


async def sortables(asked: Asked) -> Document:
    """Answer what ``sortby`` can name."""
    return _document(asked, asked.word("可排序字段", "Sortables"), _in_sequence(_fields(asked, asked.layer.fields)))


def _document(asked: Asked, what: str, properties: dict[str, object]) -> Document:
    layer = asked.layer
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{asked.base}{asked.path}",
        "type": "object",
        "title": asked.word(layer.title_zh, layer.title_en),
        "description": f"{what}: {asked.word(layer.title_zh, layer.title_en)} ({layer.id})",
        "properties": properties,
        "additionalProperties": False,
    }
    return Document(content, "schema.html")


def _fields(asked: Asked, fields: Iterable[Field]) -> dict[str, object]:
    return {field.name: described(field, asked.language) for field in fields}


def described(field: Field, language: str) -> dict[str, object]:
    """Return the JSON Schema of a field; its other title is its description."""
    titles = (field.title_zh, field.title_en) if language == "zh" else (field.title_en, field.title_zh)
    said: dict[str, object] = {"title": titles[0], "description": titles[1], "type": _TYPES[field.type]}
    if field.type == "date":
        said["format"] = "date"
    if field.choices:
        said["enum"] = list(field.choices)
    if field.unit and field.type in ("integer", "number"):
        # The catalogue writes units as UCUM does.
        said |= {"x-ogc-unit": field.unit, "x-ogc-unitLang": "UCUM"}
    return said


def _returned(asked: Asked, layer: Layer, field: Field) -> dict[str, object]:
    said = described(field, asked.language)
    if field.worked_out:
        said["readOnly"] = True
    if field.name == layer.temporal:
        said["x-ogc-role"] = "primary-instant"
    return said


def _geometry(asked: Asked, layer: Layer) -> dict[str, object]:
    return {"title": asked.word("几何", "Geometry"), "format": _GEOMETRIES[layer.geometry], "x-ogc-role": "primary-geometry"}


def _in_sequence(properties: dict[str, object]) -> dict[str, object]:
    return {
        name: {**said, "x-ogc-propertySeq": number} if isinstance(said, dict) else said
        for number, (name, said) in enumerate(properties.items(), 1)
    }


_operation = partial(Operation, formats=SCHEMA_FORMATS, schema=_ANSWER)

RESOURCES: tuple[Resource, ...] = (
    get("/collections/{collection}/schema", _operation("schema", "What the features look like", schema)),
    get("/collections/{collection}/queryables", _operation("queryables", "What features can be asked for by", queryables)),
    get("/collections/{collection}/sortables", _operation("sortables", "What features can be sorted by", sortables)),
)
"""What this module answers."""
