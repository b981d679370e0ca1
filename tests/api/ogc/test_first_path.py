"""From the landing page to features, by links alone."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Server


def _follow(server: Server, document: dict[str, Any], rel: str) -> dict[str, Any]:
    href = next(link["href"] for link in document["links"] if link["rel"] == rel)
    found: dict[str, Any] = server.get(href.removeprefix("http://town.test")).json()
    return found


def test_links_lead_from_the_landing_page_to_every_feature(server: Server) -> None:
    landing = server.get("/ogc", headers={"accept": "application/json"}).json()
    for collection in _follow(server, landing, "data")["collections"]:
        page = _follow(server, collection, "items")
        assert page["type"] == "FeatureCollection"
        assert page["numberReturned"] == len(page["features"])
        ids = [feature["id"] for feature in page["features"]]
        while any(link["rel"] == "next" for link in page["links"]):
            page = _follow(server, page, "next")
            ids += [feature["id"] for feature in page["features"]]
        assert ids == sorted(set(ids))


def test_a_browser_is_given_a_page(server: Server) -> None:
    answer = server.get("/ogc/collections/grids/items?limit=1", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<html" in answer.text


def test_what_is_not_known_is_told(server: Server) -> None:
    assert server.get("/ogc/collections/none/items").status_code == 404
    assert server.get("/ogc/nowhere").status_code == 404
    assert server.get("/ogc/collections/grids/items?limit=0").json()["parameter"] == "limit"
    assert server.get("/ogc/collections/grids/items?limits=1").json()["parameter"] == "limits"
    assert server.request("DELETE", "/ogc/collections").status_code == 405
