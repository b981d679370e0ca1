"""Batches over HTTP: any number of places in order, and frames in, frames out, the same as the locator gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from gisgrid import AsyncClient, Client
from gisgrid.client import NotLocated, frames
from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError
from gisgrid.locator.columns import ADDED_COLUMNS, SHARE_COLUMNS
from gisgrid.services import ReadModel
from gisgrid.types import Location
from tests.client.conftest import MOST_POINTS, Ask
from tests.serving import Server


def places(count: int, seed: int = 1) -> list[tuple[float, float]]:
    """Return places in and around the town."""
    random = np.random.default_rng(seed)
    return list(zip(random.uniform(120.368, 120.387, count).tolist(), random.uniform(36.078, 36.090, count).tolist(), strict=True))


@pytest.mark.parametrize("piece", [5000, 101, 1])
def test_answers_come_in_the_order_of_the_places(ask: Ask, model: ReadModel, piece: int) -> None:
    asked = places(20 if piece == 1 else 2 * MOST_POINTS + 17)
    answers = ask("locate_many", asked, piece=piece)
    assert [answer.grid for answer in answers] == [model.locator.locate(*place).grid for place in asked]
    assert [(answer.lon, answer.lat) for answer in answers] == [pytest.approx(place, abs=1e-9) for place in asked]


def test_a_place_that_is_none_is_told_in_its_turn(ask: Ask) -> None:
    good = (120.3722, 36.0819)
    bad = [(float("nan"), 36.0), (120.0, float("inf")), (36.0819, 120.3722), (None, 36.0), ("x", 36.0), (np.float32("nan"), 36.0)]
    answers = ask("locate_many", [good, *bad, (np.float64(good[0]), np.float64(good[1]))])
    assert [type(answer) for answer in answers] == [Location, *[NotLocated] * len(bad), Location]
    assert [answer.parameter for answer in answers[1:-1]] == ["lon", "lat", "lat", "lon", "lon", "lon"]
    assert "inf" in answers[2].message
    assert "exchanged" in answers[3].message
    assert "'x'" in answers[5].message
    assert answers[0] == answers[-1]


def test_nothing_asked_is_nothing_answered(ask: Ask) -> None:
    assert ask("locate_many", []) == []
    with pytest.raises(ParameterError, match="piece"):
        ask("locate_many", [], piece=0)


def test_places_are_taken_as_answers_are(server: Server) -> None:
    taken = 0

    def endless() -> Iterator[tuple[float, float]]:
        nonlocal taken
        while True:
            taken += 1
            yield (120.3722, 36.0819)

    with Client(server.url, crs="wgs84") as client:
        answers = client.locate_many(endless(), piece=10)
        assert taken == 0
        assert all(isinstance(next(answers), Location) for _ in range(25))
    assert taken == 30

    async def run() -> None:
        async with AsyncClient(server.url, crs="wgs84") as client:
            many = client.locate_many(endless(), piece=10, at_once=3)
            assert isinstance(await anext(many), Location)
            await many.aclose()

    taken = 0
    asyncio.run(run())
    assert taken == 30


def test_pieces_shrink_to_what_the_server_takes_once(server: Server) -> None:
    with Client(server.url, crs="wgs84") as client:
        sizes: list[int] = []
        client._http.event_hooks["request"].append(lambda request: sizes.append(request.content.count(b'"lat"')))
        answers = list(client.locate_many(places(2000), piece=1000))
    assert len(answers) == 2000
    assert sizes == [1000, 500, 250, 250, 500, 250, 250, *[250] * 4]


# Frames


def cases(count: int = 700) -> pd.DataFrame:
    lon, lat = np.array(places(count)).T
    # Edges and corners of grids.
    lon[:6], lat[:6] = [120.375, 120.38, 120.3725, 120.375, 120.37, 120.385], [36.082, 36.084, 36.084, 36.084, 36.08, 36.088]
    return pd.DataFrame({"lon": lon, "lat": lat, "status": "open"}, index=pd.Index(np.arange(count) * 3, name="case"))


def points(table: pd.DataFrame, crs: str = "EPSG:4326") -> geopandas.GeoDataFrame:
    geometry = geopandas.points_from_xy(table["lon"], table["lat"], crs=4326)
    return geopandas.GeoDataFrame(table[["status"]], geometry=geometry).to_crs(crs)


def same(ours: geopandas.GeoDataFrame, theirs: geopandas.GeoDataFrame) -> None:
    """Compare the answers of a client with those of the locator, which are not rounded."""
    numbers = [name for name in theirs if pd.api.types.is_float_dtype(theirs[name])]
    for name in numbers:
        near = 2e-9 if name.endswith(("lon", "lat")) else 6e-4
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=near)
    assert_geodataframe_equal(ours.drop(columns=numbers), theirs.drop(columns=numbers), check_less_precise=True)
    assert list(ours.columns) == list(theirs.columns)


def test_the_columns_are_those_of_the_locator() -> None:
    assert (frames.COLUMNS, frames.SHARES) == (ADDED_COLUMNS, SHARE_COLUMNS)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4549", "EPSG:3857", "OGC:CRS84", "+proj=utm +zone=51 +ellps=GRS80"])
def test_points_come_back_with_their_answers_in_their_own_system(ask: Ask, model: ReadModel, crs: str) -> None:
    frame = points(cases(), crs)
    before = frame.copy()
    located = ask("locate_frame", frame)
    same(located, model.locator.locate_frame(frame))
    assert located.crs == frame.crs
    assert located.index.equals(frame.index)
    assert {"inside", "edge", "outside"} <= set(located["gisgrid_status"])
    assert_geodataframe_equal(frame, before)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "EPSG:4549"])
def test_tables_of_coordinates_become_frames(ask: Ask, model: ReadModel, crs: str) -> None:
    table = cases(50)
    table["E"], table["N"] = from_wgs84(parse_crs(crs), table["lon"].to_numpy(), table["lat"].to_numpy())
    columns = ["grid", "wgs84_lon", "candidates"]
    located = ask("locate_frame", table, crs=crs, lon="E", lat="N", columns=columns)
    same(located, model.locator.locate_frame(table, crs=crs, lon="E", lat="N", columns=columns))
    assert list(located.columns) == [*table.columns, *columns, "geometry"]
    assert located.crs == 4326


def test_doubt_comes_with_an_accuracy(ask: Ask, model: ReadModel) -> None:
    table = cases(80)
    table["good_to_m"] = np.linspace(0.0, 60.0, 80)
    table.loc[table.index[:5], "good_to_m"] = np.nan
    frame = points(table).join(table["good_to_m"])
    for accuracy_m in (25.0, "good_to_m"):
        located = ask("locate_frame", frame, accuracy_m=accuracy_m)
        same(located, model.locator.locate_frame(frame, accuracy_m=accuracy_m))
        assert located["candidates"].str.contains(";").any()
        assert located["outside_share"].max() > 0
    same(
        ask("locate_frame", table, crs="wgs84", accuracy_m="good_to_m", columns=["outside_share"]),
        model.locator.locate_frame(table, crs="wgs84", accuracy_m="good_to_m", columns=["outside_share"]),
    )
    with pytest.raises(ParameterError, match=r"accuracy_m: .*'nobody'"):
        ask("locate_frame", frame, accuracy_m="nobody")
    with pytest.raises(ParameterError, match="accuracy_m"):
        ask("locate_frame", frame, accuracy_m=-1.0)


@pytest.mark.parametrize("piece", [None, 100, 699])
def test_a_frame_that_is_more_than_one_request_is_one_frame_again(ask: Ask, model: ReadModel, piece: int | None) -> None:
    # Without a piece it is more than the server takes at once.
    frame = points(cases(2000 if piece is None else 700))
    same(ask("locate_frame", frame, piece=piece), model.locator.locate_frame(frame))


def test_rows_without_an_answer_stay_and_say_why(ask: Ask, model: ReadModel) -> None:
    good = (120.3722, 36.0819)
    cells = [
        good,
        (None, 36.0),
        ("", "36.1"),
        ("120.3722", " 36.0819 "),
        ("east", 36.0),
        (0, 0),
        good[::-1],
        ("nan", "-"),
        (120.3722, 91.0),
    ]
    table = pd.DataFrame(cells, columns=["lon", "lat"], dtype=object)
    located = ask("locate_frame", table, crs="wgs84")
    ours = model.locator.locate_frame(table, crs="wgs84")
    assert located["status"].tolist() == ours["status"].tolist()
    assert located["reason"].isna().tolist() == ours["reason"].isna().tolist()
    assert located["reason"][1:6].tolist() == ours["reason"][1:6].tolist()
    assert "exchanged" in located["reason"][6]
    assert located["grid"][[0, 3]].tolist() == ["370203001001001"] * 2
    assert located.geometry.isna().tolist() == ours.geometry.isna().tolist()

    shapes = [shapely.Point(good), None, shapely.Point(), shapely.box(120, 36, 121, 37), shapely.Point(0, 0), shapely.Point(good[::-1])]
    frame = geopandas.GeoDataFrame({"name": list("abcdef")}, geometry=shapes, crs=4326)
    located, ours = ask("locate_frame", frame), model.locator.locate_frame(frame)
    assert located["status"].tolist() == ours["status"].tolist()
    assert located["reason"][1:5].tolist() == ours["reason"][1:5].tolist()
    assert located.geometry.geom_equals(frame.geometry).tolist() == frame.geometry.geom_equals(frame.geometry).tolist()


def test_frames_without_rows_are_answered_without_a_server() -> None:
    with Client("http://127.0.0.1:9", crs="wgs84", retries=0) as client:
        located = client.locate_frame(points(cases(6).iloc[:0]))
        assert len(located) == 0
        assert list(located.columns)[-1] == "reason"
        table = client.locate_frame(cases(6).iloc[:0], accuracy_m=5.0)
        assert table.geometry.name == "geometry"
        assert table["candidate_shares"].dtype == located["reason"].dtype


def test_a_frame_that_cannot_be_asked_about_is_refused_before_anything_is_sent() -> None:
    table = cases(6)
    with Client("http://127.0.0.1:9", retries=0) as client:
        with pytest.raises(CrsError, match="none is assumed"):
            client.locate_frame(table)
        with pytest.raises(CrsError, match="the frame does not say"):
            client.locate_frame(points(table).set_crs(None, allow_override=True))
        with pytest.raises(ParameterError, match=r"lat: there is no column 'y'\. Expected .*status"):
            client.locate_frame(table, crs="wgs84", lat="y")
        with pytest.raises(ParameterError, match="list is no table"):
            client.locate_frame([(1, 2)], crs="wgs84")  # type: ignore[arg-type]
        for columns in (["grid", "grid"], ["colour"], [], "grid"):
            with pytest.raises(ParameterError, match="columns: "):
                client.locate_frame(table, crs="wgs84", columns=columns)
