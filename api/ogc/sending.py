"""Documents as bytes: their type, their tag, 304 when the client has them, gzip where it is taken and pays."""

from __future__ import annotations

import asyncio
import hashlib

import orjson
from isal import isal_zlib

from api.asgi import PUBLIC, Header, Reply
from api.negotiation import accepts_gzip, matches
from api.ogc.asked import Asked
from api.ogc.operations import Document, Operation
from api.ogc.pages import PAGE_HEADERS, page, render

_WORTH_PACKING = 1024
# What takes longer than a moment to pack is packed beside the other requests.
_MUCH = 128 * 1024
# Packs a page of ten features a little smaller than the first level of zlib does, in less than half the time.
_LEVEL = 1
_GZIP = 16 + 15

_VARY: Header = (b"vary", b"accept, accept-encoding, accept-language")
_NO_CACHE: Header = (b"cache-control", b"no-cache")

EXPOSED: Header = (b"access-control-expose-headers", b"content-crs, etag, link, location, preference-applied")
"""What a web page of another host may read beside the body."""


async def written(asked: Asked, operation: Operation, document: Document) -> Reply:
    """Return a document in the format that was asked for, or 304 when the client has it already.

    Documents have the tag of their bytes; what is text already has the tag that came with it, if any.
    """
    body, media, own = await _bytes(asked, operation, document)
    headers, tag, control = [*PUBLIC, *own, _VARY], "", _NO_CACHE
    for pair in document.headers:
        if pair[0] == b"etag":
            tag = pair[1].decode()
        elif pair[0] == b"cache-control":
            control = pair
        else:
            headers.append(pair)
    headers.append(control)
    if not tag and not isinstance(document.content, bytes):
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    packed = len(body) >= _WORTH_PACKING and accepts_gzip(asked.header(b"accept-encoding"))
    if tag:
        # A strong tag names bytes, so each coding has its own; which of them the client has does not matter here.
        tags = (tag, f'{tag[:-1]}-gzip"')
        headers.append((b"etag", tags[packed].encode()))
        if document.status == 200 and asked.is_read and any(matches(asked.header(b"if-none-match"), one) for one in tags):
            return Reply(304, tuple(headers), b"")
    headers.append((b"content-type", media.encode()))
    if packed:
        headers.append((b"content-encoding", b"gzip"))
        body = await _packed(body)
    return Reply(document.status, tuple(headers), body)


def problem_page(asked: Asked, problem: Reply) -> Reply:
    """Return a problem document as a page, with the status and the other headers that it has."""
    kept = tuple(pair for pair in problem.headers if pair[0] != b"content-type")
    body = render(asked, "problem.html", orjson.loads(problem.body))
    return Reply(problem.status, (*kept, *PAGE_HEADERS, (b"content-type", b"text/html; charset=utf-8")), body)


async def _bytes(asked: Asked, operation: Operation, document: Document) -> tuple[bytes, str, tuple[Header, ...]]:
    """Return the bytes of a document, their media type, and the headers that only this format has."""
    content = document.content
    if asked.format == "html":
        # Pages of many features take long to write.
        return await asyncio.to_thread(page, asked, document), "text/html; charset=utf-8", PAGE_HEADERS
    return content if isinstance(content, bytes) else orjson.dumps(content), operation.formats[asked.format], ()


async def _packed(body: bytes) -> bytes:
    if len(body) < _MUCH:
        return isal_zlib.compress(body, _LEVEL, _GZIP)
    return await asyncio.to_thread(isal_zlib.compress, body, _LEVEL, _GZIP)
