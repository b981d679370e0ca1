"""Tiles and their documents over HTTP: the addresses, nothing else."""

from __future__ import annotations

import re
from collections.abc import Awaitable

from api.asgi import Reply, Scope, base_url, header, json_reply
from api.backend import Backend
from api.negotiation import accepts_gzip, codings, matches
from api.tileparams import parse_variant, query_of, request_of
from gisgrid.errors import NotFoundError
from gisgrid.layers import layers as layers_of
from tiles import EncodedTile, TileRequest, parse_layers, parse_tile_id

__all__ = ["PREFIX", "accepts_gzip", "answer", "base_url", "matches"]

PREFIX = "/tiles/"
"""What the addresses of tiles begin with."""

_TILE = re.compile(r"/tiles/([^/]+)/([^/]+)/([^/]+)/([^/]+)\.mvt")
_DOCUMENT = re.compile(r"/tiles/([^/]+)\.json")


def answer(backend: Backend, scope: Scope) -> Reply | Awaitable[Reply]:
    """Answer a tile or a TileJSON document; raises NotFoundError for any other path below ``/tiles/``."""
    path = scope["path"]
    match = _TILE.fullmatch(path)
    if match is not None:
        layers, tile = parse_layers(match[1]), parse_tile_id(match[2], match[3], match[4])
        asked = parse_variant(layers, scope["query_string"])
        return _tile(backend, scope, request_of(asked.variant, tile), lasts=asked.lasts)
    match = _DOCUMENT.fullmatch(path)
    if match is None:
        raise NotFoundError(
            f"There is nothing at {path[:80]}.", "Tiles are at /tiles/{layers}/{z}/{x}/{y}.mvt, TileJSON at /tiles/{layers}.json."
        )
    return _document(backend, scope, match[1])


def _tile(backend: Backend, scope: Scope, request: TileRequest, *, lasts: bool) -> Reply | Awaitable[Reply]:
    """Answer a tile: at once when it is kept, and then the next time in the same words even sooner if the address ``lasts``."""
    tile = backend.tiles.kept(request)
    if tile is None:
        return _made(backend, scope, request)
    if lasts and scope["method"] == "GET":
        backend.kept.learn_place(_target(scope), request)
    return _reply(backend, scope, tile)


async def _made(backend: Backend, scope: Scope, request: TileRequest) -> Reply:
    return _reply(backend, scope, await backend.tiles.tile(request))


def _reply(backend: Backend, scope: Scope, tile: EncodedTile) -> Reply:
    return backend.tile_replies.reply(tile, codings(header(scope, b"accept-encoding")), header(scope, b"if-none-match"))


async def _document(backend: Backend, scope: Scope, names: str) -> Reply:
    query = scope["query_string"]
    variant = parse_variant(parse_layers(names), query).variant
    template = f"{base_url(scope)}/tiles/{names}/{{z}}/{{x}}/{{y}}.mvt{query_of(query)}"
    bounds = await backend.extents.bounds(layers_of(variant.layer_ids))
    return json_reply(backend.tiles.document(variant, template, bounds))


def _target(scope: Scope) -> bytes:
    """Return the target of a request as it most probably stood in its first line."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return raw + b"?" + query if query else raw
