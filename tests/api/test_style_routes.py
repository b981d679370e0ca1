"""Styles, sprites and names over HTTP."""

from __future__ import annotations

import mapbox_vector_tile
import pytest

from gisgrid.layers import layer
from tests.api.conftest import Server

GZIP = {"accept-encoding": "gzip"}


def test_every_style_is_listed_and_there(server: Server) -> None:
    listed = server.get("/styles").json()["styles"]
    assert {"light", "dark", "outlines"} <= {style["id"] for style in listed}
    for style in listed:
        assert style["title_zh"]
        assert style["title_en"]
        assert style["url"] == f"http://town.test/styles/{style['id']}.json"
        document = server.get(style["url"]).json()
        assert document["version"] == 8
        assert document["metadata"]["gisgrid:id"] == style["id"]


def test_the_sources_and_the_sprite_of_a_style_are_there(server: Server) -> None:
    style = server.get("/styles/light.json?datum=gcj02").json()
    for source in style["sources"].values():
        document = server.get(source["url"])
        assert document.status_code == 200, source["url"]
        assert document.json()["tilejson"] == "3.0.0"
        assert "datum=gcj02" in document.json()["tiles"][0]
        ids = {item["id"] for item in document.json()["vector_layers"]}
        drawn = {item["source-layer"] for item in style["layers"] if style["sources"].get(item.get("source")) == source}
        assert drawn == ids
    for ending in (".json", ".png", "@2x.json", "@2x.png"):
        assert server.get(style["sprite"] + ending).status_code == 200
    assert server.get(style["sprite"] + ".png").headers["content-type"] == "image/png"
    assert "camera/fixed/online" in server.get(style["sprite"] + ".json").json()


def test_a_style_says_whose_it_is(server: Server) -> None:
    style = server.get("/styles/light.json").json()
    assert style["metadata"]["gisgrid:place"]
    assert {source["attribution"] for source in style["sources"].values()} == {"青岛市市北区 Shibei District, Qingdao"}
    assert server.get("/styles/light.json?lang=en").json()["metadata"]["gisgrid:legend"]["manhole_covers"][0]["title"] == "Water supply"


def test_a_client_that_has_a_style_is_told_so(server: Server) -> None:
    packed, plain = server.get("/styles/dark.json", headers=GZIP), server.get("/styles/dark.json", headers={"accept-encoding": "identity"})
    assert packed.json() == plain.json()
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"], "a strong ETag names bytes"
    assert packed.headers["vary"] == "accept-encoding"
    assert packed.headers["access-control-allow-origin"] == "*"
    again = server.get("/styles/dark.json", headers={**GZIP, "if-none-match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = server.request("HEAD", "/styles/dark.json", headers=GZIP)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", packed.headers["etag"])


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/styles/nothing.json", 404, "light"),
        ("/styles/light", 404, "/styles"),
        ("/stylesheet", 404, ""),
        ("/styles/sprites/pink.png", 404, "/styles"),
        ("/styles/../pyproject.toml", 404, ""),
        ("/styles/light.json?datum=bd09", 400, "gcj02"),
        ("/styles/light.json?lang=fr", 400, "zh"),
        ("/styles/light.json?colour=red", 400, "lang"),
        ("/styles?lang=zh", 400, "no parameters"),
        ("/tiles/names/2/5/1.mvt", 404, "4"),
        ("/tiles/names/13/6835/3214.mvt?lang=zh", 400, "datum"),
        ("/tiles/namesake.json", 404, ""),
    ],
)
def test_what_cannot_be_answered_says_what_there_is(server: Server, path: str, status: int, word: str) -> None:
    answer = server.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.text


def test_names_are_tiles_like_others(server: Server) -> None:
    document = server.get("/tiles/names.json").json()
    assert [item["id"] for item in document["vector_layers"]] == ["names"]
    west, south, east, north = document["bounds"]
    assert 120 < west < east < 121
    assert 36 < south < north < 37
    tile = server.get("/tiles/names/10/854/401.mvt")
    assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    found = [feature["properties"] for feature in mapbox_vector_tile.decode(tile.content)["names"]["features"]]
    assert {item["layer"] for item in found} <= {layer("districts").id, layer("streets").id}
    assert found
    assert server.get("/tiles/names/10/0/0.mvt").status_code == 204
