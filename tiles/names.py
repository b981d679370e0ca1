"""Names of areas as tiles of points: one point inside each area, so that no name is written twice where tiles meet.

Made from what the read model holds in memory, on request: a name is as current as a lookup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely

from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaIndex
from gisgrid.types import Bounds, Level
from tiles.request import Datum
from tiles.tile import TileId

LAYER_ID = "names"
"""The layer of a tile that holds the names."""

MIN_ZOOM, MAX_ZOOM = 4, 14
"""Tiles exist from and to these zooms; points lose nothing when a map goes deeper with the last."""

_EXTENT = 4096
# From which zoom on there is room for the names of a level.
_FROM_ZOOM: Mapping[Level, int] = {"district": 4, "street": 10, "community": 12, "grid": 13}
_FIELDS = {
    "layer": "图层 · Layer",
    "code": "代码 · Code",
    "name": "名称 · Name",
    "short": "简称 · Name as far as a map needs it",
    "number": "序号 · Shortest form, digits only",
}
_GRID = re.compile(r"第?\d+号?网格$")
_OFFICE = re.compile(r"(居民|村民)?委员会$|居委会$|村委会$")
_DIGITS = re.compile(r"(\d+)\D*$")


def names_tile(areas: Mapping[Level, AreaIndex], tile: TileId, datum: Datum = "wgs84") -> bytes:
    """Return the names of the areas whose point is in ``tile`` as a Mapbox Vector Tile, empty where there is none.

    A point on the border of two tiles is in the one to the east or south of it, and in no other.
    """
    levels = [level for level, zoom in _FROM_ZOOM.items() if tile.z >= zoom and AREA_LAYERS[level].public]
    features = [feature for level in levels for feature in _features(areas[level], level, tile, datum)]
    if not features:
        return b""
    layer = {"name": LAYER_ID, "features": features}
    written: bytes = mapbox_vector_tile.encode(layer, default_options={"extents": _EXTENT, "y_coord_down": True})
    return written


def names_tilejson(template: str, bounds: Bounds, attribution: str) -> dict[str, object]:
    """Return the TileJSON of the names; ``template`` is the address of a tile, ``bounds`` are those of the data in WGS 84 degrees."""
    return {
        "tilejson": "3.0.0",
        "name": LAYER_ID,
        "description": "区域名称",
        "attribution": attribution,
        "scheme": "xyz",
        "tiles": [template],
        "vector_layers": [{"id": LAYER_ID, "description": "区域名称", "fields": _FIELDS, "minzoom": MIN_ZOOM, "maxzoom": MAX_ZOOM}],
        "bounds": [round(value, 6) for value in bounds],
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
    }


def short_name(name: str) -> str:
    """Return a name without what the map shows anyway: a grid's street and community stand around it.

    >>> short_name("辽宁路街道科技街社区第12网格"), short_name("科技街社区居委会"), short_name("居委会")
    ('第12网格', '科技街社区', '居委会')
    """
    grid = _GRID.search(name)
    return grid[0] if grid else _OFFICE.sub("", name) or name


def _features(index: AreaIndex, level: Level, tile: TileId, datum: Datum) -> list[dict[str, Any]]:
    state, layer_id = index.state, AREA_LAYERS[level].id
    lon, lat = state.inner
    if datum == "gcj02":
        lon, lat = from_wgs84(GCJ02, lon, lat)
    count = 1 << tile.z
    with np.errstate(invalid="ignore"):
        across = (np.asarray(lon) + 180.0) / 360.0 * count - tile.x
        down = (1.0 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2.0 * count - tile.y
        inside = np.flatnonzero((across >= 0) & (across < 1) & (down >= 0) & (down < 1))
    points = shapely.points(np.floor(across[inside] * _EXTENT), np.floor(down[inside] * _EXTENT))
    return [
        {"geometry": point, "properties": _properties(layer_id, state.codes[row], state.names[row])}
        for point, row in zip(points, inside.tolist(), strict=True)
    ]


def _properties(layer_id: str, code: str, name: str) -> dict[str, str]:
    name = name or code
    digits = _DIGITS.search(name)
    return {"layer": layer_id, "code": code, "name": name, "short": short_name(name), "number": digits[1] if digits else code[-3:]}
