"""Features of a collection: a page of them, or all of them as a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
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
from api.ogc.links import address, link, own_links_text
from api.ogc.operations import Answer, Document, Operation, Resource, get
from gisgrid.db.features import Page
from gisgrid.db.features.keyset import read_cursor
from gisgrid.db.features.streaming import Cut
from gisgrid.features.query import MOST_FEATURES

FORMATS = {**PAGES, **DOWNLOADS}

LINKED = {word: media for word, media in FORMATS.items() if word != "geojson"}
"""What links lead to. Of two links of one type GDAL takes the last one for pages, and the file of GeoJSON has no next page."""

_LINKED_OF_FILE = {word: media for word, media in FORMATS.items() if word != "json"}

# What the address of the next page does not have, or has at another place than the end.
_MOVED = frozenset(("f", "cursor", "offset"))


async def items(asked: Asked) -> Answer:
    """Answer a page of features, or a file of all that the query finds."""
    query = read_query(asked.layer, asked.query)
    limit, offset, cursor = read_limit(asked.query), read_offset(asked.query), asked.query.get("cursor", "")
    # A file counts nothing, but what cannot be understood is refused there too.
    is_counted = read_count(asked.query)
    crs = content_crs(parse_system("crs", asked.query.get("crs")))
    at = address(asked, f=None)
    if asked.format in DOWNLOADS:
        after = read_cursor(query, cursor) if cursor else None
        links = _links(asked, _LINKED_OF_FILE, at, None)
        return await download(asked, query, Cut(limit, offset, after), (crs,), links)
    page = await asked.backend.pages.page(query, min(limit or DEFAULT_LIMIT, MOST_FEATURES), cursor, offset)
    skipped = None if cursor else offset
    counts = asked.backend.counts
    matched = await (counts.exactly(query) if is_counted else counts.matched(query, page, skipped))
    following = None if page.next is None else _following(asked, at, page.next)
    body = _collection(_links(asked, LINKED, at, following), page, matched)
    linked = () if following is None else (_link_header(following, FORMATS[asked.format]),)
    return Document(body, "items.html", (crs, *linked))


def _following(asked: Asked, at: str, cursor: str) -> str:
    """Return the address of the page that begins at ``cursor``; ``at`` is that of this one without ``f``."""
    if asked.query and asked.query.keys().isdisjoint(_MOVED):
        return f"{at}&cursor={cursor}"
    return address(asked, cursor=cursor, offset=None)


def _links(asked: Asked, formats: Mapping[str, str], at: str, following: str | None) -> bytes:
    collection = f"{asked.base}/collections/{asked.names['collection']}"
    others = [link("collection", collection, title=asked.word(asked.layer.title_zh, asked.layer.title_en))]
    if following is not None:
        others.append(link("next", following, FORMATS[asked.format], asked.word("下一页", "The next page")))
    return b"%b,%b" % (own_links_text(asked, formats, at)[:-1], orjson.dumps(others)[1:])


def _link_header(following: str, media: str) -> Header:
    """Return the link that a client without an eye for the body needs."""
    return b"link", f'<{following}>; rel="next"; type="{media}"'.encode()


def _collection(links: bytes, page: Page, matched: int | None) -> bytes:
    known = b"" if matched is None else b',"numberMatched":%d' % matched
    said = (links, page.returned, _written(int(time.time())), known, page.text)
    return b'{"type":"FeatureCollection","links":%b,"numberReturned":%d,"timeStamp":"%b"%b,"features":[%b]}' % said


@lru_cache(maxsize=1)
def _written(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


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
