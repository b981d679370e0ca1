"""Links of OGC documents."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from api.ogc.asked import Asked

Link = dict[str, object]


def link(rel: str, href: str, media: str = "application/json", title: str = "") -> Link:
    """Return a link object."""
    return {"rel": rel, "type": media, "href": href, **({"title": title} if title else {})}


def own_links(asked: Asked, formats: Mapping[str, str]) -> list[Link]:
    """Return ``self`` and an ``alternate`` for each other format of the document that was asked for."""
    titles = {"json": "This document as JSON", "html": "This document as HTML"}
    return [
        link("self" if word == asked.format else "alternate", address(asked, f=word), media, titles.get(word, ""))
        for word, media in formats.items()
    ]


def address(asked: Asked, **changed: str | None) -> str:
    """Return the address of the document asked for with some parameters of the query changed, or left out with None."""
    query = {name: value for name, value in {**asked.query, **changed}.items() if value is not None}
    return f"{asked.base}{asked.path}{'?' + urlencode(query) if query else ''}"
