"""What lookups answer beside areas: filters, sight, the nearest buildings, the cover concerned."""

from __future__ import annotations

from typing import Any

import pytest

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from tests.api.conftest import Server

AT = {"lon": "120.3744", "lat": "36.0835", "crs": "wgs84"}


def _ask(server: Server, path: str, **more: object) -> dict[str, Any]:
    answer = server.get(path, params=AT | {name: str(value) for name, value in more.items()})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _codes(answer: dict[str, Any]) -> list[str]:
    return [feature["code"] for feature in answer["features"]]


def test_filters_choose_by_one_value_or_several(server: Server) -> None:
    every = _ask(server, "/cameras/nearest", k=100)["features"]
    for chosen in ("ptz", "dome,ptz", "fixed,dome,ptz"):
        expected = [camera["code"] for camera in every if camera["properties"]["kind"] in chosen.split(",")]
        assert expected
        assert _codes(_ask(server, "/cameras/nearest", k=100, kind=chosen)) == expected
        assert _codes(_ask(server, "/cameras/nearest", k=1, kind=chosen)) == expected[:1]
    assert _codes(_ask(server, "/cameras/nearest", kind="ptz", status="offline")) == []
    covers = _ask(server, "/manhole_covers/nearest", k=100, owner_code="W1", state="intact", radius_m=300)["features"]
    assert covers
    assert {cover["properties"]["owner_code"] for cover in covers} == {"W1"}
    assert _codes(_ask(server, "/manhole_covers/nearest", owner_code="nobody")) == []


def test_an_empty_value_asks_for_what_has_none(server: Server, town: Database) -> None:
    with town.connect() as connection:
        owners = dict(connection.execute("SELECT code, coalesce(owner_code, '') FROM gisgrid.manhole_covers").fetchall())
    for asked in ("", "W1,", " , "):
        found = _ask(server, "/manhole_covers/nearest", k=100, owner_code=asked)["features"]
        wanted = {owner.strip() for owner in asked.split(",")}
        assert {cover["properties"]["owner_code"] or "" for cover in found} <= wanted
        assert len(found) == min(100, sum(owner in wanted for owner in owners.values()))
    assert _codes(_ask(server, "/buildings/nearest", k=100, use="")) == []


@pytest.mark.parametrize(("crs", "inside"), [("gcj02", 3.0), ("bd09", 3.0), ("wgs84", 0.0), ("EPSG:4549", 1.5)])
def test_how_far_off_a_position_may_be_is_that_of_its_place(server: Server, crs: str, inside: float) -> None:
    names = ("x", "y") if crs.startswith("EPSG") else ("lon", "lat")
    here, far = (server.get("/convert", params={"lon": lon, "lat": lat, "crs": "wgs84", "to": crs}).json()["output"] for lon, lat in PLACES)
    for place, expected in ((here, inside), (far, 0.0 if crs == "gcj02" else inside)):
        params = {name: str(place[name]) for name in names} | {"crs": crs}
        found = server.get("/locate", params=params).json()["point"]["conversion_accuracy_m"]
        assert found == expected
        if not crs.startswith("EPSG"):  # outside the area of use of such a system nobody states a figure
            assert found == server.get("/convert", params=params | {"to": "wgs84"}).json()["accuracy_m"]


PLACES = ((120.3744, 36.0835), (140.5, 36.0))


def test_the_nearest_buildings_are_those_of_postgis(server: Server, town: Database) -> None:
    at = {"lon": "120.37447", "lat": "36.08353"}  # where no two are equally far
    query = """SELECT code, ST_Distance(geom::geography, ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography) FROM gisgrid.buildings
    ORDER BY 2, 1 LIMIT 8"""
    with town.connect() as connection:
        rows = connection.execute(query, (float(at["lon"]), float(at["lat"]))).fetchall()
    answer = _ask(server, "/buildings/nearest", k=8, use="住宅", **at)
    assert _codes(answer) == [row[0] for row in rows]
    assert [building["distance_m"] for building in answer["features"]] == pytest.approx([row[1] for row in rows], abs=2e-3)
    assert {"id", "address", "floors"} <= set(answer["features"][0])
    assert _codes(_ask(server, "/buildings/nearest", use="寺庙")) == []
    assert _codes(_ask(server, "/buildings/nearest", radius_m=0.001, k=1)) in ([], [rows[0][0]])


def test_cameras_say_whether_they_see_the_point(server: Server) -> None:
    answer = _ask(server, "/cameras/nearest", k=10, sight="true", target_height_m=1.5)
    assert len(answer["features"]) == 10
    for camera in answer["features"]:
        assert camera["sight"]["distance_m"] == pytest.approx(camera["distance_m"], abs=0.01)
        assert camera["sight"]["reason"]
    included = _ask(server, "/locate", include="cameras", sight="true", target_height_m=1.5)["cameras"]
    assert included == answer["features"][:5]
    assert "sight" not in _ask(server, "/cameras/nearest", sight="false")["features"][0]
    assert "sight" not in _ask(server, "/locate", include="cameras")["cameras"][0]


@pytest.mark.parametrize("more", [{}, {"kind": "ptz,dome"}, {"radius_m": 60}, {"radius_m": 60, "status": "online"}])
@pytest.mark.parametrize("place", [("120.3744", "36.0835"), ("120.3772", "36.0843"), ("120.37125", "36.0814"), ("120.45", "36.2")])
def test_those_that_see_it_are_the_same_as_by_looking_at_all(server: Server, place: tuple[str, str], more: dict[str, object]) -> None:
    at = {"lon": place[0], "lat": place[1]}
    every = _ask(server, "/cameras/nearest", k=1000, sight="true", **at, **more)["features"]
    expected = [camera for camera in every if camera["sight"]["state"] in ("sees", "probably_sees")]
    assert _ask(server, "/cameras/nearest", k=1000, sight="seeing", **at, **more)["features"] == expected
    assert _ask(server, "/cameras/nearest", k=2, sight="seeing", **at, **more)["features"] == expected[:2]


