"""A collection's features as JSON Schema, for the OpenAPI document."""

from __future__ import annotations

from api.ogc.document_schemas import LINKS, Schema, an_object
from gisgrid.layers import Field, Layer

_TYPES = {"text": "string", "date": "string", "integer": "integer", "number": "number"}
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
_COUNT: Schema = {"type": "integer", "minimum": 0}


def feature_schema(layer: Layer) -> Schema:
    """Return the schema of a layer's feature as GeoJSON."""
    properties: Schema = {"type": "object", "properties": {field.name: _field(field) for field in layer.fields}}
    required: dict[str, Schema] = {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "integer", "format": "int64"},
        "geometry": _geometry(layer),
        "properties": properties,
    }
    return an_object(required, {"links": LINKS})


def collection_schema(layer: Layer) -> Schema:
    """Return the schema of a page of a layer's features."""
    required: dict[str, Schema] = {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": feature_schema(layer)},
        "links": LINKS,
        "numberReturned": _COUNT,
        "timeStamp": {"type": "string", "format": "date-time"},
    }
    return an_object(required, {"numberMatched": _COUNT})


def _field(field: Field) -> Schema:
    said: Schema = {"type": [_TYPES[field.type], "null"], "title": field.title_zh}
    if field.type == "date":
        said["format"] = "date"
    if field.choices:
        said["enum"] = [*field.choices, None]
    return said


def _geometry(layer: Layer) -> Schema:
    kinds = list(_GEOMETRIES) if layer.geometry == "Geometry" else [layer.geometry]
    shape: Schema = {
        "type": ["object", "null"],
        "required": ["type"],
        "properties": {"type": {"type": "string", "enum": kinds}, "coordinates": {"type": "array", "items": {}}},
    }
    return shape


def draft_schema(layer: Layer) -> Schema:
    """Return the schema of a feature as it is sent to be kept: without what is worked out."""
    required: dict[str, Schema] = {
        "type": {"type": "string", "enum": ["Feature"]},
        "geometry": _geometry(layer),
        "properties": {**_written(layer), "type": ["object", "null"]},
    }
    return an_object(required, {"id": {"type": ["integer", "string", "null"]}})


def patch_schema(layer: Layer) -> Schema:
    """Return the schema of a merge patch of a feature."""
    return an_object({}, {"geometry": _geometry(layer), "properties": _written(layer)})


def _written(layer: Layer) -> Schema:
    fields = {field.name: _field(field) for field in layer.fields if not field.worked_out}
    return {"type": "object", "properties": fields, "additionalProperties": False}
