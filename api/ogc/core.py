"""The landing page and the declaration of conformance."""

from __future__ import annotations

from api.ogc.asked import Asked
from api.ogc.conforming import classes
from api.ogc.document_schemas import CONFORMANCE_SCHEMA, LANDING_SCHEMA
from api.ogc.links import STYLES, TILESETS_VECTOR, TILING_SCHEMES, Link, in_each, link, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get

OPENAPI_3_0 = "application/vnd.oai.openapi+json;version=3.0"
"""The media type that the standard's tools insist on for the API definition."""


async def landing(asked: Asked) -> Document:
    """Answer the landing page: what there is, by links."""
    deployment = asked.backend.deployment
    said: dict[str, object] = {
        "title": f"gisgrid {asked.word(deployment.title_zh, deployment.title_en)}",
        "description": asked.word(
            f"{deployment.title_zh}城市网格：网格、井盖、楼院、摄像头。",
            f"City grid of {deployment.title_en}: grids, covers, buildings, cameras.",
        ),
        "attribution": deployment.attribution or f"{deployment.title_zh} {deployment.title_en}",
    }
    return Document({**said, "links": [*own_links(asked, JSON), *_links(asked)]}, "landing.html")


def _links(asked: Asked) -> list[Link]:
    base, word = asked.base, asked.word
    return [
        link("service-desc", f"{base}/api?f=json", OPENAPI_3_0, word("接口定义：OpenAPI 3.0", "The API definition: OpenAPI 3.0")),
        link("service-doc", f"{base}/api?f=html", "text/html", word("接口说明", "The API for people")),
        *in_each(asked, "conformance", f"{base}/conformance", JSON, word("符合的标准", "What this server conforms to")),
        *in_each(asked, "data", f"{base}/collections", JSON, word("数据集", "The collections")),
        *in_each(asked, TILESETS_VECTOR, f"{base}/tiles", JSON, word("矢量瓦片", "Vector tiles")),
        *in_each(asked, TILING_SCHEMES, f"{base}/tileMatrixSets", JSON, word("瓦片矩阵集", "Tile matrix sets")),
        *in_each(asked, STYLES, f"{base}/styles", JSON, word("样式", "Styles")),
    ]


async def conformance(asked: Asked) -> Document:
    """Answer the classes of requirements that are met."""
    title = asked.word("符合的标准", "What this server conforms to")
    return Document({"title": title, "conformsTo": classes(), "links": own_links(asked, JSON)}, "conformance.html")


RESOURCES: tuple[Resource, ...] = (
    get("/", Operation("landing", "Landing page", landing, schema=LANDING_SCHEMA)),
    get("/conformance", Operation("conformance", "What this server conforms to", conformance, schema=CONFORMANCE_SCHEMA)),
)
"""What this module answers."""