def test_somewhere_a_camera_sees_something(server: Server) -> None:
    assert _ask(server, "/cameras/nearest", sight="seeing", lon="120.3712", lat="36.08135")["features"]


def test_the_cover_concerned_is_the_same_by_its_route_and_beside_the_areas(server: Server) -> None:
    hints = {"text": "污水井盖破损", "accuracy_m": 5}
    at = {"lon": "120.37451", "lat": "36.08351"}
    match = _ask(server, "/manhole_covers/match", **at, **hints)
    assert match["status"] in ("matched", "ambiguous")
    assert match["kinds_named"] == ["sewage"]
    best = match["candidates"][0]
    assert best["distance_m"] < 2.0
    assert best["parts"]
    included = _ask(server, "/locate", include="cover", **at, **hints)["cover"]
    assert included == {name: match[name] for name in included}
    assert _ask(server, "/manhole_covers/match", lon="120.45", lat="36.2")["status"] == "none"


def test_an_owner_that_the_text_names_is_one_of_the_data(server: Server) -> None:
    at = {"lon": "120.37451", "lat": "36.08351"}

    def owner(text: str) -> str:
        best = _ask(server, "/manhole_covers/match", text=text, **at)["candidates"][0]
        return next(str(part["why"]) for part in best["parts"] if part["name"] == "owner")

    assert owner("排水公司的井盖破损") == "W1 is named in the text, and recorded"
    assert owner("社区服务站的井盖破损") == "U2 is named in the text, recorded is W1"
    assert owner("井盖破损") == "the report names no owner"


@pytest.mark.parametrize(("crs", "reach_m"), [("wgs84", 53.0), ("gcj02", 55.3)])
def test_the_error_of_the_conversion_widens_the_search_for_a_cover(server: Server, crs: str, reach_m: float) -> None:
    first, second = from_wgs84(parse_crs(crs), 120.37451, 36.08351)
    answer = server.get("/manhole_covers/match", params={"lon": str(first), "lat": str(second), "crs": crs, "text": "井盖"}).json()
    assert answer["reach_m"] == reach_m
    assert answer["candidates"][0]["distance_m"] < 2.0


def test_what_is_included_comes_in_one_order(server: Server) -> None:
    names = ["cameras", "manhole_covers", "building", "cover"]
    for order in (names, names[::-1]):
        answer = list(_ask(server, "/locate", include=",".join(order)))
        assert [name for name in answer if name in names] == names


REFUSED = [
    ("/cameras/nearest", "kind=box", "kind"),
    ("/cameras/nearest", "kind=", "kind"),
    ("/cameras/nearest", "kind=ptz,", "kind"),
    ("/cameras/nearest", "status=on", "status"),
    ("/cameras/nearest", "state=intact", "state"),
    ("/cameras/nearest", "use=x", "use"),
    ("/cameras/nearest", "sight=yes", "sight"),
    ("/cameras/nearest", "sight=", "sight"),
    ("/cameras/nearest", "target_height_m=2", "target_height_m"),
    ("/cameras/nearest", "sight=true&target_height_m=-1", "target_height_m"),
    ("/cameras/nearest", "sight=seeing&target_height_m=nan", "target_height_m"),
    ("/cameras/nearest", "as_of=never", "as_of"),
    ("/cameras/nearest", "kind=ptz&kind=dome", "kind"),
    ("/manhole_covers/nearest", "state=good", "state"),
    ("/manhole_covers/nearest", "sight=true", "sight"),
    ("/manhole_covers/nearest", "state=", "state"),
    ("/manhole_covers/nearest", "owner_code=" + ",".join(f"W{n}" for n in range(51)), "owner_code"),
    ("/buildings/nearest", "kind=ptz", "kind"),
    ("/buildings/nearest", "k=0", "k"),
    ("/manhole_covers/match", "text=" + "x" * 2001, "text"),
    ("/manhole_covers/match", "kind=", "kind"),
    ("/manhole_covers/match", "kind=nonsense", "kind"),
    ("/manhole_covers/match", "state=nonsense", "state"),
    ("/manhole_covers/match", "accuracy_m=-1", "accuracy_m"),
    ("/manhole_covers/match", "k=3", "k"),
    ("/locate", "sight=true", "sight"),
    ("/locate", "include=building&sight=true", "sight"),
    ("/locate", "include=cameras&sight=seeing", "sight"),
    ("/locate", "include=cameras&target_height_m=2", "target_height_m"),
    ("/locate", "include=cameras&text=x", "text"),
    ("/locate", "state=broken", "state"),
    ("/locate", "include=cover&state=nonsense", "state"),
]


@pytest.mark.parametrize(("path", "query", "parameter"), REFUSED, ids=[f"{path}?{query[:30]}" for path, query, _ in REFUSED])
def test_what_cannot_be_meant_is_refused_by_name(server: Server, path: str, query: str, parameter: str) -> None:
    answer = server.get(f"{path}?lon=120.3744&lat=36.0835&crs=wgs84&{query}")
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert problem["expected"]


@pytest.mark.parametrize(
    ("query", "said"), [("k=-3", "-3 is out of range"), ("k=x", "not a whole number"), ("radius_m=inf", "not a finite number")]
)
def test_a_number_that_is_refused_is_not_called_something_else(server: Server, query: str, said: str) -> None:
    answer = server.get(f"/cameras/nearest?lon=120.3744&lat=36.0835&crs=wgs84&{query}")
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
