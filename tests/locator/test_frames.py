"""The Locator in scripts: areas from GeoDataFrames, positions in whatever holds them, frames in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.locator import Locator
from gisgrid.locator.columns import ADDED_COLUMNS, SHARE_COLUMNS
from gisgrid.types import LEVELS, Location, ResponsibleUnit
from tests.locator.drawing import drawn
from tests.locator.test_locate import city
from tests.locator.towns import Town, places, towns

GRIDS = drawn("""
    A A B B
    A A B B
    C C D D
    C C D D
""")


def frame_of(crs: str | None = "EPSG:4326", **columns: Any) -> geopandas.GeoDataFrame:
    """The grids as a frame, with other columns added."""
    data = {"code": GRIDS.codes, "name": GRIDS.names} | columns
    return geopandas.GeoDataFrame(data, geometry=list(GRIDS.geometries), crs=crs, index=[f"row {k}" for k in range(4)])


def points(lon: Any, lat: Any, crs: str | None = "EPSG:4326", **columns: Any) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(columns, geometry=geopandas.points_from_xy(lon, lat), crs=crs)


# A town takes longer to shrink than to understand.
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)

LON, LAT = np.array([120.0005, 120.0035, 120.0005, 120.009]), np.array([36.0005, 36.0005, 36.0035, 36.0005])
CODES = ["C", "D", "A", None]


# Areas from frames


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4549", "EPSG:3857", "EPSG:4214", "OGC:CRS84"])
def test_areas_come_in_any_coordinate_system(crs: str) -> None:
    frame = frame_of().to_crs(crs)
    locator = Locator.from_geodataframe(frame)
    assert locator.codes(LON, LAT, crs="wgs84").tolist() == CODES
    box = locator.bounds
    assert box is not None
    expected = frame.to_crs("EPSG:4326").total_bounds if crs != "EPSG:4490" else frame.total_bounds
    assert list(box) == pytest.approx(list(expected), abs=1e-9)


def test_a_system_without_a_number_is_understood_too() -> None:
    own = "+proj=tmerc +lon_0=120.5 +k=1 +x_0=1000 +y_0=-3000000 +ellps=GRS80 +units=m +type=crs"
    locator = Locator.from_geodataframe(frame_of().to_crs(own))
    assert locator.codes(LON, LAT, crs="wgs84").tolist() == CODES
    assert locator.codes(points(LON, LAT).to_crs(own).geometry).tolist()[:3] == CODES[:3]
    found = locator.locate_frame(points(LON, LAT).to_crs(own))
    assert found["grid"].tolist()[:3] == CODES[:3]
    assert found["status"].tolist() == ["inside", "inside", "inside", "outside"]


def test_gcj02_kept_as_if_it_were_wgs84_is_put_right() -> None:
    gcj02 = parse_crs("gcj02")
    shifted = frame_of()
    moved = shapely.transform(np.asarray(shifted.geometry), lambda part: np.column_stack(from_wgs84(gcj02, part[:, 0], part[:, 1])))
    shifted = shifted.set_geometry(geopandas.GeoSeries(moved, index=shifted.index, crs="EPSG:4326"))
    locator = Locator.from_geodataframe(shifted, crs="gcj02")
    assert locator.codes(LON, LAT, crs="wgs84").tolist() == CODES
    lon, lat = from_wgs84(gcj02, LON, LAT)
    assert locator.codes(lon, lat, crs="gcj02").tolist() == CODES
    assert locator.locate_frame(points(lon, lat), crs="gcj02")["grid"].tolist()[:3] == CODES[:3]
    assert Locator.from_geodataframe(shifted).codes(LON, LAT, crs="wgs84").tolist() != CODES


def test_columns_are_called_as_the_caller_says() -> None:
    frame = frame_of().rename(columns={"code": "网格编码", "name": "网格名称"}).assign(社区=["w1", None, "w1", float("nan")])
    locator = Locator.from_geodataframe(frame, code="网格编码", name="网格名称", parent="社区")
    assert locator.locate(120.0005, 36.0005).grid == ("C", "c")
    assert locator._hierarchy.grids.parent_codes == ("w1", None, "w1", None)
    bare = Locator.from_geodataframe(frame_of()[["code", "geometry"]])
    assert bare.locate(120.0005, 36.0005).grid == ("C", "")
    for option in ("code", "name", "parent"):
        with pytest.raises(ParameterError, match=rf"{option}: there is no column 'id'\. Expected one of .*code"):
            Locator.from_geodataframe(frame_of(), **{option: "id"})  # type: ignore[arg-type]


def test_levels_and_roles_are_those_of_from_areas() -> None:
    west = geopandas.GeoDataFrame({"code": ["w"], "name": ["West"]}, geometry=[shapely.box(120.0, 36.0, 120.002, 36.004)], crs=4326)
    roles = {("community", "w"): ResponsibleUnit("U1", "Office", "community")}
    locator = Locator.from_frames({"grid": frame_of(), "community": west}, roles=roles)  # type: ignore[arg-type]
    answer = locator.locate(120.0005, 36.0005)
    assert answer.community == ("w", "West")
    assert answer.responsible_unit == ResponsibleUnit("U1", "Office", "community")
    with pytest.raises(ParameterError, match="there is no level 'grids'"):
        Locator.from_frames({"grids": frame_of()})  # type: ignore[dict-item]


def test_a_frame_without_a_system_is_refused() -> None:
    with pytest.raises(CrsError, match="does not say its coordinate system"):
        Locator.from_geodataframe(frame_of(crs=None))
    assert Locator.from_geodataframe(frame_of(crs=None), crs="wgs84").codes(LON, LAT, crs="wgs84").tolist() == CODES


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (["1", None, "3", " "], r"Rows row 1, row 3 have no code in column 'code'"),
        (["1", "2", "2", "2"], r"1 codes are there more than once, such as '2' in rows row 1, row 2, row 3"),
        ([1.0, 2.5, 3.0, 4.0], r"neither text nor a whole number.*Read that column as text"),
        ([1.0, None, 3.0, 4.0], r"Row row 1 has no code"),
    ],
)
def test_codes_that_name_no_single_area_are_told_by_their_rows(codes: list[Any], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        Locator.from_geodataframe(frame_of().assign(code=codes))


def test_codes_may_be_whole_numbers() -> None:
    assert Locator.from_geodataframe(frame_of().assign(code=[10, 20, 30, 40])).grid_codes() == ["10", "20", "30", "40"]


def test_rows_that_are_no_polygons_and_rows_without_a_shape_are_told() -> None:
    frame = frame_of()
    with pytest.raises(SourceError, match=r"Rows row 1, row 3 have a geometry that is no polygon, such as a point"):
        Locator.from_geodataframe(
            frame.set_geometry([frame.geometry.iloc[0], shapely.Point(1, 2), None, shapely.LineString([(0, 0), (1, 1)])], crs=4326)
        )
    for bare in (None, shapely.Polygon(), shapely.MultiPolygon()):
        with pytest.raises(SourceError, match=r"Rows row 0, row 2 have no geometry, or an empty one.*leave the row out"):
            Locator.from_geodataframe(frame.set_geometry([bare, frame.geometry.iloc[1], bare, frame.geometry.iloc[3]], crs=4326))
    with pytest.raises(SourceError, match=r"Row row 0 has coordinates that are no positions in wgs84"):
        Locator.from_geodataframe(frame.set_geometry([shapely.box(500, 0, 501, 1), *frame.geometry.iloc[1:]], crs=4326))
    with pytest.raises(ParameterError, match="DataFrame is no table of areas"):
        Locator.from_geodataframe(pd.DataFrame(frame))


@settings(max_examples=25, phases=NO_SHRINK)
@given(towns(), st.integers(0, 1 << 32))
def test_from_frames_is_from_areas(town: Town, seed: int) -> None:
    frames = {
        level: geopandas.GeoDataFrame(
            {"code": table.codes, "name": table.names, "parent_code": table.parent_codes}, geometry=list(table.geometries), crs=4326
        )
        for level, table in town.tables.items()
        if len(table.codes)
        and all(code.strip() for code in table.codes)
        and not shapely.is_empty(table.geometries).any()
        and all(shape is not None for shape in table.geometries)
    }
    tables = {level: town.tables[level] for level in frames}
    one, other = Locator.from_frames(frames, roles=town.roles), Locator.from_areas(tables, town.roles)
    lon, lat = places(town, seed, 20)
    assert [one.locate(x, y) for x, y in zip(lon, lat, strict=True)] == [other.locate(x, y) for x, y in zip(lon, lat, strict=True)]


# Codes of positions in whatever holds them


def test_what_comes_in_comes_out() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    assert locator.codes(120.0005, 36.0005, crs="wgs84") == "C"
    assert locator.codes(np.float64(121), 36, crs="wgs84") is None
    assert locator.codes(LON.reshape(2, 2), LAT.reshape(2, 2), crs="wgs84").tolist() == [["C", "D"], ["A", None]]
    assert locator.codes(LON.tolist(), LAT.tolist(), crs="wgs84").tolist() == CODES
    assert locator.codes(np.empty((0, 3)), np.empty((0, 3)), crs="wgs84").shape == (0, 3)
    assert locator.codes(LON[:, None], LAT[None, :], crs="wgs84").shape == (4, 4)
    series = locator.codes(pd.Series(LON, index=list("wxyz")), pd.Series(LAT, index=list("wxyz")), crs="wgs84")
    assert isinstance(series, pd.Series)
    assert series.index.tolist() == list("wxyz")
    assert series.isna().tolist() == [False, False, False, True]
    assert series.tolist()[:3] == CODES[:3]
    arrow = locator.codes(pa.array(LON), pa.array(LAT), crs="wgs84")
    assert isinstance(arrow, pa.DictionaryArray)
    assert arrow.to_pylist() == CODES
    chunked = locator.codes(pa.chunked_array([LON[:1], LON[1:]]), pa.chunked_array([LAT[:2], LAT[2:]]), crs="wgs84")
    assert isinstance(chunked, pa.ChunkedArray)
    assert chunked.to_pylist() == CODES


def test_points_may_say_their_own_system() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    frame = points(LON, LAT).set_index(pd.Index(list("wxyz")))
    for series in (frame.geometry, frame.to_crs(4549).geometry, frame.to_crs(3857).geometry):
        found = locator.codes(series)
        assert isinstance(found, pd.Series)
        assert found.index.tolist() == list("wxyz")
        assert found.tolist()[:3] == CODES[:3]
    assert locator.codes(shapely.Point(120.0005, 36.0005), crs="wgs84") == "C"
    assert locator.codes(shapely.points(LON, LAT), crs="wgs84").tolist() == CODES
    assert locator.codes(geopandas.GeoSeries([None, shapely.Point(), shapely.Point(120.0005, 36.0005)], crs=4326)).tolist()[2] == "C"
    with pytest.raises(CrsError):
        locator.codes(shapely.points(LON, LAT))
    with pytest.raises(CrsError):
        locator.codes(points(LON, LAT, crs=None).geometry)
    with pytest.raises(ParameterError, match="no points"):
        locator.codes(frame_of().geometry)
    with pytest.raises(ParameterError, match="holds no points"):
        locator.codes([1.0, 2.0], crs="wgs84")


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4549", "epsg:3857", "火星坐标系"])
def test_codes_in_every_system(crs: str) -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    x, y = from_wgs84(parse_crs(crs), LON, LAT)
    assert locator.codes(x, y, crs=crs).tolist() == CODES
    assert locator.codes(x[0], y[0], crs=crs) == "C"


def test_no_system_is_assumed_and_bad_positions_are_told_apart() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    with pytest.raises(CrsError, match="no coordinate system is given"):
        locator.codes(120.0, 36.0)
    with pytest.raises(ParameterError, match="look exchanged"):
        locator.codes(36.0005, 120.0005, crs="wgs84")
    with pytest.raises(ParameterError, match="is not a number"):
        locator.codes(float("nan"), 36.0, crs="wgs84")
    assert locator.codes([float("nan"), 500.0, 120.0005], [36.0, 36.0, 36.0005], crs="wgs84").tolist() == [None, None, "C"]
    assert locator.codes(pa.array([120.0005, None]), pa.array([36.0005, 36.0]), crs="wgs84").to_pylist() == ["C", None]
    with pytest.raises(ParameterError, match=r"lat: its shape is \(2,\)"):
        locator.codes([1.0, 2.0, 3.0], [1.0, 2.0], crs="wgs84")
    with pytest.raises(ParameterError, match="holds what is no number"):
        locator.codes(["a"], [1.0], crs="wgs84")
    with pytest.raises(ParameterError, match="there is no level 'town'"):
        locator.codes(1.0, 2.0, crs="wgs84", level="town")  # type: ignore[call-overload]


@settings(max_examples=40, phases=NO_SHRINK)
@given(towns(), st.integers(0, 1 << 32))
def test_codes_of_every_level_are_those_that_locate_gives(town: Town, seed: int) -> None:
    locator = Locator.from_areas(town.tables)
    lon, lat = places(town, seed, 40)
    answers = [locator.locate(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    for level in LEVELS:
        expected = [None if getattr(answer, level) is None else getattr(answer, level).code for answer in answers]
        assert locator.codes(lon, lat, crs="wgs84", level=level).tolist() == expected


# Frames in, frames out


def plain(value: Any) -> Any:
    return None if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) else value


def expected_row(answer: Location, *, with_shares: bool) -> dict[str, Any]:
    """What a row must hold, written out from the answer for one point."""
    row: dict[str, Any] = {"status": answer.status}
    for level in ("grid", "community", "street", "district"):
        ref = getattr(answer, level)
        row[level], row[f"{level}_name"] = (None, None) if ref is None else (ref.code, ref.name)
    row |= {"distance_to_edge_m": answer.distance_to_edge_m, "on_edge": answer.on_edge}
    row["candidates"] = ";".join(candidate.code for candidate in answer.candidates)
    row["nearest"] = answer.nearest.code if answer.nearest else None
    row["nearest_distance_m"] = answer.nearest.distance_m if answer.nearest else None
    row["responsible_unit"] = answer.responsible_unit.code if answer.responsible_unit else None
    row |= {"wgs84_lon": answer.lon, "wgs84_lat": answer.lat, "reason": None}
    if with_shares:
        shares = [f"{candidate.share:.4f}" for candidate in answer.candidates if candidate.share is not None]
        row |= {"candidate_shares": ";".join(shares) or None, "outside_share": answer.outside_share}
    return row


@settings(max_examples=40, phases=NO_SHRINK)
@given(towns(), st.integers(0, 1 << 32), st.sampled_from([None, 0.0, 3.0, 120.0]))
def test_each_row_says_what_locate_says(town: Town, seed: int, accuracy_m: float | None) -> None:
    locator = Locator.from_areas(town.tables, town.roles)
    lon, lat = places(town, seed, 40)
    found = locator.locate_frame(points(lon, lat), accuracy_m=accuracy_m)
    names = ADDED_COLUMNS if accuracy_m is None else (*ADDED_COLUMNS, *SHARE_COLUMNS)
    assert list(found.columns) == ["geometry", *names]
    for row, x, y in zip(found.to_dict("records"), lon.tolist(), lat.tolist(), strict=True):
        expected = expected_row(locator.locate(x, y, accuracy_m), with_shares=accuracy_m is not None)
        for name in names:
            if isinstance(expected[name], float):
                assert row[name] == pytest.approx(expected[name], abs=2e-6), name
            else:
                assert plain(row[name]) == expected[name], name


def test_rows_order_index_and_columns_stay() -> None:
    frame = points(LON, LAT, grid=["mine"] * 4, 案由=[1, 2, 3, 4], gisgrid_status=[0] * 4, status=[9] * 4).set_index(pd.Index([7, 7, 3, 1]))
    found = city().locate_frame(frame, columns=["grid", "status", "street_name"])
    assert list(found.columns) == [
        "grid",
        "案由",
        "gisgrid_status",
        "status",
        "geometry",
        "gisgrid_grid",
        "gisgrid_gisgrid_status",
        "street_name",
    ]
    assert_geodataframe_equal(found[frame.columns], frame)
    assert found.crs == frame.crs
    assert found["gisgrid_grid"].tolist()[:3] == CODES[:3]
    assert found["street_name"].tolist()[:3] == ["West", "East", "West"]
    assert list(frame.columns) == ["grid", "案由", "gisgrid_status", "status", "geometry"]


def test_a_projected_frame_keeps_its_geometry_and_gets_positions_in_wgs84() -> None:
    frame = points(LON, LAT).to_crs(4549)
    found = city().locate_frame(frame)
    assert found.crs == frame.crs
    assert found.geometry.geom_equals_exact(frame.geometry, 0).all()
    assert found["wgs84_lon"].to_numpy() == pytest.approx(LON, abs=1e-9)
    assert found["grid"].tolist()[:3] == CODES[:3]


def test_rows_without_a_position_say_why_and_are_not_dropped() -> None:
    shapes = [shapely.Point(120.0005, 36.0005), None, shapely.Point(), shapely.box(0, 0, 1, 1), shapely.Point(0, 0), shapely.Point(500, 36)]
    shapes += [shapely.Point(36.0005, 120.0005), shapely.Point(530000, 3995000)]
    found = city().locate_frame(geopandas.GeoDataFrame({"id": range(8)}, geometry=shapes, crs=4326))
    assert found["id"].tolist() == list(range(8))
    assert found["status"].tolist() == ["inside", *["no_coordinates"] * 2, "invalid", "no_coordinates", *["invalid"] * 3]
    reasons = [plain(reason) for reason in found["reason"].tolist()]
    assert reasons[0] is None
    for reason, words in zip(reasons[1:], ["missing", "empty", "polygon, not a point", "0, 0", "500", "exchanged", "metres"], strict=True):
        assert words in reason
    empty = found.iloc[1:]
    assert empty[["grid", "candidates", "nearest", "responsible_unit", "distance_to_edge_m", "wgs84_lon"]].isna().all().all()
    assert not empty["on_edge"].any()


def test_a_table_with_coordinates_becomes_a_frame_of_points() -> None:
    table = pd.DataFrame(
        {"经度": ["120.0005", "120.0035 ", None, "x", "", "nan"], "纬度": [36.0005, 36.0005, 36.0, 36.0, None, 36.0], "geometry": ["?"] * 6}
    )
    found = city().locate_frame(table, crs="wgs84", lon="经度", lat="纬度")
    assert found["status"].tolist() == ["inside", "inside", "no_coordinates", "invalid", "no_coordinates", "no_coordinates"]
    assert found["grid"].tolist()[:2] == ["C", "D"]
    assert "经度: 'x' is not a number" in found["reason"].iloc[3]
    assert found["reason"].iloc[4] == "经度 and 纬度 are empty."
    assert found["reason"].iloc[2] == "经度 is empty."
    assert found.geometry.name == "gisgrid_geometry"
    assert found.crs == "EPSG:4326"
    assert found.geometry.iloc[0] == shapely.Point(120.0005, 36.0005)
    assert found.geometry.iloc[2] is None
    with pytest.raises(CrsError, match="no coordinate system is given"):
        city().locate_frame(table, lon="经度", lat="纬度")
    with pytest.raises(ParameterError, match=r"lon: there is no column 'lon'.*经度"):
        city().locate_frame(table, crs="wgs84")
    with pytest.raises(ParameterError, match="dict is no table of points"):
        city().locate_frame({}, crs="wgs84")  # type: ignore[arg-type]


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "EPSG:4549", "cgcs2000"])
def test_a_table_may_be_in_any_system(crs: str) -> None:
    x, y = from_wgs84(parse_crs(crs), LON, LAT)
    found = city().locate_frame(pd.DataFrame({"lon": x, "lat": y}), crs=crs)
    assert found["grid"].tolist()[:3] == CODES[:3]
    assert found["wgs84_lat"].to_numpy() == pytest.approx(LAT, abs=1e-8)
    assert found.geometry.y.to_numpy() == pytest.approx(LAT, abs=1e-8)


def test_degrees_in_a_projected_system_and_a_bad_accuracy_are_told_row_by_row() -> None:
    x, y = from_wgs84(parse_crs("EPSG:4549"), LON, LAT)
    found = city().locate_frame(pd.DataFrame({"lon": [*x[:1], 120.0], "lat": [*y[:1], 36.0]}), crs="EPSG:4549")
    assert found["status"].tolist() == ["inside", "invalid"]
    assert "look like degrees" in found["reason"].iloc[1]
    found = city().locate_frame(points(LON, LAT, r=[5.0, -1.0, None, float("inf")]), accuracy_m="r")
    assert found["status"].tolist() == ["inside", "invalid", "inside", "invalid"]
    assert "is not a distance" in found["reason"].iloc[1]
    assert found["candidate_shares"].iloc[0] == "1.0000"
    assert plain(found["candidate_shares"].iloc[2]) is None
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ParameterError, match="is not a distance"):
            city().locate_frame(points(LON, LAT), accuracy_m=bad)


@settings(max_examples=25, phases=NO_SHRINK)
@given(towns(), st.integers(0, 1 << 32), st.lists(st.sampled_from(ADDED_COLUMNS), min_size=1, max_size=4, unique=True))
def test_chosen_columns_are_those_of_all(town: Town, seed: int, columns: list[str]) -> None:
    locator = Locator.from_areas(town.tables, town.roles)
    frame = points(*places(town, seed, 30))
    every, chosen = locator.locate_frame(frame), locator.locate_frame(frame, columns=columns)
    assert list(chosen.columns) == ["geometry", *columns]
    assert_geodataframe_equal(chosen, every[["geometry", *columns]])


def test_columns_that_cannot_be_added_are_refused() -> None:
    for columns, words in (([], "no list"), ("grid", "no list"), (["colour"], "no column 'colour'"), (["grid", "grid"], "twice")):
        with pytest.raises(ParameterError, match=words):
            city().locate_frame(points(LON, LAT), columns=columns)
    with pytest.raises(ParameterError, match="no column 'outside_share'"):
        city().locate_frame(points(LON, LAT), columns=["outside_share"])


def test_an_empty_frame_and_an_empty_locator_are_no_trouble(tmp_path: Path) -> None:
    found = city().locate_frame(points([], []))
    assert len(found) == 0
    assert list(found.columns) == ["geometry", *ADDED_COLUMNS]
    nowhere = Locator.from_areas({}).locate_frame(points(LON, LAT))
    assert nowhere["status"].tolist() == ["outside"] * 4
    assert nowhere["nearest"].isna().all()
    found = city().locate_frame(points(LON, LAT))
    found.to_file(tmp_path / "a.gpkg")
    found.to_parquet(tmp_path / "a.parquet")
    assert geopandas.read_file(tmp_path / "a.gpkg")["grid"].tolist()[:3] == CODES[:3]
    assert_geodataframe_equal(geopandas.read_parquet(tmp_path / "a.parquet"), found)
