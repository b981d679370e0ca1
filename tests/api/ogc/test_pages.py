"""Pages for people: every document has one, in two languages, with all that comes from the data escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.ogc import assets
from api.ogc.operations import Resource
from api.ogc.table import RESOURCES
from api.ogc.variables import VARIABLES
from gisgrid.db import Database
from tests.api.conftest import Server

_BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
_VOID = {"meta", "link", "input", "br", "img", "hr"}
_HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class _Outline(HTMLParser):
    """The elements of a page; fails where they are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        # What HTML lets be left open is closed here too, so that a slip is seen.
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _filled(resource: Resource) -> str:
    """Return the path of a resource with something in each of its places."""
    path = resource.path.replace("{collection}", "manhole_covers")
    return re.sub(r"\{(\w+)\}", lambda match: str(VARIABLES[match[1]].example), path)


_PAGES = sorted({_filled(one) for one in RESOURCES if "GET" in one.operations and "html" in one.operations["GET"].formats} - {"/api"})


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", _PAGES)
def test_every_document_has_a_page_in_both_languages(server: Server, path: str, language: str) -> None:
    if "/items/" in path:
        path = f"{path.rsplit('/', 1)[0]}/{server.get('/ogc/collections/manhole_covers/items').json()['features'][0]['id']}"
    answer = server.get(f"/ogc{path}".rstrip("/"), headers=_BROWSER | {"accept-language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = _Outline(answer.text)
    assert (page.all("html")[0]["lang"] or "")[:2] == language
    assert page.all("title")
    assert page.all("h1")
    # Each link leads somewhere on this server.
    for link in page.all("a") + page.all("link"):
        assert (link["href"] or "").startswith("http://town.test/"), link
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    # The policy lets the style in the page through by its hash alone, so nothing else may be styled in place.
    assert not any("style" in attributes for _, attributes in page.elements)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_links_of_pages_lead_to_pages_of_the_same_language(server: Server) -> None:
    page = _Outline(server.get("/ogc/collections/grids?lang=en", headers=_BROWSER).text)
    inner = [link["href"] or "" for link in page.all("a") if "/ogc" in (link["href"] or "") and "f=" not in (link["href"] or "")]
    assert inner
    for href in inner:
        if "lang=zh" not in href:
            assert "lang=en" in href
        assert server.get(href.removeprefix("http://town.test"), headers=_BROWSER).status_code == 200, href


def test_a_page_of_features_has_their_fields_and_a_link_to_the_next(server: Server) -> None:
    text = server.get("/ogc/collections/manhole_covers/items?limit=2", headers=_BROWSER).text
    assert "部件标识码" in text
    assert "完好" in text
    following = next(link["href"] or "" for link in _Outline(text).all("a") if link.get("rel") == "next")
    second = server.get(following.removeprefix("http://town.test"), headers=_BROWSER)
    assert second.headers["content-type"].startswith("text/html")
    first_ids, second_ids = (set(re.findall(r"/items/(\d+)", one)) for one in (text, second.text))
    assert first_ids
    assert second_ids
    assert not first_ids & second_ids


def test_a_page_of_one_feature_does_with_the_fields_that_are_asked_for(server: Server) -> None:
    path = "/ogc/collections/cameras/items/1"
    named = server.get(path, headers={"accept": "application/geo+json"}).json()["properties"]
    for fields, heading in (("kind", "1"), ("code,kind", named["code"]), ("kind,name,code", named["name"] or named["code"])):
        page = server.get(f"{path}?f=html&properties={fields}", headers=_BROWSER)
        assert page.status_code == 200, page.text
        assert f"{heading} <small>" in page.text


def test_empty_fields_of_a_form_are_nothing_asked_for(server: Server) -> None:
    empty = "q=&bbox=&datetime=&sortby=&limit=10&filter=&state=broken&code=&installed_on="
    assert server.get(f"/ogc/collections/manhole_covers/items?f=html&{empty}", headers=_BROWSER).status_code == 200
    # A program that sends an empty parameter has made a mistake.
    assert server.get(f"/ogc/collections/manhole_covers/items?f=json&{empty}").status_code == 400


def test_what_is_hostile_is_shown_as_it_is(own_town: Database, own_server: Server) -> None:
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.components SET name = %s, owner_code = 'javascript:alert(1)' WHERE id = 1", (_HOSTILE,))
        connection.execute("UPDATE gisgrid.quality_issues SET message = %s", (_HOSTILE,))
    paths = ("manhole_covers/items", "manhole_covers/items/1", "quality_issues/items")
    for path in paths:
        text = own_server.get(f"/ogc/collections/{path}", headers=_BROWSER).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        page = _Outline(text)
        assert page.all("img") == []
        assert all(script.get("type") == "module" for script in page.all("script"))
        assert not any((link["href"] or "").startswith("javascript") for link in page.all("a"))


@pytest.mark.parametrize("query", ["q", "filter", "bbox", "name", "cursor", "lang", "nothing"])
def test_what_a_query_says_is_shown_as_it_is(server: Server, query: str) -> None:
    answer = server.get("/ogc/collections/manhole_covers/items", params={query: _HOSTILE}, headers=_BROWSER)
    assert answer.status_code in (200, 400)
    page = _Outline(answer.text)
    assert page.all("img") == []
    assert all(script.get("type") == "module" for script in page.all("script"))


@pytest.mark.parametrize(
    "path", ["/ogc/none", "/ogc/%22%3E%3Cscript%3E", "/ogc/collections/%3Cscript%3E", "/ogc/collections/grids/items/0"]
)
def test_a_browser_is_told_what_is_not_there_by_a_page(server: Server, path: str) -> None:
    answer = server.get(path, headers=_BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>" not in answer.text
    assert _Outline(answer.text).all("h1")
    assert server.get(path).headers["content-type"] == "application/problem+json"


def test_pages_do_without_a_build(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "there-is-none.json")
    page = _Outline(server.get("/ogc/collections/grids/items", headers=_BROWSER).text)
    assert page.all("script") == []
    assert page.all("table")


def test_the_other_language_is_a_link_away(server: Server) -> None:
    page = _Outline(server.get("/ogc/collections?lang=zh", headers=_BROWSER | {"accept-language": "en"}).text)
    assert page.all("html")[0]["lang"] == "zh-CN"
    (other,) = [link for link in page.all("a") if link.get("hreflang") == "en"]
    assert (
        _Outline(server.get((other["href"] or "").removeprefix("http://town.test"), headers=_BROWSER).text).all("html")[0]["lang"] == "en"
    )


def test_a_form_keeps_what_it_has_no_field_for(server: Server) -> None:
    kept = {"crs": "http://www.opengis.net/def/crs/EPSG/0/4549", "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4326", "count": "true"}
    shown = {"bbox": "36,120,37,121", "state": "intact", "limit": "50", "sortby": "-code"}
    answer = server.get("/ogc/collections/manhole_covers/items", params=kept | shown, headers=_BROWSER)
    page = _Outline(answer.text)
    sent = {one["name"]: one["value"] for one in page.all("input") if one.get("value")}
    sent |= {one["name"]: "" for one in page.all("select")}
    assert {name: sent[name] for name in kept} == kept
    assert sent["bbox"] == shown["bbox"]
    chosen = {option.get("value") or "" for option in page.all("option") if "selected" in option}
    assert {"intact", "-code"} <= chosen
    # The map wants longitude before latitude, of the same features.
    (drawn,) = [one["data-features"] or "" for _, one in page.elements if one.get("id") == "map"]
    features = server.get(drawn.removeprefix("http://town.test")).json()["features"]
    assert all(119 < feature["geometry"]["coordinates"][0] < 121 for feature in features)
    assert len(features) == 50
