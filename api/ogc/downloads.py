"""Whole collections as files, in every format of ``gisgrid.features.formats``."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from api.asgi import PUBLIC, Header
from api.downloads import Download
from api.ogc.asked import Asked
from api.ogc.operations import Stream
from api.params import Parameter, parse_flag
from gisgrid.db.features.streaming import Cut
from gisgrid.errors import ParameterError
from gisgrid.features import FeatureQuery
from gisgrid.features.formats import BY_WORD, FORMATS
from gisgrid.services.exports import Export

DOWNLOADS = {one.word: one.media for one in FORMATS}
"""The formats of a whole collection: the word that ``f`` takes, and its media type."""

DOWNLOAD_HEADERS = ("Content-Disposition",)
"""What an answer of these formats has beside the headers of a page."""

DOWNLOAD_STATUSES = (413,)
"""What can be answered beside the statuses of a page."""

BOM = Parameter("bom", "Begin a CSV file with a byte order mark, for spreadsheets.", {"type": "boolean", "default": False}, True)
"""The parameter that only downloads have."""


async def download(asked: Asked, query: FeatureQuery, cut: Cut, headers: tuple[Header, ...] = (), links: bytes = b"") -> Stream:
    """Answer what ``query`` finds as a file of the format asked for.

    ``headers`` are those that a page of it would have, ``links`` (a JSON array) those that a file has that is a document with links.
    """
    export = Export(query, BY_WORD[asked.format], cut, _bom(asked), links)
    told = (*PUBLIC, *_headers(export), *headers)
    if asked.scope["method"] == "HEAD":
        return Stream(200, told, _nothing())
    running = Download(asked.backend.downloads, export, asked.receive)
    try:
        length = await running.begun()
    except BaseException:
        await running.aclose()
        raise
    if length is not None:
        told = (*told, (b"content-length", b"%d" % length))
    return Stream(200, told, running)


def _bom(asked: Asked) -> bool:
    text = asked.query.get(BOM.name)
    if text is None:
        return False
    if asked.format != "csv":
        raise ParameterError(BOM.name, f"has no meaning in {asked.format}.", "it with f=csv only")
    return parse_flag(BOM.name, text)


def _headers(export: Export) -> tuple[Header, ...]:
    media = export.format.media
    if export.format.word == "csv":
        media += "; charset=utf-8; header=present"
    name = f"{export.query.layer.id}{export.format.suffix}"
    return (
        (b"content-type", media.encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"cache-control", b"no-store"),
    )


async def _nothing() -> AsyncGenerator[bytes, None]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
