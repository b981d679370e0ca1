"""Editing over HTTP: OGC API - Features, part 4, by editors, against a real PostGIS."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest

from gisgrid.db import Database
from gisgrid.db.editors import add_editor, revoke_editor
from gisgrid.db.rules import remember_deployment
from gisgrid.deployment import load_deployment
from gisgrid.errors import ParameterError
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving
from tests.conftest import build_town

COVERS = "/ogc/collections/manhole_covers/items"
GRIDS = "/ogc/collections/grids/items"
GEOJSON = {"content-type": "application/geo+json"}
PATCH = {"content-type": "application/merge-patch+json"}
NEW_COVER: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [120.3712345678901, 36.0812345678901]},
    "properties": {
        "code": "3702030102001000",
        "scheme": "CJ/T 214",
        "edition": "2007",
        "class_code": "0102",
        "state": "intact",
        "material": "铸铁",
        "installed_on": "2026-11-22",
    },
}


class Editing:
    """A server whose town may be edited, and somebody who may edit."""

    def __init__(self, server: Server, database: Database, token: str) -> None:
        self.server = server
        self.database = database
        self.token = token

    def ask(self, method: str, path: str, json: object = None, **headers: str) -> httpx.Response:
        """Send a request as the editor; with a body, as GeoJSON or for PATCH as a merge patch."""
        sent = {"authorization": f"Bearer {self.token}", **(PATCH if method == "PATCH" else GEOJSON if json is not None else {})}
        return self.server.request(method, path, headers=sent | {k.replace("_", "-"): v for k, v in headers.items()}, json=json)

    def item(self, path: str) -> tuple[dict[str, Any], str]:
        """Return a feature and its tag."""
        answer = self.server.get(path, headers={"accept": "application/geo+json"})
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["etag"]

    def id_of(self, layer: str, code: str) -> int:
        """Return the id of a feature by its code."""
        found = self.server.get(f"/ogc/collections/{layer}/items", params={"code": code}).json()["features"]
        return int(found[0]["id"])

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.database.connect() as connection:
            return connection.execute(query.encode(), values).fetchall()


@contextmanager
def edited(town: Database) -> Iterator[Editing]:
    """Serve a town that keeps to the rules of Shibei, to somebody who may edit it."""
    with town.connect() as connection:
        remember_deployment(connection, load_deployment("shibei"))
        token = add_editor(connection, "张三")
    with serving(Settings(database_url=town.url)) as server:
        yield Editing(server, town, token)


@pytest.fixture
def editing(own_town: Database) -> Iterator[Editing]:
    """A town of the test's own."""
    with edited(own_town) as found:
        yield found


@pytest.fixture(scope="module")
def shared(database_copies: Callable[[], Database]) -> Iterator[Editing]:
    """A town for tests that change nothing in it."""
    with edited(build_town(database_copies())) as found:
        yield found


def test_a_feature_is_made_read_changed_replaced_and_deleted(editing: Editing) -> None:
    made = editing.ask("POST", COVERS, NEW_COVER)
    assert made.status_code == 201, made.text
    at = made.headers["location"].removeprefix("http://town.test")
    feature, tag = editing.item(at)
    assert made.headers["etag"] == tag
    assert feature["geometry"] == NEW_COVER["geometry"], "the doubles that were sent"
    assert NEW_COVER["properties"].items() <= feature["properties"].items()
    assert feature["properties"]["kind"] == "sewage"

    changed = editing.ask("PATCH", at, {"properties": {"state": "broken", "size": "700"}}, If_Match=tag)
    assert changed.status_code == 204, changed.text
    after, new_tag = editing.item(at)
    assert changed.headers["etag"] == new_tag != tag
    assert after["properties"] == feature["properties"] | {"state": "broken", "size": "700"}

    stale = editing.ask("PATCH", at, {"properties": {"state": "missing"}}, If_Match=tag)
    assert stale.status_code == 412
    assert editing.item(at)[0] == after

    put = editing.ask("PUT", at, {**NEW_COVER, "properties": {**NEW_COVER["properties"], "material": None}}, If_Match=new_tag)
    assert put.status_code == 204, put.text
    replaced, last_tag = editing.item(at)
    assert (replaced["properties"]["state"], replaced["properties"]["material"], replaced["properties"]["size"]) == ("intact", None, None)

    gone = editing.ask("DELETE", at, If_Match=last_tag)
    assert gone.status_code == 204, gone.text
    assert editing.server.get(at).status_code == 404
    assert editing.rows("SELECT version, retired_at IS NOT NULL FROM gisgrid.components WHERE code = '3702030102001000'") == [(4, True)]
    log = editing.rows("SELECT editor, application, layer, action, before, after FROM gisgrid.edits ORDER BY id DESC LIMIT 4")
    assert [(row[0], row[1], row[2], row[3]) for row in log[::-1]] == [
        ("张三", "gisgrid edits", "manhole_covers", action) for action in ("create", "update", "update", "delete")
    ]
    assert log[2][4:] == (
        {"spec": {"material": "铸铁"}, "state": "intact"},
        {"spec": {"size": "700", "material": "铸铁"}, "state": "broken"},
    )


