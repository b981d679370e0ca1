"""Layers that no table holds, over HTTP: counts by H3 cell, and what cameras see."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from datetime import date
from typing import cast
from urllib.parse import quote

from api.asgi import Reply, Scope, base_url, header, json_reply
from api.backend import Backend
from api.negotiation import codings
from api.params import Parameter, parse_query, parse_word, parse_words
from gisgrid.errors import NotFoundError, ParameterError
from tiles import EncodedTile, TileId, parse_tile_id
from tiles.camera_views import check_views
from tiles.derived import DerivedLayer, derived_tilejson, h3_layer, views_layer
from tiles.h3 import H3Request, check_h3
from tiles.request import Datum

H3_PREFIX = "/tiles/h3/"
"""What the addresses of counts begin with."""

VIEWS_PREFIX = "/tiles/camera_views"
"""What the addresses of what cameras see begin with."""

DATUM = Parameter(
    "datum", "On which base maps the tile fits: `gcj02` for Amap and Tencent.", {"type": "string", "enum": ["wgs84", "gcj02"]}, None
)
H3_PARAMETERS: Mapping[str, Parameter] = {
    "kind": Parameter("kind", "Only features of these kinds, with commas.", {"type": "string"}, "雨水"),
    "from": Parameter("from", "Only covers installed on this day or later.", {"type": "string", "format": "date"}, "2020-01-01"),
    "to": Parameter("to", "Only covers installed on this day or before.", {"type": "string", "format": "date"}, "2024-12-31"),
    "datum": DATUM,
}
"""What tiles of counts and their documents can be asked for with, by name."""

VIEWS_PARAMETERS: Mapping[str, Parameter] = {"datum": DATUM}
"""What tiles of what cameras see can be asked for with, by name."""

_H3_TILE = re.compile(r"/tiles/h3/([^/]+)/([^/]+)/([^/]+)/([^/]+)\.mvt")
_H3_DOCUMENT = re.compile(r"/tiles/h3/([^/]+)\.json")
_VIEWS_TILE = re.compile(r"/tiles/camera_views/([^/]+)/([^/]+)/([^/]+)\.mvt")
_ANYWHERE = TileId(0, 0, 0)


def answer_h3(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer a tile of counts or their TileJSON; raises NotFoundError for any other path below ``/tiles/h3/``."""
    path = scope["path"]
    tile, document = _H3_TILE.fullmatch(path), _H3_DOCUMENT.fullmatch(path)
    if tile is None and document is None:
        raise NotFoundError(
            f"There is nothing at {path[:80]}.", "Counts are at /tiles/h3/{layer}/{z}/{x}/{y}.mvt, TileJSON at /tiles/h3/{layer}.json."
        )
    values = parse_query(scope["query_string"], H3_PARAMETERS)
    if document is not None:
        check_h3(_h3_request(document[1], _ANYWHERE, values))
        return _document(backend, scope, h3_layer(document[1]), f"{H3_PREFIX}{document[1]}", values)
    assert tile is not None
    return _sent(backend, scope, backend.h3.tile(_h3_request(tile[1], parse_tile_id(tile[2], tile[3], tile[4]), values)))


def answer_views(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer a tile of what cameras see, or its TileJSON; raises NotFoundError for any other path below ``/tiles/camera_views``."""
    path = scope["path"]
    tile = _VIEWS_TILE.fullmatch(path)
    if tile is None and path != f"{VIEWS_PREFIX}.json":
        raise NotFoundError(f"There is nothing at {path[:80]}.", "What cameras see is at /tiles/camera_views/{z}/{x}/{y}.mvt.")
    values = parse_query(scope["query_string"], VIEWS_PARAMETERS)
    if tile is None:
        derived = views_layer()
        check_views(TileId(derived.min_zoom, 0, 0))
        return _document(backend, scope, derived, VIEWS_PREFIX, values)
    return _sent(backend, scope, backend.views.tile(parse_tile_id(tile[1], tile[2], tile[3]), _datum(values)))


async def _sent(backend: Backend, scope: Scope, made: Awaitable[EncodedTile]) -> Reply:
    """Answer a tile that is worked out from memory; it is as stale as what is in memory when the making begins."""
    stale = backend.model.currency().is_stale
    tile = (await made)._replace(stale=stale)
    return backend.tile_replies.reply(tile, codings(header(scope, b"accept-encoding")), header(scope, b"if-none-match"))


def _document(backend: Backend, scope: Scope, derived: DerivedLayer, path: str, values: Mapping[str, str]) -> Reply:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    template = f"{base_url(scope)}{path}/{{z}}/{{x}}/{{y}}.mvt{f'?{query}' if query else ''}"
    deployment = backend.deployment
    bounds = backend.model.snapshot.locator.bounds or deployment.box
    attribution = deployment.attribution or f"{deployment.title_zh} {deployment.title_en}"
    return json_reply(derived_tilejson(derived, template, bounds, attribution, _datum(values)))


def _h3_request(layer_id: str, tile: TileId, values: Mapping[str, str]) -> H3Request:
    kinds = tuple(sorted(parse_words("kind", values["kind"]))) if "kind" in values else ()
    return H3Request(layer_id, tile, kinds, _day(values, "from"), _day(values, "to"), _datum(values))


def _day(values: Mapping[str, str], name: str) -> date | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(name, f"{text[:60]!r} is not a day.", "YYYY-MM-DD") from None


def _datum(values: Mapping[str, str]) -> Datum:
    return cast(Datum, parse_word("datum", values.get("datum", "wgs84"), ("wgs84", "gcj02")))
