"""TileJSON 3 documents: what a client needs to know of a set of layers before it asks for tiles."""

from __future__ import annotations

from gisgrid.layers import Field, Layer
from gisgrid.types import Bounds


def tilejson(layers: tuple[Layer, ...], template: str, bounds: Bounds, attribution: str) -> dict[str, object]:
    """Return the TileJSON 3.0.0 document of ``layers``.

    ``template`` is the address of a tile with ``{z}/{x}/{y}`` in it, ``bounds`` the extent of the data in WGS 84 degrees.
    """
    minzoom, maxzoom = min(layer.min_zoom for layer in layers), max(layer.max_zoom for layer in layers)
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
    }


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
