"""Rasters over HTTP: which there are, their TileJSON, tiles as pictures, values at a place, and whole files by byte ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from api.asgi import base_url
from api.backend import Backend
from api.negotiation import matches
from api.params import Parameter, parse_query, parse_word
from api.points import POINT_PARAMETERS, parse_point
from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.errors import NotFoundError
from gisgrid.layers import layer
from gisgrid.rasters import Raster
from gisgrid.types import Bounds
from tiles import parse_tile_id
from tiles.raster_pictures import STYLES
from tiles.rasters import picture_etag
from tiles.request import Datum

router = APIRouter()

_TYPES = {"png": "image/png", "webp": "image/webp", "tif": "image/tiff; application=geotiff; profile=cloud-optimized"}
_SIZES = ("256", "512")
_FRESH = {"cache-control": "no-store"}
# A cache may keep a picture, but asks each time whether it is still good: the ETag answers that without drawing one.
_ASK_AGAIN = {"cache-control": "no-cache"}
_EXPOSED = {"access-control-expose-headers": "accept-ranges, content-length, content-range, etag"}
_UNITS = {"elevation": "m", "coverage": "cameras"}

TILE_PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "style",
            "How it is drawn: of heights `relief`, `hillshade`, `heights` or `terrarium` (encoded, for map libraries).",
            {"type": "string"},
            None,
        ),
        Parameter(
            "datum",
            "On which base maps the tile fits: `gcj02` for Amap and Tencent.",
            {"type": "string", "enum": ["wgs84", "gcj02"], "default": "wgs84"},
            None,
        ),
        Parameter("size", "Pixels that a tile is wide.", {"type": "string", "enum": list(_SIZES), "default": "256"}, None),
    )
}
"""What tiles of rasters and their documents can be asked for with, by name."""

VALUE_PARAMETERS: Mapping[str, Parameter] = {parameter.name: parameter for parameter in POINT_PARAMETERS}
"""What values at a place can be asked for with, by name."""


@router.get("/rasters", include_in_schema=False)
async def listed(request: Request) -> Response:
    """Answer which rasters there are."""
    parse_query(request.scope["query_string"], {})
    base = base_url(request.scope)
    return _json({"rasters": [_about(raster, base) for raster in await _backend(request).rasters.all() if _is_public(raster)]})


@router.get("/rasters/{raster_id}.json", include_in_schema=False)
async def document(request: Request, raster_id: str) -> Response:
    """Answer the TileJSON of a raster, with what is known of it."""
    raster = await _found(request, raster_id)
    values = parse_query(request.scope["query_string"], TILE_PARAMETERS)
    style, datum, size = _wanted(raster, values)
    base = base_url(request.scope)
    query = "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items()) if values else ""
    bounds = _shifted(raster.facts.bounds) if datum == "gcj02" else raster.facts.bounds
    facts = raster.facts
    found: dict[str, object] = {
        "tilejson": "3.0.0",
        "name": raster.title,
        "attribution": raster.attribution,
        "scheme": "xyz",
        "tiles": [f"{base}/rasters/{raster.id}/{{z}}/{{x}}/{{y}}.png{query}"],
        "bounds": [round(value, 7) for value in bounds],
        "center": [round((bounds.west + bounds.east) / 2, 7), round((bounds.south + bounds.north) / 2, 7), facts.min_zoom],
        "minzoom": facts.min_zoom,
        "maxzoom": facts.max_zoom,
        "tileSize": size,
        "style": style,
        "raster": _about(raster, base),
    }
    return _json(found | ({"encoding": "terrarium"} if style == "terrarium" else {}))


@router.get("/rasters/{raster_id}/point", include_in_schema=False)
async def values_at(request: Request, raster_id: str) -> Response:
    """Answer the values of a raster at a place."""
    raster, backend = await _found(request, raster_id), _backend(request)
    values = parse_query(request.scope["query_string"], VALUE_PARAMETERS)
    point = parse_point(values, backend.settings.default_crs)
    lon, lat = backend.model.to_wgs84(point.first, point.second, point.crs)
    found = await backend.rasters.values(raster, lon, lat)
    bands = [
        {"name": band.name or f"band {number}", "value": value}
        for number, (band, value) in enumerate(zip(raster.facts.bands, found, strict=False), 1)
    ]
    told = {"raster": raster.id, "kind": raster.kind, "unit": _UNITS.get(raster.kind), "value": found[0] if found else None, "bands": bands}
    return _json({"input": point.as_document(), "point": {"lon": round(lon, 9), "lat": round(lat, 9), "crs": "wgs84"}, **told})


@router.get("/rasters/{raster_id}/{z}/{x}/{y}.{ending}", include_in_schema=False)
async def tile(request: Request, raster_id: str) -> Response:
    """Answer a tile of a raster as a picture."""
    from tiles.raster_reading import Order  # noqa: PLC0415

    raster, parts = await _found(request, raster_id), request.path_params
    values = parse_query(request.scope["query_string"], TILE_PARAMETERS)
    if parts["ending"] not in ("png", "webp"):
        raise NotFoundError(f"Tiles of rasters are no .{parts['ending'][:20]}.", "They are .png and .webp.")
    style, datum, size = _wanted(raster, values)
    order = Order(parse_tile_id(parts["z"], parts["x"], parts["y"]), style, datum, size, parts["ending"])
    headers = {**_ASK_AGAIN, "etag": f'"{picture_etag(raster, order)}"'}
    if matches(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    drawn = await _backend(request).rasters.tile(raster, order)
    return Response(drawn, media_type=_TYPES[order.format], headers=headers)


@router.get("/rasters/{raster_id}.tif", include_in_schema=False)
async def whole(request: Request, raster_id: str) -> Response:
    """Answer the file of a raster, or the ranges of bytes that are asked for: QGIS reads it so over the network."""
    raster = await _found(request, raster_id)
    parse_query(request.scope["query_string"], {})
    headers = {**_ASK_AGAIN, **_EXPOSED, "etag": f'"{raster.file_hash[:32]}"', "accept-ranges": "bytes"}
    if matches(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    path = _backend(request).rasters.path(raster)
    if request.scope.get("head"):
        return Response(headers={**headers, "content-length": str(raster.size), "content-type": _TYPES["tif"]})
    return FileResponse(path, headers=headers, media_type=_TYPES["tif"], filename=f"{raster.id}.tif")


def _backend(request: Request) -> Backend:
    return cast(Backend, request.app.state.backend)


async def _found(request: Request, raster_id: str) -> Raster:
    raster = await _backend(request).rasters.find(raster_id)
    if not _is_public(raster):
        raise NotFoundError(f"Raster {raster_id!r} is not served.", "It tells of cameras, which this server does not show.")
    return raster


def _is_public(raster: Raster) -> bool:
    """Say whether anybody may see a raster: one of where cameras see tells where they are."""
    return raster.kind != "coverage" or layer("cameras").public


def _wanted(raster: Raster, values: Mapping[str, str]) -> tuple[str, Datum, int]:
    """Return the style, the datum and the size that a request asks for; raises ParameterError for others than there are."""
    styles = STYLES[raster.kind]
    style = parse_word("style", values.get("style", styles[0]), styles)
    datum = cast(Datum, parse_word("datum", values.get("datum", "wgs84"), ("wgs84", "gcj02")))
    return style, datum, int(parse_word("size", values.get("size", "256"), _SIZES))


def _about(raster: Raster, base: str) -> dict[str, Any]:
    """Return what is known of a raster, with the addresses of all that is served of it."""
    facts = raster.facts
    return {
        "id": raster.id,
        "kind": raster.kind,
        "title": raster.title,
        "attribution": raster.attribution,
        "captured_on": raster.captured_on,
        "data_version": raster.data_version,
        "recorded_at": raster.recorded_at,
        "bounds": [round(value, 7) for value in facts.bounds],
        "crs": facts.crs,
        "width": facts.width,
        "height": facts.height,
        "cell_m": round(facts.cell_m, 4),
        "dtype": facts.dtype,
        "nodata": facts.nodata if facts.nodata is None or facts.nodata == facts.nodata else "nan",
        "unit": _UNITS.get(raster.kind),
        "bands": [band._asdict() for band in facts.bands],
        "styles": list(STYLES[raster.kind]),
        "bytes": raster.size,
        "links": {
            "tilejson": f"{base}/rasters/{raster.id}.json",
            "point": f"{base}/rasters/{raster.id}/point",
            "geotiff": f"{base}/rasters/{raster.id}.tif",
        },
    }


def _shifted(box: Bounds) -> Bounds:
    """Return the box around a box on GCJ-02 base maps."""
    lon, lat = from_wgs84(GCJ02, [box.west, box.east, box.west, box.east], [box.south, box.south, box.north, box.north])
    return Bounds(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers=_FRESH)
