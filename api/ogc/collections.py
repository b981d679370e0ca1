"""Collections: the layers of the catalogue as OGC API describes them."""

from __future__ import annotations

from datetime import date

from api.access import is_editor
from api.ogc.asked import Asked, known_layers, visible_layers
from api.ogc.crs import CRS84, SYSTEMS
from api.ogc.document_schemas import COLLECTION_SCHEMA, COLLECTIONS_SCHEMA
from api.ogc.formats import GEOJSON
from api.ogc.items import LINKED as ITEM_FORMATS
from api.ogc.links import QUERYABLES, SCHEMA, SORTABLES, TILESETS_VECTOR, Link, in_each, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get
from api.ogc.schemas import SCHEMA_FORMATS
from gisgrid.db.features.extent import Extent
from gisgrid.layers import Layer

__all__ = ["GEOJSON", "RESOURCES", "described"]

_GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


async def collections(asked: Asked) -> Document:
    """Answer all collections."""
    layers = known_layers() if await is_editor(asked.backend, asked.header(b"authorization")) else visible_layers()
    listed = [{**await described(asked, layer), "links": [*_self(asked, layer), *_links(asked, layer)]} for layer in layers]
    document = {"title": asked.word("数据集", "Collections"), "links": own_links(asked, JSON), "crs": _systems(), "collections": listed}
    return Document(document, "collections.html")


async def collection(asked: Asked) -> Document:
    """Answer one collection."""
    links = [*own_links(asked, JSON), *_links(asked, asked.layer)]
    return Document({**await described(asked, asked.layer), "links": links}, "collection.html")


async def described(asked: Asked, layer: Layer) -> dict[str, object]:
    """Return what is said of a collection, but for its links."""
    deployment = asked.backend.deployment
    extent = await asked.backend.extents.of(layer)
    return {
        "id": layer.id,
        "title": asked.word(layer.title_zh, layer.title_en),
        "description": f"{deployment.title_zh}：{layer.title_zh}。{layer.title_en}, {deployment.title_en}.",
        "keywords": [layer.title_zh, layer.title_en, deployment.title_zh, deployment.title_en],
        "attribution": deployment.attribution or f"{deployment.title_zh} {deployment.title_en}",
        "itemType": "feature",
        "extent": _extent(extent, list(extent.bounds or deployment.box)),
        "crs": _systems(),
        "storageCrs": CRS84.uri,
    }


def _systems() -> list[str]:
    return [system.uri for system in SYSTEMS]


def _extent(extent: Extent, box: list[float]) -> dict[str, object]:
    said: dict[str, object] = {"spatial": {"bbox": [box], "crs": CRS84.uri}}
    if extent.first is not None:
        said["temporal"] = {"interval": [[_start(extent.first), _end(extent.last)]], "trs": _GREGORIAN}
    return said


def _start(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _end(day: date | None) -> str | None:
    return f"{day.isoformat()}T23:59:59Z" if day is not None else None


def _self(asked: Asked, layer: Layer) -> list[Link]:
    title = asked.word(f"{layer.title_zh}数据集", f"The collection {layer.title_en}")
    return in_each(asked, "self", _at(asked, layer), {"json": JSON["json"]}, title) + in_each(
        asked, "alternate", _at(asked, layer), {"html": JSON["html"]}, title
    )


def _links(asked: Asked, layer: Layer) -> list[Link]:
    at, word = _at(asked, layer), asked.word
    title = word(layer.title_zh, layer.title_en)
    return [
        *in_each(asked, "items", f"{at}/items", ITEM_FORMATS, title),
        *in_each(asked, SCHEMA, f"{at}/schema", SCHEMA_FORMATS, word("字段", "Schema")),
        *in_each(asked, QUERYABLES, f"{at}/queryables", SCHEMA_FORMATS, word("可查询字段", "Queryables")),
        *in_each(asked, SORTABLES, f"{at}/sortables", SCHEMA_FORMATS, word("可排序字段", "Sortables")),
        *(in_each(asked, TILESETS_VECTOR, f"{at}/tiles", JSON, word("矢量瓦片", "Vector tiles")) if layer.public else ()),
    ]


def _at(asked: Asked, layer: Layer) -> str:
    return f"{asked.base}/collections/{layer.id}"


RESOURCES: tuple[Resource, ...] = (
    get("/collections", Operation("collections", "The collections", collections, schema=COLLECTIONS_SCHEMA)),
    get("/collections/{collection}", Operation("collection", "One collection", collection, schema=COLLECTION_SCHEMA)),
)
"""What this module answers."""