def test_rejected_rows_are_a_collection_for_editors(editing: Editing) -> None:
    with editing.database.connect() as connection:
        connection.execute(
            "INSERT INTO gisgrid.ingest_runs (id, source_id, layer, status) VALUES (1, 'covers', 'manhole_covers', 'loaded');"
            "INSERT INTO gisgrid.ingest_rejects (run_id, layer, row_number, code, message, raw, geom)"
            """ VALUES (1, 'manhole_covers', 7, 'required', 'No code.', '{"编号": null}', 'SRID=4326;POINT(120.37 36.08)'),"""
            """ (1, 'area_roles', 8, 'required', 'No role.', '{"电话": "13800000000"}', NULL)"""
        )
    path = "/ogc/collections/rejected_rows/items"
    refused = editing.server.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    found = editing.ask("GET", path).json()["features"]
    assert [(one["properties"]["row_number"], one["properties"]["raw"]) for one in found] == [(7, '{"编号": null}')]
    assert editing.ask("POST", path, NEW_COVER).status_code == 405
    assert editing.ask("GET", "/ogc/collections/rejected_rows/tiles").status_code == 404
    listed = [one["id"] for one in editing.ask("GET", "/ogc/collections").json()["collections"]]
    everybody = [one["id"] for one in editing.server.get("/ogc/collections").json()["collections"]]
    assert listed == [*everybody, "rejected_rows"]


def test_only_who_shows_a_token_that_stands_may_edit(editing: Editing) -> None:
    at = f"{COVERS}/{editing.id_of('manhole_covers', '3702030102000003')}"

    def answer(authorization: str) -> int:
        headers = PATCH | ({"authorization": authorization} if authorization else {})
        return editing.server.request("PATCH", at, headers=headers, json={"properties": {"note": "x"}}).status_code

    def basic(name: str, token: str) -> str:
        return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()

    assert answer(basic("张三", editing.token)) == 204
    assert answer(f"Bearer {editing.token}") == 204
    for wrong in ("", "Bearer", "Bearer x", f"Digest {editing.token}", basic("李四", editing.token), basic("张三", "x"), "Basic ???"):
        assert answer(wrong) == 401, wrong
    with editing.database.connect() as connection:
        other = add_editor(connection, "李四")
        with pytest.raises(ParameterError, match="already"):
            add_editor(connection, "李四")
        again = add_editor(connection, "李四", renew=True)
        assert connection.execute("SELECT count(*) FROM gisgrid.editors WHERE token_hash::text LIKE '%gge_%'").fetchone() == (0,)
    assert answer(f"Bearer {other}") == 401
    assert answer(f"Bearer {again}") == 204
    with editing.database.connect() as connection:
        revoke_editor(connection, "李四")
    assert answer(f"Bearer {again}") == 401


