"""The landing page, the classes that are met, and how documents are given: links, types, tags, gzip, methods, languages."""

from __future__ import annotations

import gzip

import pytest

from api.ogc.asked import visible_layers
from tests.api.conftest import Server
from tests.api.ogc.documents import all_links, links, said

_LAYERS = [layer.id for layer in visible_layers()]


def test_every_link_of_every_document_leads_somewhere_of_the_type_that_it_says(server: Server) -> None:
    seen: set[str] = set()
    waiting = ["http://town.test/ogc"]
    while waiting:
        href = waiting.pop()
        if href in seen:
            continue
        seen.add(href)
        answer = server.get(href.removeprefix("http://town.test"), headers={"accept": "application/json"} if href.endswith("/ogc") else {})
        assert answer.status_code == 200, href
        if "json" not in answer.headers["content-type"] or "/api" in href:
            continue
        # Features are walked elsewhere.
        waiting += [link["href"] for link in all_links(answer.json()) if "templated" not in link and "/items" not in link["href"]]
    assert len(seen) > 10 * len(_LAYERS)


def test_a_link_says_the_type_that_it_has(server: Server) -> None:
    for path in ("/ogc", "/ogc/collections/grids", "/ogc/tiles", "/ogc/styles/light/metadata"):
        for link in (
            links(said(server, path, accept="application/json"), "alternate") + said(server, path, accept="application/json")["links"]
        ):
            if "templated" in link or "/items" in link["href"]:
                continue
            given = server.get(link["href"].removeprefix("http://town.test")).headers["content-type"]
            assert given.partition("; charset")[0] == link["type"]


def test_the_root_is_the_landing_page_for_programs_and_the_console_for_browsers(server: Server) -> None:
    for accept in ("application/json", "application/json, */*;q=0.5"):
        answer = server.get("/", headers={"accept": accept})
        assert answer.headers["content-type"] == "application/json"
        assert next(link["href"] for link in links(answer.json(), "data")).startswith("http://town.test/ogc/collections")
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, application/json;q=0.9"):
        assert server.get("/", headers={"accept": accept}).headers["content-type"].startswith("text/html")


def test_a_slash_at_the_end_is_no_other_page_but_for_the_landing_page(server: Server) -> None:
    assert said(server, "/ogc/")["links"] == said(server, "/ogc")["links"]
    for path in ("/ogc/collections/", "/ogc/conformance/", "/ogc/collections/grids/", "/ogc/tiles/", "/ogcx"):
        assert server.get(path).status_code == 404, path


def test_the_classes_that_clients_look_for_are_declared(server: Server) -> None:
    classes = set(said(server, "/ogc/conformance")["conformsTo"])
    features = "http://www.opengis.net/spec/ogcapi-features-"
    for name in ("1/1.0/conf/core", "1/1.0/conf/oas30", "2/1.0/conf/crs", "3/1.0/conf/filter", "3/1.0/conf/features-filter"):
        assert f"{features}{name}" in classes
    # Without one of these QGIS filters at home.
    for name in ("cql2-text", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison", "basic-spatial-functions"):
        assert f"http://www.opengis.net/spec/cql2/1.0/conf/{name}" in classes


@pytest.mark.parametrize(
    "path", ["/ogc", "/ogc/collections", "/ogc/collections/grids/schema", "/ogc/tiles/WebMercatorQuad", "/ogc/styles/light"]
)
def test_a_document_that_the_client_has_is_not_sent_again(server: Server, path: str) -> None:
    first = server.get(path, headers={"accept-encoding": "identity"})
    again = server.get(path, headers={"if-none-match": first.headers["etag"], "accept-encoding": "identity"})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert server.get(path, headers={"if-none-match": '"other"'}).status_code == 200
    packed = server.get(path, headers={"accept-encoding": "gzip"})
    if packed.headers.get("content-encoding") == "gzip":
        assert packed.headers["etag"] != first.headers["etag"]
        assert packed.content == first.content
        assert server.get(path, headers={"if-none-match": packed.headers["etag"], "accept-encoding": "gzip"}).status_code == 304
    head = server.request("HEAD", path, headers={"accept-encoding": "identity"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(first.content)))
    assert {"accept", "accept-encoding"} <= {word.strip() for word in first.headers["vary"].split(",")}


def test_a_page_of_features_is_packed_where_that_is_taken(server: Server) -> None:
    path = "/ogc/collections/manhole_covers/items?limit=100"
    packed, plain = (server.get(path, headers={"accept-encoding": one}) for one in ("gzip", "identity"))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["features"] == plain.json()["features"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 3 < len(gzip.compress(plain.content)) * 10


def test_who_edits_is_told_beforehand_what_is_allowed(server: Server) -> None:
    answer = server.request("OPTIONS", "/ogc/collections/manhole_covers/items", headers={"origin": "http://elsewhere.test"})
    assert answer.status_code in (200, 204)
    methods = {word.strip() for word in answer.headers["allow"].split(",")}
    assert {"GET", "HEAD", "OPTIONS"} <= methods
    assert methods == {word.strip() for word in answer.headers["access-control-allow-methods"].split(",")}
    taken = answer.headers["access-control-allow-headers"]
    assert all(name in taken for name in ("if-match", "authorization", "content-crs", "content-type", "prefer"))
    read = server.get("/ogc/collections")
    assert read.headers["access-control-allow-origin"] == "*"
    assert all(name in read.headers["access-control-expose-headers"] for name in ("etag", "location", "content-crs"))
    refused = server.request("DELETE", "/ogc/collections")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert server.request("OPTIONS", "/ogc/none").status_code == 404


def test_titles_are_chinese_unless_english_is_asked_for(server: Server) -> None:
    assert said(server, "/ogc/collections/grids", **{"accept-language": "en"})["title"] == "责任网格"
    assert said(server, "/ogc/collections/grids?lang=en")["title"] == "Responsibility grids"
    assert said(server, "/ogc/collections/grids/schema?lang=en")["properties"]["name"]["title"] == "Name"
    assert server.get("/ogc/collections/grids?lang=fr").json()["parameter"] == "lang"


@pytest.mark.parametrize(("path", "status"), [("/ogc?f=xml", 400), ("/ogc/collections?x=1", 400), ("/ogc/tiles?collections=grids", 400)])
def test_what_cannot_be_asked_is_refused(server: Server, path: str, status: int) -> None:
    assert server.get(path).status_code == status
    assert server.get("/ogc", headers={"accept": "image/png"}).status_code == 406
