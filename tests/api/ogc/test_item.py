"""One feature: its tag, its links, and what is told when it is not there."""

from __future__ import annotations

from typing import Any

from gisgrid.db import Database
from tests.api.conftest import Server
from tests.api.ogc.asking import EPSG, items


def _one(server: Server, path: str, **headers: str) -> Any:
    return server.get(f"/ogc/collections/{path}", headers={"accept": "application/geo+json", **headers})


def test_one_feature_is_what_the_page_has_with_links(server: Server) -> None:
    (listed,) = items(server, "buildings", code="B7")["features"]
    answer = _one(server, f"buildings/items/{listed['id']}")
    document = answer.json()
    links = {link["rel"]: link["href"] for link in document.pop("links")}
    assert document == listed
    assert links["collection"] == "http://town.test/ogc/collections/buildings"
    assert links["self"].endswith(f"/buildings/items/{listed['id']}?f=json")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def test_a_client_that_has_the_feature_is_told_so(server: Server) -> None:
    first = _one(server, "cameras/items/1")
    again = _one(server, "cameras/items/1", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert _one(server, "cameras/items/2", **{"if-none-match": first.headers["etag"]}).status_code == 200


def test_representations_have_tags_of_their_own_with_the_tag_of_the_state_in_front(server: Server) -> None:
    plain = _one(server, "grids/items/1").headers["etag"].strip('"')
    page = server.get("/ogc/collections/grids/items/1?f=html").headers["etag"].strip('"')
    moved = _one(server, f"grids/items/1?crs={EPSG}4549").headers["etag"].strip('"')
    assert plain.split("-")[0] == page.split("-")[0] == moved.split("-")[0]
    assert page != plain


def test_the_tag_changes_with_every_field_and_with_the_place_and_with_nothing_else(own_server: Server, own_town: Database) -> None:
    edits = [
        "UPDATE gisgrid.cameras SET name = 'x' WHERE id = 1",
        "UPDATE gisgrid.cameras SET azimuth_deg = NULL WHERE id = 1",
        "UPDATE gisgrid.cameras SET geom = ST_Translate(geom, 1e-13, 0) WHERE id = 1",
    ]
    tags = [_one(own_server, "cameras/items/1").headers["etag"]]
    for edit in edits:
        with own_town.connect() as connection:
            connection.execute(edit.encode())
        tags.append(_one(own_server, "cameras/items/1").headers["etag"])
    assert len(set(tags)) == len(tags)
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras SET name = 'x' WHERE id = 2")
    assert _one(own_server, "cameras/items/1").headers["etag"] == tags[-1]


def test_what_is_not_there_is_told(server: Server) -> None:
    for id in ("999999", "0", "-1", "1.0", "one", "9223372036854775808", "1" * 400, "%00", "1%2F2", "%E4%B8%80", "1'--"):
        answer = _one(server, f"grids/items/{id}")
        assert answer.status_code == 404, id
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_retired_feature_is_not_there(server: Server, town: Database) -> None:
    with town.connect() as connection:
        row = connection.execute("SELECT id FROM gisgrid.cameras_all WHERE code = 'C-gone'").fetchone()
    assert row is not None
    assert _one(server, f"cameras/items/{row[0]}").status_code == 404
