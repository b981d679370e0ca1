"""Archives over HTTP: tiles out of them, their TileJSON, and PMTiles files by byte ranges, as web pages read them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from api.asgi import Reply, base_url
from api.backend import Backend
from api.negotiation import codings, matches
from api.params import parse_query
from gisgrid.errors import NotFoundError, SourceError, UnavailableError
from tiles import EncodedTile, parse_tile_id
from tiles.archives.folder import Archive, Archives
from tiles.encoding import EMPTY, encode_now

router = APIRouter()

_PMTILES = "application/vnd.pmtiles"
# Scripts of other sites see these of an answer only when they are named; PMTiles readers need them.
_EXPOSED = {"access-control-expose-headers": "accept-ranges, content-encoding, content-length, content-range, etag"}


def archives(request: Request) -> Archives:
    """Return the archives of this server, those in the folder ``archives`` of its home; raises ParameterError for any parameter."""
    parse_query(request.scope["query_string"], {})
    found: Archives = request.app.state.archives
    return found


AllArchives = Annotated[Archives, Depends(archives)]


@router.get("/archives", include_in_schema=False)
async def listed(request: Request, served: AllArchives) -> Response:
    """Answer which archives there are, with the addresses of their documents."""
    base = base_url(request.scope)
    found = [{"name": name, "tilejson": f"{base}/archives/{name}.json"} for name in served.names()]
    return _json({"archives": found})


@router.get("/archives/{name}.json", include_in_schema=False)
async def document(request: Request, name: str, served: AllArchives) -> Response:
    """Answer the TileJSON of an archive."""
    archive = served.get(name)
    found = archive.document(f"{base_url(request.scope)}/archives/{name}/{{z}}/{{x}}/{{y}}.mvt")
    if archive.path.suffix == ".pmtiles":
        found["pmtiles"] = f"{base_url(request.scope)}/archives/{name}.pmtiles"
    return _json(found)


@router.get("/archives/{name}.pmtiles", include_in_schema=False)
async def whole(request: Request, name: str, served: AllArchives) -> Response:
    """Answer a PMTiles file, or the ranges of bytes that are asked for."""
    archive = served.get(name)
    if archive.path.suffix != ".pmtiles":
        raise NotFoundError(f"{name} is no PMTiles file.", f"Its tiles are at /archives/{name}/{{z}}/{{x}}/{{y}}.mvt.")
    return _file(request, archive)


@router.get("/archives/{name}/{z}/{x}/{y}.mvt", include_in_schema=False)
async def tile(request: Request, name: str, served: AllArchives) -> Response:
    """Answer a tile of an archive: in the same bytes as the server made it in when the archive was written."""
    backend: Backend = request.app.state.backend
    archive = served.get(name)
    try:
        data = archive.file.tile(parse_tile_id(*(request.path_params[part] for part in "zxy")))
    except SourceError as error:
        raise UnavailableError(f"The archive {name} cannot be read.", str(error)) from error
    taken = codings(request.headers.get("accept-encoding", ""))
    return _response(backend.tile_replies.reply(_encoded(archive, data), taken, request.headers.get("if-none-match", "")))


def _encoded(archive: Archive, data: bytes | None) -> EncodedTile:
    if data is None:
        return EMPTY
    if not archive.file.compressed:
        return encode_now(data)
    return EncodedTile(blake2b(data, digest_size=12).hexdigest(), {"gzip": data})


def _file(request: Request, archive: Archive) -> Response:
    inode, changed, size = archive.state
    headers = {**_EXPOSED, "etag": f'"{inode:x}-{changed:x}-{size:x}"', "cache-control": "no-cache", "accept-ranges": "bytes"}
    if matches(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    if request.scope.get("head") and "range" not in request.headers:
        # The length is told without the file being read for nobody.
        return Response(headers={**headers, "content-length": str(size)}, media_type=_PMTILES)
    return FileResponse(archive.path, headers=headers, media_type=_PMTILES)


def _json(document: dict[str, object]) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers={"cache-control": "no-store"})


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})
