"""``GET /cameras/nearest`` and ``/manhole_covers/nearest``."""

from __future__ import annotations

from typing import Any

import pytest
from pyproj import Geod

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from tests.api.conftest import Server

AT = (120.3744, 36.0835)


def _ask(server: Server, layer: str, **more: object) -> dict[str, Any]:
    params = {"lon": str(AT[0]), "lat": str(AT[1]), "crs": "wgs84", **{name: str(value) for name, value in more.items()}}
    answer = server.get(f"/{layer}/nearest", params=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers"])
@pytest.mark.parametrize(("k", "radius_m"), [(1, None), (7, None), (1000, None), (5, 150), (1000, 333)])
def test_the_nearest_are_those_that_postgis_finds(server: Server, town: Database, layer: str, k: int, radius_m: float | None) -> None:
    answer = _ask(server, layer, k=k, **({} if radius_m is None else {"radius_m": radius_m}))
    sql = f"""SELECT id, code, ST_Distance(geom::geography, place), degrees(ST_Azimuth(place, geom::geography))
    FROM gisgrid.{layer}, (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography AS place) AS here ORDER BY 3, code"""
    with town.connect() as connection:
        rows = connection.execute(sql.encode(), AT).fetchall()
    expected = [row for row in rows if radius_m is None or row[2] <= radius_m][:k]
    features = answer["features"]
    assert [feature["distance_m"] for feature in features] == pytest.approx([row[2] for row in expected], rel=1e-3, abs=0.01)
    assert {feature["id"] for feature in features} == {row[0] for row in expected}
    bearings = {row[0]: row[3] for row in expected}
    for feature in features:
        turn = (feature["bearing_deg"] - bearings[feature["id"]] + 180) % 360 - 180
        assert abs(turn) < 0.5 or feature["distance_m"] < 0.1


def test_a_feature_has_its_place_and_its_fields(server: Server) -> None:
    answer = _ask(server, "manhole_covers", k=1)
    assert answer["input"] == {"lon": 120.3744, "lat": 36.0835, "crs": "wgs84"}
    assert answer["point"]["crs"] == "wgs84"
    assert answer["database"] == "up"
    feature = answer["features"][0]
    assert set(feature) == {"id", "code", "lon", "lat", "distance_m", "bearing_deg", "properties"}
    assert feature["code"].startswith("3702030102")
    assert feature["properties"]["material"] == "铸铁"
    assert feature["properties"]["installed_on"][:2] == "20"
    _, _, metres = Geod(ellps="WGS84").inv(*AT, feature["lon"], feature["lat"])
    assert feature["distance_m"] == pytest.approx(metres, abs=0.05)


def test_five_are_given_when_no_number_is_asked_for(server: Server) -> None:
    assert len(_ask(server, "cameras")["features"]) == 5


def test_the_point_may_be_in_any_system(server: Server) -> None:
    x, y = from_wgs84(parse_crs("gcj02"), *AT)
    moved = server.get("/cameras/nearest", params={"lon": f"{x:.9f}", "lat": f"{y:.9f}", "crs": "gcj02", "k": "3"}).json()
    assert [f["id"] for f in moved["features"]] == [f["id"] for f in _ask(server, "cameras", k=3)["features"]]
    assert moved["point"]["lon"] == pytest.approx(AT[0], abs=1e-7)


def test_nothing_within_the_radius_is_an_empty_list(server: Server) -> None:
    assert _ask(server, "cameras", radius_m=0.5)["features"] == []


@pytest.mark.parametrize(
    ("more", "parameter"),
    [
        ("k=0", "k"),
        ("k=1001", "k"),
        ("k=-1", "k"),
        ("k=2.5", "k"),
        ("k=", "k"),
        ("k=five", "k"),
        ("k=5&k=6", "k"),
        ("radius_m=0", "radius_m"),
        ("radius_m=-5", "radius_m"),
        ("radius_m=nan", "radius_m"),
        ("radius_m=1e9", "radius_m"),
        ("limit=5", "limit"),
        ("lat=36.08", "lat"),
        ("include=cameras", "include"),
    ],
)
def test_bad_parameters_are_refused_by_name(server: Server, more: str, parameter: str) -> None:
    answer = server.get(f"/cameras/nearest?lon=120.37&lat=36.08&crs=wgs84&{more}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter
    assert answer.json()["expected"]


def test_the_coordinate_system_must_be_named(server: Server) -> None:
    assert server.get("/cameras/nearest?lon=120.37&lat=36.08").json()["parameter"] == "crs"
    assert server.get("/cameras/nearest?lon=36.08&lat=120.37&crs=wgs84").status_code == 400


@pytest.mark.parametrize("layer", ["grids", "quality_issues", "lamps"])
def test_only_layers_of_features_have_the_route(server: Server, layer: str) -> None:
    assert server.get(f"/{layer}/nearest?lon=120.37&lat=36.08&crs=wgs84").status_code == 404
