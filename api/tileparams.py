"""The parameters of tiles: which variant is asked for, and how it is written in an address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, cast
from urllib.parse import quote

from api.lookup_params import parse_as_of
from api.params import Parameter, parse_query, parse_word
from gisgrid import cql2
from gisgrid.errors import ParameterError
from gisgrid.layers import Layer
from tiles import TileRequest, Variant
from tiles.matrix import MATRIX_SETS, WEB_MERCATOR_QUAD
from tiles.request import Datum
from tiles.sql import check_variant
from tiles.tile import TileId

_LANGUAGES = ("cql2-text", "cql2-json")

_PARAMETERS = (
    Parameter(
        "tms",
        "Tile matrix set: see `/tileMatrixSets`.",
        {"type": "string", "enum": list(MATRIX_SETS), "default": WEB_MERCATOR_QUAD.id},
        None,
    ),
    Parameter(
        "datum",
        "On which base maps the tile fits: `gcj02` for Amap and Tencent.",
        {"type": "string", "enum": ["wgs84", "gcj02"], "default": "wgs84"},
        None,
    ),
    Parameter("filter", "CQL2 filter on the fields that tiles show; it holds for each of the layers.", {"type": "string"}, None),
    Parameter("filter-lang", "Language of `filter`.", {"type": "string", "enum": list(_LANGUAGES), "default": "cql2-text"}, None),
    Parameter(
        "as_of",
        "Areas that were served at this instant: RFC 3339 with an offset, or a date (its first instant in UTC).",
        {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]},
        None,
    ),
)
TILE_PARAMETERS: Mapping[str, Parameter] = {parameter.name: parameter for parameter in _PARAMETERS}
"""What tiles and their documents can be asked for with, by name."""


class AskedVariant(NamedTuple):
    """The variant of a request. ``lasts`` says that the same address always means the same variant.

    An instant that is still to come means now for as long as it is to come, so such an address does not.
    """

    variant: Variant
    lasts: bool


def parse_variant(layers: tuple[Layer, ...], query_string: bytes) -> AskedVariant:
    """Return the variant that a query string asks for; raises ParameterError for what is not known or cannot be asked together."""
    return variant_of(layers, parse_query(query_string, TILE_PARAMETERS) if query_string else {})


def variant_of(layers: tuple[Layer, ...], values: Mapping[str, str]) -> AskedVariant:
    """Return the variant that parameters ask for (those of ``TILE_PARAMETERS``; others are passed over); errors as ``parse_variant``."""
    ids = tuple(layer.id for layer in layers)
    if not TILE_PARAMETERS.keys() & values.keys():
        return AskedVariant(Variant(ids), lasts=True)
    as_of = parse_as_of(values)
    is_past = as_of is None or as_of < datetime.now(UTC)
    variant = Variant(
        ids,
        parse_word("tms", values.get("tms", WEB_MERCATOR_QUAD.id), tuple(MATRIX_SETS)),
        cast(Datum, parse_word("datum", values.get("datum", "wgs84"), ("wgs84", "gcj02"))),
        _filter(values),
        as_of,
    )
    check_variant(variant)
    return AskedVariant(variant if is_past else variant._replace(as_of=None), is_past)


def query_of(query_string: bytes) -> str:
    """Return the parameters of a request as its tiles repeat them, with the question mark; empty when there are none."""
    values = parse_query(query_string, TILE_PARAMETERS)
    # Braces would be taken for places to fill in, so they are escaped as all else is.
    return "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items()) if values else ""


def request_of(variant: Variant, tile: TileId) -> TileRequest:
    """Return the request for one tile of a variant; raises NotFoundError when its tile matrix set has no such tile."""
    MATRIX_SETS[variant.matrix_set].check(tile)
    return TileRequest(variant, tile)


def _filter(values: Mapping[str, str]) -> cql2.Filter | None:
    text = values.get("filter")
    if text is None:
        if "filter-lang" in values:
            raise ParameterError("filter-lang", "is given without a filter.", "filter beside it")
        return None
    return cql2.parse(text, parse_word("filter-lang", values.get("filter-lang", "cql2-text"), _LANGUAGES))
