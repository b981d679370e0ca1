"""A tileset as OGC's standard of tile matrix sets describes one: its layers, limits, extent, and where its tiles are."""

from __future__ import annotations

import math
from typing import NamedTuple
from urllib.parse import urlencode

from api.ogc.asked import Asked, visible_layer, visible_layers
from api.ogc.crs import CRS84
from api.ogc.links import GEODATA, TILING_SCHEME, Link, in_each, link, own_links, template
from api.ogc.operations import JSON
from api.ogc.schemas import described
from gisgrid.errors import ParameterError
from gisgrid.layers import Layer
from gisgrid.types import Bounds
from tiles import TileId
from tiles.documents import in_gcj02
from tiles.matrix import MatrixSet
from tiles.sql import BUFFER, EXTENT

MVT = "application/vnd.mapbox-vector-tile"
"""The media type of vector tiles."""

_DIMENSIONS = {"Point": 0, "MultiLineString": 1, "MultiPolygon": 2}


class TileOrigin(NamedTuple):
    """What tiles are of: ``layers`` from the bottom up, at the address ``at``."""

    layers: tuple[Layer, ...]
    at: str
    title: str

    def zooms(self, matrix_set: MatrixSet) -> range:
        """Return the zooms that its tilesets have."""
        first = max(min(layer.min_zoom for layer in self.layers), matrix_set.min_zoom)
        return range(first, min(max(layer.max_zoom for layer in self.layers), matrix_set.max_zoom) + 1)


def dataset_origin(asked: Asked) -> TileOrigin:
    """Return what the tiles of the dataset are of: the collections that are chosen, or all; raises ParameterError for an unknown one."""
    layers = visible_layers() if "collections" not in asked.query else _chosen(asked, asked.query["collections"])
    deployment = asked.backend.deployment
    return TileOrigin(layers, f"{asked.base}/tiles", asked.word(deployment.title_zh, deployment.title_en))


def collection_origin(asked: Asked) -> TileOrigin:
    """Return what the tiles of a collection are of."""
    layer = asked.layer
    return TileOrigin((layer,), f"{asked.base}/collections/{layer.id}/tiles", asked.word(layer.title_zh, layer.title_en))


def _chosen(asked: Asked, text: str) -> tuple[Layer, ...]:
    ids = [item.strip().removeprefix(f"{asked.base}/collections/") for item in text.split(",")]
    known = [layer.id for layer in visible_layers()]
    unknown = next((id for id in ids if id not in known), None)
    if unknown is not None or len(set(ids)) < len(ids):
        what = "names one twice." if unknown is None else f"{unknown[:80]!r} is no collection."
        raise ParameterError("collections", what, f"any of {', '.join(known)}, with commas")
    return tuple(visible_layer(id) for id in ids)


def listed(asked: Asked, origin: TileOrigin, matrix_set: MatrixSet) -> dict[str, object]:
    """Return a tileset as the list of tilesets has it."""
    title = f"{origin.title}: {matrix_set.title}"
    return {"title": title, **_kind(matrix_set), "links": [*_self(asked, origin, matrix_set), _scheme(asked, matrix_set)]}


async def tileset(asked: Asked, origin: TileOrigin, matrix_set: MatrixSet) -> dict[str, object]:
    """Return the whole description of a tileset."""
    bounds = await _bounds(asked, origin)
    deployment = asked.backend.deployment
    return {
        "title": f"{origin.title}: {matrix_set.title}",
        "description": asked.word("矢量瓦片。", "Vector tiles.") + f" {', '.join(layer.id for layer in origin.layers)}",
        "attribution": deployment.attribution or f"{deployment.title_zh} {deployment.title_en}",
        **_kind(matrix_set),
        "tileMatrixSetLimits": [_limits(matrix_set, bounds, z) for z in origin.zooms(matrix_set)],
        "boundingBox": {"lowerLeft": list(bounds[:2]), "upperRight": list(bounds[2:]), "crs": CRS84.uri},
        "centerPoint": _center(origin, matrix_set, bounds),
        "layers": [_layer(asked, layer, matrix_set) for layer in origin.layers],
        "links": [*own_links(asked, JSON), _tiles(asked, origin, matrix_set), _scheme(asked, matrix_set), *_data(asked, origin)],
    }


async def at_limits(asked: Asked, origin: TileOrigin, matrix_set: MatrixSet, tile: TileId) -> bool:
    """Say whether a tile is within the limits that its tileset tells."""
    first, last = _corners(matrix_set, await _bounds(asked, origin), tile.z)
    return first.x <= tile.x <= last.x and first.y <= tile.y <= last.y


