"""Styles, their sprites, and the names of areas that they write, over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from typing import cast

import orjson

from api.asgi import PUBLIC, Header, Reply, Scope, base_url, header
from api.backend import Backend
from api.negotiation import accepts_gzip, matches
from api.params import Parameter, parse_query, parse_word
from gisgrid.errors import NotFoundError
from tiles import parse_tile_id
from tiles.names import names_tile, names_tilejson
from tiles.request import Datum
from tiles.styles import SPRITES, Language, Site, StyleRequest, sprite, style_document, style_list

PREFIX = "/styles"
"""What the addresses of styles begin with."""

NAMES_PREFIX = "/tiles/names"
"""What the addresses of the names of areas begin with."""

DATUM = Parameter(
    "datum", "On which base maps it fits: `gcj02` for Amap and Tencent.", {"type": "string", "enum": ["wgs84", "gcj02"]}, "gcj02"
)
LANG = Parameter(
    "lang", "Language of signs and of the legend; names are those of the data.", {"type": "string", "enum": ["zh", "en"]}, "zh"
)

STYLE_PARAMETERS = {"datum": DATUM, "lang": LANG}
"""What a style can be asked for with, by name."""

NAMES_PARAMETERS = {"datum": DATUM}
"""What tiles of names and their document can be asked for with, by name."""

_STYLE = re.compile(r"/styles/([^/]+)\.json")
_SPRITE = re.compile(rf"/styles/sprites/({'|'.join(SPRITES)})(@2x)?\.(png|json)")
_NAMES = re.compile(r"/tiles/names/([^/]+)/([^/]+)/([^/]+)\.mvt")

# Asked again each time, which the ETag answers without a body. What a document says depends on the name by which the server was asked.
_HEADERS: tuple[Header, ...] = (*PUBLIC, (b"cache-control", b"no-cache"), (b"vary", b"accept-encoding"))
_JSON, _PNG, _MVT = b"application/json", b"image/png", b"application/vnd.mapbox-vector-tile"
_WORTH_PACKING = 1024


async def answer(backend: Backend, scope: Scope) -> Reply:
    """Answer the list of styles, a style, or a part of a sprite; raises NotFoundError for any other path below ``/styles``."""
    path = scope["path"]
    if path == PREFIX:
        parse_query(scope["query_string"], {})
        return _reply(scope, orjson.dumps(_listed(base_url(scope))), _JSON)
    match = _STYLE.fullmatch(path)
    if match is not None:
        asked = parse_query(scope["query_string"], STYLE_PARAMETERS)
        request = StyleRequest(match[1], _datum(asked), cast(Language, parse_word("lang", asked.get("lang", "zh"), ("zh", "en"))))
        return _reply(scope, orjson.dumps(style_document(request, site(backend, base_url(scope)))), _JSON)
    match = _SPRITE.fullmatch(path)
    if match is None:
        raise NotFoundError(f"There is nothing at {path[:80]}.", "Styles are listed at /styles.")
    signs = await asyncio.to_thread(sprite, match[1], 2 if match[2] else 1)
    return _reply(scope, signs.png, _PNG) if match[3] == "png" else _reply(scope, orjson.dumps(signs.places), _JSON)


def answer_names(backend: Backend, scope: Scope) -> Reply:
    """Answer a tile of names of areas, or their TileJSON; raises NotFoundError for any other path below ``/tiles/names``."""
    path = scope["path"]
    match = _NAMES.fullmatch(path)
    if match is not None:
        datum = _datum(parse_query(scope["query_string"], NAMES_PARAMETERS))
        body = names_tile(backend.model.snapshot.areas, parse_tile_id(match[1], match[2], match[3]), datum)
        return _reply(scope, body, _MVT) if body else Reply(204, _HEADERS, b"")
    if path != f"{NAMES_PREFIX}.json":
        raise NotFoundError(f"There is nothing at {path[:80]}.", "Names are at /tiles/names/{z}/{x}/{y}.mvt.")
    datum = _datum(parse_query(scope["query_string"], NAMES_PARAMETERS))
    query = "" if datum == "wgs84" else f"?datum={datum}"
    template = f"{base_url(scope)}{NAMES_PREFIX}/{{z}}/{{x}}/{{y}}.mvt{query}"
    here = site(backend, base_url(scope))
    return _reply(scope, orjson.dumps(names_tilejson(template, here.bounds, here.attribution)), _JSON)


def _datum(asked: dict[str, str]) -> Datum:
    return cast(Datum, parse_word("datum", asked.get("datum", "wgs84"), ("wgs84", "gcj02")))


def site(backend: Backend, address: str) -> Site:
    """Return what a style says of this server: its one district's name, or the deployment's where there are several or none."""
    deployment, now = backend.deployment, backend.model.snapshot
    bounds = now.locator.bounds or deployment.box
    attribution = deployment.attribution or f"{deployment.title_zh} {deployment.title_en}"
    districts = now.areas["district"].state.names
    return Site(address, bounds, attribution, districts[0] if len(districts) == 1 else deployment.title_zh)


def _listed(address: str) -> dict[str, object]:
    return {
        "styles": [
            {"id": style.id, "title_zh": style.title_zh, "title_en": style.title_en, "url": f"{address}/styles/{style.id}.json"}
            for style in style_list()
        ]
    }


def _reply(scope: Scope, body: bytes, media_type: bytes) -> Reply:
    """Return a document with its ETag, one for each encoding: 304 when the client has it, gzip where it is taken and pays."""
    packed = media_type != _PNG and len(body) >= _WORTH_PACKING and accepts_gzip(header(scope, b"accept-encoding"))
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}{"-gzip" if packed else ""}"'
    headers: tuple[Header, ...] = (*_HEADERS, (b"etag", etag.encode()))
    if matches(header(scope, b"if-none-match"), etag):
        return Reply(304, headers, b"")
    headers += ((b"content-type", media_type),)
    if packed:
        return Reply(200, (*headers, (b"content-encoding", b"gzip")), gzip.compress(body, 6, mtime=0))
    return Reply(200, headers, body)