def test_a_request_that_cannot_be_an_edit_is_told_so(editing: Editing) -> None:
    at = f"{COVERS}/{editing.id_of('manhole_covers', '3702030102000003')}"
    tag = editing.item(at)[1]
    assert editing.ask("PUT", at, NEW_COVER).status_code == 428
    assert editing.ask("PUT", f"{COVERS}/999999", NEW_COVER, If_Match=tag).status_code == 404
    assert editing.ask("DELETE", f"{COVERS}/999999").status_code == 404
    assert editing.ask("DELETE", at, If_Match='"0"').status_code == 412
    assert editing.ask("PATCH", at, {"properties": {}}, content_type="text/plain").status_code == 415
    bare = editing.server.request("PATCH", at, headers={"authorization": f"Bearer {editing.token}"}, content=b"{}")
    assert bare.status_code == 400
    for body in (
        b"",
        b"[]",
        b"{",
        b'{"type": "Feature"}',
        b'{"type": "Point"}',
        b"\xff",
        b'{"type":"Feature","geometry":null,"properties":3}',
    ):
        sent = editing.server.request("POST", COVERS, headers=GEOJSON | {"authorization": f"Bearer {editing.token}"}, content=body)
        assert sent.status_code == 400, body
    assert editing.ask("DELETE", "/ogc/collections/quality_issues/items/1").status_code == 405
    asked = editing.server.request("OPTIONS", at)
    assert (asked.status_code, asked.headers["accept-patch"]) == (200, "application/merge-patch+json")
    assert {"PUT", "PATCH", "DELETE", "GET"} <= set(asked.headers["allow"].split(", "))
    assert "geo+json" in editing.server.request("OPTIONS", COVERS).headers["accept-post"]
    assert editing.item(at)[1] == tag


POINT = {"type": "Point", "coordinates": [120.3712, 36.0812]}


@pytest.mark.parametrize(
    ("status", "field", "properties", "geometry"),
    [
        (422, "statte", {"statte": "intact"}, POINT),
        (422, "kind", {"kind": "sewage"}, POINT),
        (422, "state", {"state": "gone"}, POINT),
        (422, "state", {"state": 3}, POINT),
        (422, "installed_on", {"installed_on": "22.11.2026"}, POINT),
        (422, "note", {"note": "a\0b"}, POINT),
        (422, "code", {"code": None}, POINT),
        (422, "code", {"code": "370203"}, POINT),
        (422, "class_code", {"class_code": "9999"}, POINT),
        (422, "class_code", {"class_code": "0118"}, POINT),
        (409, "code", {"code": "3702030102000003"}, POINT),
        (422, "geometry", {}, None),
        (422, "geometry", {}, {"type": "Point", "coordinates": [36.0812, 120.3712]}),
        (422, "geometry", {}, {"type": "Point", "coordinates": [-120.3712, 36.0812]}),
        (422, "geometry", {}, {"type": "Point", "coordinates": [120.3712, 36.0812, 5]}),
        (422, "geometry", {}, {"type": "Point", "coordinates": ["120", "36"]}),
        (422, "geometry", {}, {"type": "LineString", "coordinates": [[120, 36], [120.1, 36]]}),
        (422, "geometry", {}, {"type": "Polygon", "coordinates": []}),
    ],
    ids=str,
)
def test_what_is_refused_names_the_field(
    shared: Editing, status: int, field: str, properties: dict[str, Any], geometry: dict[str, Any] | None
) -> None:
    body = orjson.dumps({**NEW_COVER, "properties": NEW_COVER["properties"] | properties, "geometry": geometry})
    sent = shared.server.request("POST", COVERS, headers=GEOJSON | {"authorization": f"Bearer {shared.token}"}, content=body)
    assert (sent.status_code, sent.json()["parameter"]) == (status, field), sent.text
    assert len(sent.json()["detail"]) > 20
    assert shared.rows("SELECT count(*) FROM gisgrid.manhole_covers WHERE code = '3702030102001000'") == [(0,)]


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def test_areas_keep_apart_and_keep_their_parents(editing: Editing) -> None:
    def grid(code: str, parent: str, shape: dict[str, Any]) -> dict[str, Any]:
        return {"type": "Feature", "geometry": shape, "properties": {"code": code, "name": "新网格", "parent_code": parent}}

    beside = square(120.37, 36.088, 120.375, 36.092)
    over = editing.ask("POST", GRIDS, grid("370203001001003", "370203001001", square(120.37, 36.087, 120.375, 36.092)))
    assert over.status_code == 409
    assert "370203001001002" in over.json()["detail"], "says with which"
    assert "重叠" in over.json()["detail"]
    assert "overlaps" in over.json()["detail"]
    orphan = editing.ask("POST", GRIDS, grid("370203001009001", "370203001009", beside))
    assert (orphan.status_code, orphan.json()["parameter"]) == (422, "parent_code")
    other = editing.ask("POST", GRIDS, grid("370203001002003", "370203001001", beside))
    assert (other.status_code, other.json()["parameter"]) == (422, "code")
    twisted = square(120.37, 36.088, 120.375, 36.092)
    twisted["coordinates"][0][0][1], twisted["coordinates"][0][0][2] = twisted["coordinates"][0][0][2], twisted["coordinates"][0][0][1]
    bent = editing.ask("POST", GRIDS, grid("370203001001003", "370203001001", twisted))
    assert (bent.status_code, bent.json()["parameter"]) == (422, "geometry")
    made = editing.ask("POST", GRIDS, grid("370203001001003", "370203001001", beside))
    assert made.status_code == 201, made.text
    assert editing.rows("SELECT layer, feature_code, code FROM gisgrid.quality_issues WHERE code = 'outside_parent'") == [
        ("grids", "370203001001003", "outside_parent")
    ], "it lies outside its community, which is a warning"
    community = f"/ogc/collections/communities/items/{editing.id_of('communities', '370203001001')}"
    assert editing.ask("DELETE", community).status_code == 409
    at = made.headers["location"].removeprefix("http://town.test")
    assert editing.ask("DELETE", at).status_code == 204


