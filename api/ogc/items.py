"""Features of a collection: a page of them, or one."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from api.ogc.asked import Asked
from api.ogc.formats import GEOJSON
from api.ogc.links import address, link, own_links
from api.ogc.operations import Document, Operation, Parameters, Resource, get
from api.params import Parameter, parse_count
from gisgrid.db.features import Page
from gisgrid.features import FeatureQuery
from gisgrid.features.query import MOST_FEATURES
from gisgrid.layers import Layer

FORMATS = {"json": GEOJSON, "html": "text/html"}

_LIMIT = Parameter("limit", "Most features on a page.", {"type": "integer", "minimum": 1, "maximum": MOST_FEATURES, "default": 10}, 10)
_CURSOR = Parameter("cursor", "Where the page begins; taken from a `next` link.", {"type": "string"}, None)


def items_parameters(_: Layer) -> Parameters:
    """Return the parameters of a collection's items."""
    return {parameter.name: parameter for parameter in (_LIMIT, _CURSOR)}


async def items(asked: Asked) -> Document:
    """Answer a page of features."""
    limit = parse_count("limit", asked.query.get("limit", "10"), MOST_FEATURES)
    page = await asked.backend.features.page(FeatureQuery(asked.layer), limit, asked.query.get("cursor", ""))
    return Document(_collection(asked, page), "items.html")


def _collection(asked: Asked, page: Page) -> bytes:
    links = own_links(asked, FORMATS)
    if page.next is not None:
        links.append(link("next", address(asked, cursor=page.next), FORMATS[asked.format], "The next page"))
    said = {"links": links, "numberReturned": page.returned, "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if page.matched is not None:
        said["numberMatched"] = page.matched
    return b'{"type":"FeatureCollection",%b,"features":[%b]}' % (orjson.dumps(said)[1:-1], page.text.encode())


RESOURCES: tuple[Resource, ...] = (
    get("/collections/{collection}/items", Operation("items", "Features", items, FORMATS, items_parameters)),
)
"""What this module answers."""
