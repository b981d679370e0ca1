"""``/openapi.json`` and ``/docs``: the same document for machines and for people."""

from __future__ import annotations

from functools import lru_cache

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.docpage import HEADERS, page
from api.openapi import openapi_document
from api.openapi30 import whole_document

router = APIRouter()

_OPENAPI_3_0 = "application/vnd.oai.openapi+json;version=3.0"


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json(request: Request) -> Response:
    """Answer the OpenAPI document: 3.1, or 3.0.3 for a client whose Accept names that."""
    headers = {"cache-control": "no-cache", "vary": "accept"}
    if _OPENAPI_3_0 in request.headers.get("accept", "").replace(" ", ""):
        return Response(_written(is_older=True), media_type=_OPENAPI_3_0, headers=headers)
    return Response(_written(is_older=False), media_type="application/json", headers=headers)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """Answer the page of routes."""
    return Response(_page(), media_type="text/html; charset=utf-8", headers=HEADERS)


@lru_cache(maxsize=2)
def _written(*, is_older: bool) -> bytes:
    return orjson.dumps(whole_document() if is_older else openapi_document())


@lru_cache(maxsize=1)
def _page() -> str:
    return page(openapi_document(), {"openapi.json": "OpenAPI document", "ogc/api?f=html": "OGC API", "./": "Console"})