def _kind(matrix_set: MatrixSet) -> dict[str, object]:
    document = matrix_set.document()
    uri = {"tileMatrixSetURI": document["uri"]} if "uri" in document else {}
    return {"dataType": "vector", "crs": document["crs"], "tileMatrixSetId": matrix_set.id, **uri}


async def _bounds(asked: Asked, origin: TileOrigin) -> Bounds:
    bounds = await asked.backend.extents.bounds(origin.layers) or asked.backend.deployment.box
    return in_gcj02(bounds) if asked.query.get("datum") == "gcj02" else bounds


def _corners(matrix_set: MatrixSet, bounds: Bounds, z: int) -> tuple[TileId, TileId]:
    """Return the north-western and the south-eastern tile of a zoom that may show something: a tile also shows what is just beside it."""
    buffer = matrix_set.side / (1 << z) * BUFFER / EXTENT / (math.radians(6378137.0) if matrix_set.srid == 3857 else 1.0)
    # On a Mercator map a degree of latitude is longer than one of longitude, so that this is no less than the buffer.
    west, south, east, north = bounds
    return matrix_set.tile_at(west - buffer, north + buffer, z), matrix_set.tile_at(east + buffer, south - buffer, z)


def _limits(matrix_set: MatrixSet, bounds: Bounds, z: int) -> dict[str, object]:
    first, last = _corners(matrix_set, bounds, z)
    return {"tileMatrix": str(z), "minTileRow": first.y, "maxTileRow": last.y, "minTileCol": first.x, "maxTileCol": last.x}


def _center(origin: TileOrigin, matrix_set: MatrixSet, bounds: Bounds) -> dict[str, object]:
    """Return the middle, and the first zoom at which the whole is about two tiles wide."""
    zooms = origin.zooms(matrix_set)
    width = max(bounds.east - bounds.west, 1e-6)
    zoom = next((z for z in zooms if 360.0 / (1 << z) <= width), zooms[-1])
    middle = [round((bounds.west + bounds.east) / 2, 6), round((bounds.south + bounds.north) / 2, 6)]
    return {"coordinates": middle, "crs": CRS84.uri, "tileMatrix": str(zoom)}


def _layer(asked: Asked, layer: Layer, matrix_set: MatrixSet) -> dict[str, object]:
    zooms = TileOrigin((layer,), "", "").zooms(matrix_set)
    properties = {field.name: described(field, asked.language) for field in layer.fields if field.in_tiles}
    if layer.thinned_below is not None:
        title = asked.word("代表的要素数", "Features that it stands for")
        properties["feature_count"] = {"title": title, "type": "integer", "minimum": 1}
    said: dict[str, object] = {
        "id": layer.id,
        "title": asked.word(layer.title_zh, layer.title_en),
        "dataType": "vector",
        "minTileMatrix": str(zooms[0]),
        "maxTileMatrix": str(zooms[-1]),
        "propertiesSchema": {"type": "object", "properties": properties},
        "links": [link(GEODATA, f"{asked.base}/collections/{layer.id}", title=asked.word(layer.title_zh, layer.title_en))],
    }
    return said if layer.geometry not in _DIMENSIONS else {**said, "geometryDimension": _DIMENSIONS[layer.geometry]}


def _self(asked: Asked, origin: TileOrigin, matrix_set: MatrixSet) -> list[Link]:
    at, title = f"{origin.at}/{matrix_set.id}", asked.word("瓦片集", "The tileset")
    return [*in_each(asked, "self", at, {"json": JSON["json"]}, title), *in_each(asked, "alternate", at, {"html": JSON["html"]}, title)]


def _tiles(asked: Asked, origin: TileOrigin, matrix_set: MatrixSet) -> Link:
    # What the tileset was asked for with is what its tiles are asked for with.
    query = {"f": "mvt", **{name: value for name, value in asked.query.items() if name not in ("f", "lang")}}
    href = f"{origin.at}/{matrix_set.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?{urlencode(query)}"
    return template("item", href, MVT, asked.word("瓦片", "The tiles"))


def _scheme(asked: Asked, matrix_set: MatrixSet) -> Link:
    return link(TILING_SCHEME, f"{asked.base}/tileMatrixSets/{matrix_set.id}?f=json", title=matrix_set.title)


def _data(asked: Asked, origin: TileOrigin) -> list[Link]:
    one = origin.layers[0] if origin.at.endswith(f"/collections/{origin.layers[0].id}/tiles") else None
    at = f"{asked.base}/collections/{one.id}" if one else f"{asked.base}/collections"
    return [link(GEODATA, f"{at}?f=json", title=origin.title)]
