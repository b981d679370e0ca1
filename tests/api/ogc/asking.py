"""Asking the OGC API of a test's server."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Server

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def items(server: Server, layer: str, **asked: object) -> dict[str, Any]:
    """Return a page of features; ``_`` in a parameter's name stands for ``-``."""
    answer = ask(server, layer, **asked)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ask(server: Server, layer: str, **asked: object) -> Any:
    """Return the answer to a request for features."""
    params = {name.replace("_", "-") if name in DASHED else name: str(value) for name, value in asked.items()}
    return server.get(f"/ogc/collections/{layer}/items", params=params, headers={"accept": "application/geo+json"})


DASHED = {"bbox_crs", "filter_crs", "filter_lang"}


def codes(document: dict[str, Any]) -> list[str]:
    """Return the codes of a page's features, in their order."""
    return [feature["properties"]["code"] for feature in document["features"]]


def ids(document: dict[str, Any]) -> list[int]:
    """Return the ids of a page's features, in their order."""
    return [feature["id"] for feature in document["features"]]


def following(server: Server, document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the page that the ``next`` link leads to, None when there is no such link."""
    href = next((link["href"] for link in document["links"] if link["rel"] == "next"), None)
    if href is None:
        return None
    found: dict[str, Any] = server.get(href.removeprefix("http://town.test")).json()
    return found


def walk(server: Server, layer: str, **asked: object) -> list[dict[str, Any]]:
    """Return all pages of a query, by their links."""
    pages = [items(server, layer, **asked)]
    while (page := following(server, pages[-1])) is not None:
        pages.append(page)
    return pages
