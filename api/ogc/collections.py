"""Collections: the layers of the catalogue as OGC API describes them."""

from __future__ import annotations

from api.ogc.asked import Asked, visible_layers
from api.ogc.links import Link, link, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get
from gisgrid.layers import Layer

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
"""Longitude before latitude, WGS 84: the system of everything that names none."""

GEOJSON = "application/geo+json"


async def collections(asked: Asked) -> Document:
    """Answer all collections."""
    listed = [{**described(asked, layer), "links": _links(asked, layer)} for layer in visible_layers()]
    return Document({"collections": listed, "links": own_links(asked, JSON)}, "collections.html")


async def collection(asked: Asked) -> Document:
    """Answer one collection."""
    links = [*own_links(asked, JSON), *_links(asked, asked.layer)]
    return Document({**described(asked, asked.layer), "links": links}, "collection.html")


def described(asked: Asked, layer: Layer) -> dict[str, object]:
    """Return what is said of a collection, but for its links."""
    box = asked.backend.deployment.box
    return {
        "id": layer.id,
        "title": layer.title_zh,
        "description": layer.title_en,
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "extent": {"spatial": {"bbox": [list(box)], "crs": CRS84}},
    }


def _links(asked: Asked, layer: Layer) -> list[Link]:
    at = f"{asked.base}/collections/{layer.id}"
    return [link("items", f"{at}/items", GEOJSON, layer.title_zh), link("items", f"{at}/items?f=html", "text/html", layer.title_zh)]


RESOURCES: tuple[Resource, ...] = (
    get("/collections", Operation("collections", "The collections", collections)),
    get("/collections/{collection}", Operation("collection", "One collection", collection)),
)
"""What this module answers."""
