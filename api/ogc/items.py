"""Features of a collection: a page of them, or all of them as a file."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from api.asgi import Header
from api.ogc.asked import Asked
from api.ogc.crs import content_crs, parse_system
from api.ogc.downloads import DOWNLOAD_HEADERS, DOWNLOAD_STATUSES, DOWNLOADS, download
from api.ogc.feature_schemas import collection_schema
from api.ogc.item import PAGES
from api.ogc.item import RESOURCES as ITEM
from api.ogc.item_params import DEFAULT_LIMIT, items_parameters, read_count, read_limit, read_offset, read_query
from api.ogc.links import Link, address, link, own_links
from api.ogc.operations import Answer, Document, Operation, Resource, get
from gisgrid.db.features import Page
from gisgrid.db.features.keyset import read_cursor
from gisgrid.db.features.streaming import Cut
from gisgrid.features import FeatureQuery
from gisgrid.features.query import MOST_FEATURES

FORMATS = {**PAGES, **DOWNLOADS}

LINKED = {word: media for word, media in FORMATS.items() if word != "geojson"}
"""What links lead to. Of two links of one type GDAL takes the last one for pages, and the file of GeoJSON has no next page."""


async def items(asked: Asked) -> Answer:
    """Answer a page of features, or a file of all that the query finds."""
    query = read_query(asked.layer, asked.query)
    limit, offset, cursor = read_limit(asked.query), read_offset(asked.query), asked.query.get("cursor", "")
    crs = content_crs(parse_system("crs", asked.query.get("crs")))
    if asked.format in DOWNLOADS:
        after = read_cursor(query, cursor) if cursor else None
        return await download(asked, query, Cut(limit, offset, after), (crs,))
    page = await asked.backend.pages.page(query, min(limit or DEFAULT_LIMIT, MOST_FEATURES), cursor, offset)
    matched = await _matched(asked, query, page, None if cursor else offset)
    links = _links(asked, page)
    return Document(_collection(links, page, matched), "items.html", (crs, *_link_headers(links)))


async def _matched(asked: Asked, query: FeatureQuery, page: Page, skipped: int | None) -> int | None:
    if read_count(asked.query):
        return await asked.backend.counts.exactly(query)
    return await asked.backend.counts.matched(query, page, skipped)


def _links(asked: Asked, page: Page) -> list[Link]:
    links = own_links(asked, LINKED)
    at = f"{asked.base}/collections/{asked.names['collection']}"
    links.append(link("collection", at, title=asked.word(asked.layer.title_zh, asked.layer.title_en)))
    if page.next is not None:
        following = address(asked, cursor=page.next, offset=None)
        links.append(link("next", following, FORMATS[asked.format], asked.word("下一页", "The next page")))
    return links


def _link_headers(links: list[Link]) -> list[Header]:
    """Return the link that a client without an eye for the body needs."""
    return [(b"link", f'<{one["href"]}>; rel="next"; type="{one["type"]}"'.encode()) for one in links if one["rel"] == "next"]


def _collection(links: list[Link], page: Page, matched: int | None) -> bytes:
    said = {"links": links, "numberReturned": page.returned, "timeStamp": _written(int(time.time()))}
    if matched is not None:
        said["numberMatched"] = matched
    return b'{"type":"FeatureCollection",%b,"features":[%b]}' % (orjson.dumps(said)[1:-1], page.text)


@lru_cache(maxsize=1)
def _written(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


RESOURCES: tuple[Resource, ...] = (
    get(
        "/collections/{collection}/items",
        Operation(
            "items",
            "Features",
            items,
            FORMATS,
            items_parameters,
            statuses=DOWNLOAD_STATUSES,
            schema=collection_schema,
            gives=("Content-Crs", "Link", *DOWNLOAD_HEADERS),
        ),
    ),
    *ITEM,
)
"""What this module answers."""
