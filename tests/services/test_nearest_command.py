"""``gisgrid nearest`` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gisgrid.db import Database
from tests.services.conftest import Run

PLACE = ("120.3722", "36.0819", "--crs", "wgs84")


@pytest.fixture
def run(town: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(town)


def asked(run: Run, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = run("nearest", *arguments, "--json")
    assert (code, err) == (0, "")
    return list(json.loads(out)["features"])


def nearest_in(town: Database, layer: str, condition: str = "true") -> list[tuple[str, float]]:
    """Return all features of a layer as PostGIS orders them."""
    query = f"""
        SELECT code, ST_Distance(geom::geography, 'SRID=4326;POINT(120.3722 36.0819)'::geography) AS far
        FROM gisgrid.{layer} WHERE {condition} ORDER BY far, code
    """
    with town.connect() as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers", "buildings"])
def test_the_nearest_come_as_postgis_orders_them(run: Run, town: Database, layer: str) -> None:
    found = asked(run, layer, *PLACE, "-k", "7")
    expected = nearest_in(town, layer)[:7]
    assert [feature["code"] for feature in found] == [code for code, _ in expected]
    assert [feature["distance_m"] for feature in found] == pytest.approx([far for _, far in expected], abs=1e-3)


def test_fields_and_a_radius_choose(run: Run, town: Database) -> None:
    cameras = asked(run, "cameras", *PLACE, "--where", "kind=dome,ptz", "--where", "status=online", "-k", "50")
    assert [feature["code"] for feature in cameras] == [code for code, _ in nearest_in(town, "cameras", "kind IN ('dome', 'ptz')")]
    assert {feature["properties"]["kind"] for feature in cameras} == {"dome", "ptz"}
    near = asked(run, "manhole_covers", *PLACE, "--radius-m", "150", "-k", "1000")
    assert [feature["code"] for feature in near] == [code for code, far in nearest_in(town, "manhole_covers") if far <= 150]
    without = asked(run, "manhole_covers", *PLACE, "--where", "owner_code=")
    assert [feature["code"] for feature in without] == [code for code, _ in nearest_in(town, "manhole_covers", "owner_code IS NULL")]
    assert asked(run, "buildings", *PLACE, "--where", "use=没有") == []


def test_people_get_a_table(run: Run) -> None:
    code, out, _ = run("nearest", "cameras", *PLACE, "-k", "2")
    assert code == 0
    for expected in ("code", "bearing", "路口", "online", " m", "°"):
        assert expected in out
    _, out, _ = run("nearest", "buildings", *PLACE, "--radius-m", "0.5", "--where", "use=没有")
    assert "none" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trees", *PLACE), "'trees'"),
        (("cameras", *PLACE, "--where", "colour=red"), "no field 'colour'"),
        (("cameras", *PLACE, "--where", "kind"), "FIELD=VALUE"),
        (("cameras", *PLACE, "-k", "0"), "1 to 1000"),
        (("cameras", *PLACE, "--radius-m", "-1"), "metres, 0 or more"),
        (("cameras", *PLACE, "--radius-m", "nan"), "metres, 0 or more"),
        (("cameras", "120.3722", "36.0819"), "wgs84, cgcs2000, gcj02, bd09 or EPSG:n"),
        (("cameras", "36.0819", "120.3722", "--crs", "gcj02"), "look exchanged"),
    ],
)
def test_bad_use_ends_with_2_and_says_what_is_wrong(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = run("nearest", *arguments)
    assert (code, out) == (2, "")
    assert says in err
