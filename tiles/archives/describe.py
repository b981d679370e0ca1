"""What an archive says of itself: TileJSON's fields, and what it was made from."""

from __future__ import annotations

from gisgrid import __version__
from gisgrid.deployment import Deployment
from gisgrid.layers import Layer
from gisgrid.types import Bounds
from tiles.archives.pmtiles_file import Extent
from tiles.documents import tilejson
from tiles.request import Variant


def extent_of(bounds: Bounds, min_zoom: int, max_zoom: int) -> Extent:
    """Return where tiles are whose rows lie in ``bounds`` (degrees); the middle is shown at the deepest zoom that shows all of it."""
    zoom = min_zoom
    while zoom < max_zoom and 180.0 / (1 << zoom) >= bounds.east - bounds.west:
        zoom += 1
    center = (round((bounds.west + bounds.east) / 2, 7), round((bounds.south + bounds.north) / 2, 7), zoom)
    return Extent(min_zoom, max_zoom, bounds, center)


def metadata_of(
    layers: tuple[Layer, ...], variant: Variant, extent: Extent, deployment: Deployment, *, name: str, version: int
) -> dict[str, object]:
    """Return the metadata of an archive as PMTiles and MBTiles have it: texts, and ``vector_layers``.

    ``version`` is that of the data. The same data and options give the same metadata: no time of day is in it.
    """
    attribution = deployment.attribution or f"{deployment.title_zh} {deployment.title_en}"
    document = tilejson(layers, "", extent.bounds, attribution)
    metadata: dict[str, object] = {
        "name": name,
        "description": document["description"],
        "attribution": attribution,
        "type": "overlay",
        "version": str(version),
        "generator": f"gisgrid {__version__}",
        "datum": variant.datum,
    }
    if variant.filter is not None:
        metadata["filter"] = variant.filter.canonical
    described = document["vector_layers"]
    assert isinstance(described, list)
    metadata["vector_layers"] = [
        {**layer, "minzoom": max(layer["minzoom"], extent.min_zoom), "maxzoom": extent.max_zoom}
        for layer in described
        if layer["minzoom"] <= extent.max_zoom
    ]
    return metadata
