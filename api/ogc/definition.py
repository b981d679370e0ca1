"""The API definition: OpenAPI 3.0.3 at ``/ogc/api``, and the same as a page for people."""

from __future__ import annotations

from functools import lru_cache

import orjson

from api.asgi import PUBLIC, Reply
from api.docpage import HEADERS, page
from api.ogc.asked import Asked
from api.ogc.core import OPENAPI_3_0
from api.ogc.operations import Answer, Document, Operation, Resource, get

FORMATS = {"json": OPENAPI_3_0, "html": "text/html"}


async def api(asked: Asked) -> Answer:
    """Answer the definition of the OGC API."""
    if asked.format == "html":
        headers = ((b"content-type", b"text/html; charset=utf-8"), *((name.encode(), value.encode()) for name, value in HEADERS.items()))
        return Reply(200, (*(pair for pair in PUBLIC if pair[0] not in dict(headers)), *headers), _page())
    return Document(_written(asked.base), "document.html")


def _written(base: str) -> bytes:
    """Return the document as JSON; ``base`` is the address of the landing page as the client wrote it."""
    return b'{"servers":%b,%b' % (orjson.dumps([{"url": base}]), _document()[1:])


@lru_cache(maxsize=1)
def _document() -> bytes:
    # The document describes the table, which has this route in it.
    from api.openapi30 import ogc_document  # noqa: PLC0415

    return orjson.dumps(ogc_document())


@lru_cache(maxsize=1)
def _page() -> bytes:
    from api.openapi30 import ogc_described  # noqa: PLC0415

    return page(
        ogc_described(), {"api?f=json": "OpenAPI 3.0", "../openapi.json": "OpenAPI 3.1", "./": "OGC API", "../": "Console"}
    ).encode()


RESOURCES: tuple[Resource, ...] = (get("/api", Operation("api", "The API definition", api, FORMATS)),)
"""What this module answers."""