def test_coordinates_are_taken_in_every_system(editing: Editing) -> None:
    at = f"{COVERS}/{editing.id_of('manhole_covers', '3702030102000003')}"
    place = editing.item(at)[0]["geometry"]["coordinates"]
    for srid in (4326, 4490, 3857, 4549, 4528):
        crs = f"http://www.opengis.net/def/crs/EPSG/0/{srid}"
        shown = editing.server.get(at, params={"crs": crs}, headers={"accept": "application/geo+json"})
        moved = editing.ask("PATCH", at, {"geometry": shown.json()["geometry"]}, Content_Crs=shown.headers["content-crs"])
        assert moved.status_code == 204, moved.text
        assert editing.item(at)[0]["geometry"]["coordinates"] == pytest.approx(place, abs=1e-9)
    assert editing.ask("PATCH", at, {}, Content_Crs="<http://www.opengis.net/def/crs/EPSG/0/2154>").status_code == 400


def test_the_new_state_comes_with_the_answer_when_it_is_preferred(editing: Editing) -> None:
    made = editing.ask("POST", COVERS, NEW_COVER, Prefer="return=representation")
    assert (made.status_code, made.headers["preference-applied"]) == (201, "return=representation")
    at = made.headers["location"].removeprefix("http://town.test")
    changed = editing.ask("PATCH", at, {"properties": {"state": "missing"}}, Prefer="respond-async, return=representation")
    assert changed.status_code == 200
    assert changed.json()["properties"] == made.json()["properties"] | {"state": "missing"}
    assert changed.headers["etag"] == editing.item(at)[1]
    assert editing.ask("PATCH", at, {"id": 5}).status_code == 400


def test_a_feature_that_was_deleted_is_taken_up_again_by_its_code(editing: Editing) -> None:
    id = editing.id_of("manhole_covers", "3702030102000003")
    feature, _ = editing.item(f"{COVERS}/{id}")
    assert editing.ask("DELETE", f"{COVERS}/{id}").status_code == 204
    body = {**feature, "properties": {k: v for k, v in feature["properties"].items() if k not in ("kind", "class_name")}}
    again = editing.ask("POST", COVERS, body)
    assert again.headers["location"].endswith(f"/{id}")
    assert editing.item(f"{COVERS}/{id}")[0]["properties"] == feature["properties"]
    history = editing.rows("SELECT version, valid_to >= valid_from FROM gisgrid.asset_versions WHERE asset_id = %s ORDER BY 1", id)
    assert history == [(1, True), (2, True)]


