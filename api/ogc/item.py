"""One feature, with the tag of its state that an editor sends back."""

from __future__ import annotations

import re

import orjson

from api.ogc.asked import Asked
from api.ogc.crs import content_crs, parse_system
from api.ogc.feature_schemas import feature_schema
from api.ogc.formats import GEOJSON
from api.ogc.item_params import item_parameters, read_query
from api.ogc.links import link, own_links
from api.ogc.operations import Document, Operation, Resource, get
from gisgrid.errors import NotFoundError

_ID = re.compile(r"[1-9][0-9]{0,18}|0", re.ASCII)
_GREATEST = 2**63 - 1

PAGES = {"json": GEOJSON, "html": "text/html"}
"""The formats of features that are read one page at a time."""

PATH = "/collections/{collection}/items/{id}"
"""Where a feature is."""


def feature_id(asked: Asked) -> int:
    """Return the id in the path; raises NotFoundError for what no feature can be called."""
    text = asked.names["id"]
    if not _ID.fullmatch(text) or int(text) > _GREATEST:
        raise missing(asked)
    return int(text)


def missing(asked: Asked) -> NotFoundError:
    """Return the error of a feature that is not there, or not any more."""
    return NotFoundError(f"There is no feature {asked.names['id'][:40]!r} in {asked.layer.id}.", "Ids are those that its items have.")


async def item(asked: Asked) -> Document:
    """Answer one feature."""
    query = read_query(asked.layer, asked.query)
    one = await asked.backend.features.one(query, feature_id(asked))
    if one is None:
        raise missing(asked)
    at = f"{asked.base}/collections/{asked.names['collection']}"
    links = [*own_links(asked, PAGES), link("collection", at, title=asked.word(asked.layer.title_zh, asked.layer.title_en))]
    content = b'%b,"links":%b}' % (one.text[:-1], orjson.dumps(links))
    crs = content_crs(parse_system("crs", asked.query.get("crs")))
    return Document(content, "item.html", (crs, (b"etag", _tag(asked, one.tag).encode())))


def _tag(asked: Asked, state: str) -> str:
    """Return the tag of a representation: what is before the first - is the tag of the state."""
    return f'"{state}"' if asked.format == "json" else f'"{state}-{asked.format}-{asked.language}"'


READ = Operation(
    "item",
    "One feature",
    item,
    PAGES,
    item_parameters,
    statuses=(304,),
    schema=feature_schema,
    takes=("If-None-Match",),
    gives=("ETag", "Content-Crs"),
)
"""Reading a feature."""

RESOURCES: tuple[Resource, ...] = (get(PATH, READ),)
"""What this module answers."""
