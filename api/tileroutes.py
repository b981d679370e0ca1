"""Tiles and their documents over HTTP: the addresses, the caching headers, nothing else."""

from __future__ import annotations

import re

from api.asgi import PUBLIC, Header, Reply, Scope, header, json_reply
from api.backend import Backend
from api.params import parse_query
from gisgrid.errors import NotFoundError
from tiles import EncodedTile, TileRequest, Variant, parse_layers, parse_tile_id

PREFIX = "/tiles/"
"""What the addresses of tiles begin with."""

_TILE = re.compile(r"/tiles/([^/]+)/([^/]+)/([^/]+)/([^/]+)\.mvt")
_DOCUMENT = re.compile(r"/tiles/([^/]+)\.json")

# no-cache lets a cache keep a tile but makes it ask each time whether it is still good, which the ETag answers
# without a body: an edit shows in the next request, and never a tile older than that.
_TILE_HEADERS: tuple[Header, ...] = (*PUBLIC, (b"cache-control", b"no-cache"), (b"vary", b"accept-encoding"))
_MVT: Header = (b"content-type", b"application/vnd.mapbox-vector-tile")


async def answer(backend: Backend, scope: Scope) -> Reply:
    """Answer a tile or a TileJSON document; raises NotFoundError for any other path below ``/tiles/``."""
    path = scope["path"]
    match = _TILE.fullmatch(path)
    if match is not None:
        parse_query(scope["query_string"], {})
        layers, tile = parse_layers(match[1]), parse_tile_id(match[2], match[3], match[4])
        request = TileRequest(Variant(tuple(layer.id for layer in layers)), tile)
        return tile_reply(await backend.tiles.tile(request), header(scope, b"accept-encoding"), header(scope, b"if-none-match"))
    match = _DOCUMENT.fullmatch(path)
    if match is None:
        raise NotFoundError(
            f"There is nothing at {path[:80]}.", "Tiles are at /tiles/{layers}/{z}/{x}/{y}.mvt, TileJSON at /tiles/{layers}.json."
        )
    parse_query(scope["query_string"], {})
    layers = parse_layers(match[1])
    template = f"{base_url(scope)}/tiles/{match[1]}/{{z}}/{{x}}/{{y}}.mvt"
    return json_reply(await backend.tiles.document(layers, template))


def tile_reply(tile: EncodedTile, accept_encoding: str, if_none_match: str) -> Reply:
    """Return a tile as an answer: 204 when nothing is in it, 304 when the client has it, gzip where it is taken and pays."""
    if tile.is_empty:
        return Reply(204, _TILE_HEADERS, b"")
    packed = tile.encodings.get("gzip") if accepts_gzip(accept_encoding) else None
    # A strong ETag names bytes, so each encoding has its own.
    etag = f'"{tile.etag}-gzip"' if packed is not None else f'"{tile.etag}"'
    headers: tuple[Header, ...] = (*_TILE_HEADERS, (b"etag", etag.encode()))
    if matches(if_none_match, etag):
        return Reply(304, headers, b"")
    if packed is not None:
        return Reply(200, (*headers, _MVT, (b"content-encoding", b"gzip")), packed)
    return Reply(200, (*headers, _MVT), tile.body("identity"))


def accepts_gzip(value: str) -> bool:
    """Say whether an Accept-Encoding header takes gzip: named or ``*``, and not with q=0.

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0, br"), accepts_gzip("")
    (True, False, False)
    """
    weights = {}
    for part in value.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = weight.replace(" ", "")
    chosen = weights.get("gzip", weights.get("*"))
    return chosen is not None and not re.fullmatch(r"q=0(\.0*)?", chosen)


def matches(if_none_match: str, etag: str) -> bool:
    """Say whether an If-None-Match header names ``etag``; weak comparison, as RFC 9110 wants for GET.

    >>> matches('"a", W/"b"', '"b"'), matches("*", '"a"'), matches("", '"a"')
    (True, True, False)
    """
    return bool(if_none_match) and (
        if_none_match.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    )


def base_url(scope: Scope) -> str:
    """Return the address of this server as the client wrote it: a proxy that ends TLS says so in X-Forwarded-Proto.

    A client that sends that header itself gets links of that kind, and nobody else does: the answer is not cached.
    """
    host = header(scope, b"host")
    if not re.fullmatch(r"[\w.\-:\[\]]{1,255}", host, re.ASCII):
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}" if port else str(name)
    forwarded = header(scope, b"x-forwarded-proto")
    scheme = forwarded if forwarded in ("http", "https") else scope["scheme"]
    return f"{scheme}://{host}{scope.get('root_path', '')}"
