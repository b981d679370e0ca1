"""The landing page and the declaration of conformance."""

from __future__ import annotations

from api.ogc.asked import Asked
from api.ogc.links import link, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get

OPENAPI_3_0 = "application/vnd.oai.openapi+json;version=3.0"
"""The media type that the standard's tools insist on for the API definition."""

_CLASSES = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)


async def landing(asked: Asked) -> Document:
    """Answer the landing page: what there is, by links."""
    deployment = asked.backend.deployment
    links = [
        *own_links(asked, JSON),
        link("service-desc", f"{asked.base}/api", OPENAPI_3_0, "The API definition"),
        link("service-doc", f"{asked.base}/api?f=html", "text/html", "The API for people"),
        link("conformance", f"{asked.base}/conformance", title="What this server conforms to"),
        link("data", f"{asked.base}/collections", title="The collections"),
    ]
    return Document({"title": deployment.title_zh, "description": deployment.title_en, "links": links}, "landing.html")


async def conformance(asked: Asked) -> Document:
    """Answer the classes of requirements that are met."""
    return Document({"conformsTo": list(_CLASSES), "links": own_links(asked, JSON)}, "conformance.html")


RESOURCES: tuple[Resource, ...] = (
    get("/", Operation("landing", "Landing page", landing)),
    get("/conformance", Operation("conformance", "What this server conforms to", conformance)),
)
"""What this module answers."""
