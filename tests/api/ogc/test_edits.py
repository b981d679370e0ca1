"""Editing over HTTP: OGC API - Features, part 4, by editors, against a real PostGIS."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from gisgrid.db.rules import remember_deployment
from gisgrid.deployment import load_deployment
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving

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


@pytest.fixture
def editing(own_town: Database) -> Any:
    with own_town.connect() as connection:
        remember_deployment(connection, load_deployment("shibei"))
        token = add_editor(connection, "张三")
    with serving(Settings(database_url=own_town.url)) as server:
        yield Editing(server, own_town, token)


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
