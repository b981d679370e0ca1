"""The documents of the OGC API as JSON Schema, for the OpenAPI document."""

from __future__ import annotations

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_ADDRESS: Schema = {"type": "string", "format": "uri"}
_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}}


def an_object(required: dict[str, Schema], others: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object with members that it must have, and others."""
    # OpenAPI 3.0 takes no empty list there.
    must: Schema = {"required": list(required)} if required else {}
    return {"type": "object", **must, "properties": {**required, **(others or {})}}


def a_list(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


LINK: Schema = an_object(
    {"href": _TEXT, "rel": _TEXT, "type": _TEXT}, {"title": _TEXT, "templated": {"type": "boolean"}, "hreflang": _TEXT}
)
LINKS: Schema = a_list(LINK)
"""Links of a document."""

LANDING_SCHEMA = an_object({"title": _TEXT, "description": _TEXT, "links": LINKS}, {"attribution": _TEXT})
"""The landing page."""

CONFORMANCE_SCHEMA = an_object({"conformsTo": a_list(_ADDRESS)}, {"title": _TEXT, "links": LINKS})
"""The declaration of conformance."""

_SPATIAL = an_object({"bbox": {"type": "array", "minItems": 1, "items": {**_NUMBERS, "minItems": 4, "maxItems": 6}}}, {"crs": _ADDRESS})
_INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
_TEMPORAL = an_object(
    {"interval": {"type": "array", "minItems": 1, "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": _INSTANT}}},
    {"trs": _ADDRESS},
)

COLLECTION_SCHEMA = an_object(
    {"id": _TEXT, "title": _TEXT, "links": LINKS, "extent": an_object({"spatial": _SPATIAL}, {"temporal": _TEMPORAL})},
    {
        "description": _TEXT,
        "keywords": a_list(_TEXT),
        "attribution": _TEXT,
        "itemType": {"type": "string", "enum": ["feature"]},
        "crs": a_list(_ADDRESS),
        "storageCrs": _ADDRESS,
    },
)
"""A collection."""

COLLECTIONS_SCHEMA = an_object({"collections": a_list(COLLECTION_SCHEMA), "links": LINKS}, {"title": _TEXT, "crs": a_list(_ADDRESS)})
"""The collections."""

_CORNER: Schema = {**_NUMBERS, "minItems": 2, "maxItems": 2}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_TILESET_COMMON: dict[str, Schema] = {"dataType": {"type": "string", "enum": ["vector"]}, "crs": _ADDRESS, "links": LINKS}

TILESETS_SCHEMA = an_object(
    {"tilesets": a_list(an_object(_TILESET_COMMON, {"title": _TEXT, "tileMatrixSetURI": _ADDRESS, "tileMatrixSetId": _TEXT}))},
    {"title": _TEXT, "links": LINKS},
)
"""A list of tilesets."""

TILESET_SCHEMA = an_object(
    _TILESET_COMMON,
    {
        "title": _TEXT,
        "description": _TEXT,
        "attribution": _TEXT,
        "tileMatrixSetURI": _ADDRESS,
        "tileMatrixSetId": _TEXT,
        "tileMatrixSetLimits": a_list(
            an_object(
                {"tileMatrix": _TEXT, "minTileRow": _WHOLE, "maxTileRow": _WHOLE, "minTileCol": _WHOLE, "maxTileCol": _WHOLE},
            )
        ),
        "boundingBox": an_object({"lowerLeft": _CORNER, "upperRight": _CORNER}, {"crs": _ADDRESS}),
        "centerPoint": an_object({"coordinates": _CORNER}, {"crs": _ADDRESS, "tileMatrix": _TEXT}),
        "layers": a_list(an_object({"id": _TEXT, "dataType": _TEXT, "links": LINKS})),
    },
)
"""A tileset."""

MATRIX_SETS_SCHEMA = an_object({"tileMatrixSets": a_list(an_object({"id": _TEXT, "links": LINKS}))}, {"title": _TEXT, "links": LINKS})
"""The tile matrix sets."""

_MATRIX = an_object(
    {
        "id": _TEXT,
        "scaleDenominator": {"type": "number"},
        "cellSize": {"type": "number"},
        "pointOfOrigin": _CORNER,
        "tileWidth": _WHOLE,
        "tileHeight": _WHOLE,
        "matrixWidth": _WHOLE,
        "matrixHeight": _WHOLE,
    }
)
MATRIX_SET_SCHEMA = an_object({"id": _TEXT, "crs": _ADDRESS, "tileMatrices": a_list(_MATRIX)}, {"title": _TEXT, "uri": _ADDRESS})
"""A tile matrix set."""

STYLES_SCHEMA = an_object({"styles": a_list(an_object({"id": _TEXT, "title": _TEXT, "links": LINKS}))}, {"default": _TEXT, "links": LINKS})
"""The styles."""

STYLE_SCHEMA = an_object(
    {"version": {"type": "integer", "enum": [8]}, "sources": {"type": "object"}, "layers": a_list({"type": "object"})}, {"name": _TEXT}
)
"""A style of MapLibre."""

STYLE_METADATA_SCHEMA = an_object(
    {"id": _TEXT, "title": _TEXT, "links": LINKS},
    {
        "description": _TEXT,
        "keywords": a_list(_TEXT),
        "scope": _TEXT,
        "stylesheets": a_list({"type": "object"}),
        "layers": a_list({"type": "object"}),
    },
)
"""What is said of a style."""
