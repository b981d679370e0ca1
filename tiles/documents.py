"""TileJSON 3 documents: what a client needs to know of a set of layers before it asks for tiles."""

from __future__ import annotations

import numpy as np

from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.layers import Field, Layer
from gisgrid.types import Bounds
from tiles.matrix import WEB_MERCATOR_QUAD, MatrixSet

_ALONG = 9
# How far the edge of a box may bend between the places where it is shifted, degrees.
_BEND_DEG = 0.0001


def tilejson(
    layers: tuple[Layer, ...], template: str, bounds: Bounds, attribution: str, matrix_set: MatrixSet = WEB_MERCATOR_QUAD
) -> dict[str, object]:
    """Return the TileJSON 3.0.0 document of ``layers``.

    ``template`` is the address of a tile with ``{z}/{x}/{y}`` in it, ``bounds`` the extent of the data in degrees of the tiles'
    datum. TileJSON itself knows the web map square alone: tiles of another set are named in ``tile_matrix_set``.
    """
    minzoom = max(min(layer.min_zoom for layer in layers), matrix_set.min_zoom)
    maxzoom = min(max(layer.max_zoom for layer in layers), matrix_set.max_zoom)
    other = {} if matrix_set is WEB_MERCATOR_QUAD else {"tile_matrix_set": matrix_set.id, "crs": f"EPSG:{matrix_set.epsg}"}
    return {
        "tilejson": "3.0.0",
        "name": ",".join(layer.id for layer in layers),
        "description": "、".join(layer.title_zh for layer in layers),
        "attribution": attribution,
        "scheme": "xyz",
        "tiles": [template],
        "vector_layers": [_vector_layer(layer) for layer in layers],
        "bounds": [round(value, 6) for value in bounds],
        "center": _center(bounds, minzoom, maxzoom),
        "minzoom": minzoom,
        "maxzoom": maxzoom,
        **other,
    }


def in_gcj02(bounds: Bounds) -> Bounds:
    """Return a box in GCJ-02 that holds all of ``bounds`` (WGS 84 degrees) as GCJ-02 shows it: maps ask for no tile outside."""
    lon, lat = np.meshgrid(np.linspace(bounds.west, bounds.east, _ALONG), np.linspace(bounds.south, bounds.north, _ALONG))
    lon, lat = from_wgs84(GCJ02, lon.ravel(), lat.ravel())
    west, south, east, north = (float(edge) for edge in (lon.min(), lat.min(), lon.max(), lat.max()))
    return Bounds(west - _BEND_DEG, south - _BEND_DEG, east + _BEND_DEG, north + _BEND_DEG)


def _vector_layer(layer: Layer) -> dict[str, object]:
    fields = {field.name: _describe(field) for field in layer.fields if field.in_tiles}
    if layer.thinned_below is not None:
        fields["feature_count"] = f"代表的要素数 · Features that it stands for, below zoom {layer.thinned_below}"
    return {
        "id": layer.id,
        "description": layer.title_zh,
        "fields": fields,
        "minzoom": layer.min_zoom,
        "maxzoom": layer.max_zoom,
    }


def _describe(field: Field) -> str:
    unit = f" ({field.unit})" if field.unit else ""
    return f"{field.title_zh} · {field.title_en}{unit}"


def _center(bounds: Bounds, minzoom: int, maxzoom: int) -> list[float]:
    """Return the middle of ``bounds`` and the first zoom at which the whole fits about two tiles across."""
    width = max(bounds.east - bounds.west, 1e-6)
    zoom = minzoom
    while zoom < maxzoom and 360.0 / (1 << (zoom + 1)) * 2 >= width:
        zoom += 1
    return [round((bounds.west + bounds.east) / 2, 6), round((bounds.south + bounds.north) / 2, 6), zoom]