def test_what_was_read_can_be_sent_back(editing: Editing) -> None:
    for layer in ("districts", "streets", "communities", "grids", "manhole_covers", "buildings", "cameras"):
        first = editing.server.get(f"/ogc/collections/{layer}/items", params={"limit": "1"}).json()["features"][0]
        at = f"/ogc/collections/{layer}/items/{first['id']}"
        feature, tag = editing.item(at)
        sent = editing.ask("PUT", at, feature, If_Match=tag)
        assert sent.status_code == 204, (layer, sent.text)
        assert sent.headers["etag"] == tag, f"{layer}: nothing has changed"
    assert editing.rows("SELECT count(*) FROM gisgrid.edits WHERE editor = '张三'") == [(0,)]


def test_an_edit_shows_at_once_in_tiles_and_lookups(editing: Editing) -> None:
    server = editing.server
    camera = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [120.3871, 36.0851]},
        "properties": {"code": "NEW-1", "name": "新建"},
    }
    column = int((120.3871 + 180) / 360 * 65536)
    row = next(row for row in range(25600, 25800) if _south(row + 1) <= 36.0851 < _south(row))
    tile = f"/tiles/cameras/16/{column}/{row}.mvt"
    before = server.get(tile).content
    made = editing.ask("POST", "/ogc/collections/cameras/items", camera)
    assert made.status_code == 201, made.text
    server.wait(lambda: b"NEW-1" in server.get(tile).content and b"NEW-1" not in before, 20)
    near = "/cameras/nearest?lon=120.3871&lat=36.0851&crs=wgs84&k=1"
    server.wait(lambda: "NEW-1" in server.get(near).text, 20)
    grid = editing.id_of("grids", "370203002001001")
    renamed = editing.ask("PATCH", f"{GRIDS}/{grid}", {"properties": {"name": "改名"}})
    assert renamed.status_code == 204, renamed.text
    server.wait(lambda: server.locate(120.3825, 36.082)["grid"]["name"] == "改名", 20)


def _south(row: int) -> float:
    """Return the northern edge of a row of tiles of zoom 16, degrees."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 65536))))


def test_a_road_is_drawn_as_a_line_and_what_goes_nowhere_is_refused(editing: Editing) -> None:
    roads = "/ogc/collections/roads/items"

    def drawn(kind: str, coordinates: object) -> httpx.Response:
        shape = {"type": kind, "coordinates": coordinates}
        return editing.ask("POST", roads, {"type": "Feature", "geometry": shape, "properties": {"code": "R9", "name": "试验路"}})

    line = [[120.371, 36.0851], [120.374, 36.0852]]
    for kind, coordinates, word in (
        ("LineString", [line[0], line[0]], "at least two positions"),
        ("LineString", [[36.0851, 120.371], [36.0852, 120.374]], "latitude"),
        ("Polygon", [[*line, line[0]]], "type MultiLineString"),
        ("MultiLineString", line, "RFC 7946"),
    ):
        answer = drawn(kind, coordinates)
        assert answer.status_code in {400, 422}, answer.text
        assert word in answer.text, answer.text
    made = drawn("LineString", line)
    assert made.status_code == 201, made.text
    feature, tag = editing.item(made.headers["location"].removeprefix("http://town.test"))
    assert feature["geometry"] == {"type": "MultiLineString", "coordinates": [line]}
    changed = editing.ask("PATCH", f"{roads}/{feature['id']}", {"properties": {"class": "支路"}}, If_Match=tag)
    assert changed.status_code == 204
    assert editing.ask("DELETE", f"{roads}/{feature['id']}").status_code == 204
    assert editing.rows("SELECT retired_at IS NOT NULL, version FROM gisgrid.roads_all WHERE code = 'R9'") == [(True, 3)]
