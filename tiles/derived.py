"""Layers that no table holds: what they are called, what their features say, and their TileJSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gisgrid.layers import layer
from gisgrid.types import Bounds
from tiles import camera_views, h3
from tiles.documents import in_gcj02
from tiles.request import Datum


class DerivedLayer(NamedTuple):
    """A layer that is worked out: its name in tiles, its titles, its fields with what they mean, and its zooms."""

    id: str
    title_zh: str
    title_en: str
    fields: Mapping[str, str]
    min_zoom: int
    max_zoom: int


def h3_layer(layer_id: str) -> DerivedLayer:
    """Return the layer of counts of another layer."""
    counted = layer(layer_id)
    fields = {"cell": "H3 单元 · H3 cell", "count": f"{counted.title_zh}数 · Number of {counted.title_en.lower()}"}
    return DerivedLayer(h3.H3_LAYER, f"{counted.title_zh}分布", f"{counted.title_en} by H3 cell", fields, h3.MIN_ZOOM, h3.MAX_ZOOM)


def views_layer() -> DerivedLayer:
    """Return the layer of what cameras see."""
    cameras = layer("cameras")
    shown = [field for field in map(cameras.field, camera_views.FIELDS) if field.in_tiles]
    fields = {field.name: f"{field.title_zh} · {field.title_en}{f' ({field.unit})' if field.unit else ''}" for field in shown}
    return DerivedLayer(camera_views.VIEWS_LAYER, "摄像头视域", "What cameras see", fields, camera_views.MIN_ZOOM, camera_views.MAX_ZOOM)


def derived_tilejson(derived: DerivedLayer, template: str, bounds: Bounds, attribution: str, datum: Datum) -> dict[str, object]:
    """Return the TileJSON 3.0.0 document of a derived layer; ``bounds`` are those of the data in degrees, WGS 84."""
    bounds = in_gcj02(bounds) if datum == "gcj02" else bounds
    return {
        "tilejson": "3.0.0",
        "name": derived.id,
        "description": f"{derived.title_zh} · {derived.title_en}",
        "attribution": attribution,
        "scheme": "xyz",
        "tiles": [template],
        "vector_layers": [
            {
                "id": derived.id,
                "description": derived.title_zh,
                "fields": dict(derived.fields),
                "minzoom": derived.min_zoom,
                "maxzoom": derived.max_zoom,
            }
        ],
        "bounds": [round(value, 6) for value in bounds],
        "minzoom": derived.min_zoom,
        "maxzoom": derived.max_zoom,
    }
