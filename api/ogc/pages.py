"""Documents as pages for people: Jinja templates with everything escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.asgi import Header
from api.ogc.asked import Asked
from api.ogc.operations import Document


class Page(NamedTuple):
    """A page as bytes, and the headers that a browser needs with it."""

    body: bytes
    headers: tuple[Header, ...]


def page(asked: Asked, document: Document) -> Page:
    """Return a document as HTML."""
    content = orjson.loads(document.content) if isinstance(document.content, bytes) else document.content
    text = _environment().get_template(document.page).render(document=content, asked=asked, base=asked.base)
    return Page(text.encode(), ())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=PackageLoader("api.ogc"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
