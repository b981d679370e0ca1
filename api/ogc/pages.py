"""Documents as pages for people: Jinja templates with everything escaped."""

from __future__ import annotations

from functools import lru_cache

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.asgi import PUBLIC, Reply
from api.ogc.asked import Asked
from api.ogc.operations import Document


def html_reply(asked: Asked, document: Document) -> Reply:
    """Return a document as HTML."""
    content = orjson.loads(document.content) if isinstance(document.content, bytes) else document.content
    text = _environment().get_template(document.page).render(document=content, asked=asked, base=asked.base)
    headers = (*PUBLIC, (b"content-type", b"text/html; charset=utf-8"), *document.headers)
    return Reply(document.status, headers, text.encode())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=PackageLoader("api.ogc"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
