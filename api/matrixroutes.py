"""Tile matrix sets over HTTP, as OGC API Tiles describes them."""

from __future__ import annotations

from api.asgi import Reply, Scope, base_url, json_reply
from api.backend import Backend
from api.params import parse_query
from gisgrid.errors import NotFoundError
from tiles.matrix import MATRIX_SETS, MatrixSet

PREFIX = "/tileMatrixSets"
"""What the addresses of tile matrix sets begin with."""

_REL = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"


def answer(_: Backend, scope: Scope) -> Reply:
    """Answer the list of tile matrix sets, or one of them; raises NotFoundError for any other path below ``/tileMatrixSets``."""
    path = scope["path"]
    parse_query(scope["query_string"], {})
    if path == PREFIX:
        return json_reply({"tileMatrixSets": [_listed(one, base_url(scope)) for one in MATRIX_SETS.values()]})
    found = MATRIX_SETS.get(path.removeprefix(f"{PREFIX}/"))
    if found is None:
        raise NotFoundError(f"There is nothing at {path[:80]}.", f"Tile matrix sets: {', '.join(MATRIX_SETS)}.")
    return json_reply(found.document())


def _listed(one: MatrixSet, address: str) -> dict[str, object]:
    link = {"rel": _REL, "type": "application/json", "href": f"{address}{PREFIX}/{one.id}"}
    described = {name: value for name, value in one.document().items() if name in {"id", "title", "uri", "crs"}}
    return {**described, "links": [link]}
