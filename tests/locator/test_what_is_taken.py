"""The Locator in scripts: what is taken as areas, systems and positions, and what is refused with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import pytest
import shapely

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.locator import Locator
from tests.locator.test_frames import CODES, GRIDS, LAT, LON, frame_of, plain

ACROSS = [
    (3832, [shapely.box(3_200_000, -1_900_000, 3_500_000, -1_800_000)]),  # Fiji, on both sides of the 180th meridian
    (3413, [shapely.box(-1e5, -1e5, 1e5, 1e5)]),  # around the north pole
    (3413, [shapely.Polygon([(-1e5, 0), (1e5, 0), (0, 1e5)])]),  # an edge through it
    (3031, [shapely.box(-1e5, -1e5, 1e5, 1e5), shapely.box(2e6, 1e6, 2.1e6, 1.1e6)]),
    (3832, [shapely.MultiPolygon([shapely.box(0, 0, 1e5, 1e5), shapely.box(3_200_000, -1_900_000, 3_500_000, -1_800_000)])]),
]


@pytest.mark.parametrize(("crs", "shapes"), ACROSS)
def test_areas_across_the_180th_meridian_or_around_a_pole_are_refused(crs: int, shapes: list[Any]) -> None:
    frame = geopandas.GeoDataFrame(
        {"code": [f"{k}" for k in range(len(shapes))]}, geometry=shapes, crs=crs, index=["a", "b"][: len(shapes)]
    )
    with pytest.raises(SourceError, match=r"Row a has edges across the 180th meridian or around a pole"):
        Locator.from_geodataframe(frame)


def test_areas_on_both_sides_of_the_180th_meridian_and_all_around_the_world_are_taken() -> None:
    west, east = shapely.box(3_200_000, -1_900_000, 3_300_000, -1_800_000), shapely.box(3_400_000, -1_900_000, 3_500_000, -1_800_000)
    fiji = geopandas.GeoDataFrame({"code": ["f"]}, geometry=[shapely.MultiPolygon([west, east])], crs=3832)
    locator = Locator.from_geodataframe(fiji)
    for x, code in ((3_250_000, "f"), (3_350_000, None), (3_450_000, "f")):
        assert locator.codes(x, -1_850_000, crs="EPSG:3832") == code
    wide = geopandas.GeoDataFrame({"code": ["w"]}, geometry=[shapely.box(-179, -80, 179, 80)], crs=4326)
    for frame in (wide, wide.to_crs(3857), wide.to_crs(4214)):
        assert Locator.from_geodataframe(frame).codes(10.0, 10.0, crs="wgs84") == "w"


OWN_4549 = pyproj.CRS("+proj=tmerc +lon_0=120 +k=1 +x_0=500000 +ellps=GRS80 +units=m +type=crs")


@pytest.mark.parametrize("crs", [4549, pyproj.CRS(4549), "EPSG:4549", parse_crs("EPSG:4549"), OWN_4549])
def test_a_system_may_be_given_as_geopandas_takes_it(crs: Any) -> None:
    frame = frame_of().to_crs(4549)
    locator = Locator.from_geodataframe(frame.set_crs(None, allow_override=True), crs=crs)
    x, y = from_wgs84(parse_crs("EPSG:4549"), LON, LAT)
    assert locator.codes(x, y, crs=crs).tolist() == CODES
    assert locator.codes(float(x[0]), float(y[0]), crs=crs) == "C"
    assert locator.codes(shapely.points(x, y), crs=crs).tolist() == CODES
    assert locator.locate_frame(pd.DataFrame({"lon": x, "lat": y}), crs=crs)["grid"].tolist()[:3] == CODES[:3]


def test_columns_of_different_tables_are_not_paired_by_their_places() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    with pytest.raises(ParameterError, match="its index is not that of lon"):
        locator.codes(pd.Series(LON[:2], index=[1, 2]), pd.Series(LAT[:2], index=[2, 1]), crs="wgs84")


def test_grid_indices_take_a_system_too() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    x, y = from_wgs84(parse_crs("EPSG:4549"), LON, LAT)
    expected = locator.grid_indices(LON, LAT).tolist()
    assert [locator.grid_codes()[number] for number in expected[:3]] == CODES[:3]
    systems: list[Any] = [4549, np.int64(4549), pyproj.CRS(4549), "EPSG:4549", OWN_4549]
    for crs in systems:
        assert locator.grid_indices(x, y, crs).tolist() == expected
    bad: Any
    for bad, said in ((4549.0, "is a float, which names no"), (True, "is a bool, which names no"), (99999, "not in the EPSG register")):
        with pytest.raises(CrsError, match=said):
            locator.codes(LON, LAT, crs=bad)
    assert locator.grid_indices([np.nan, np.inf, 500.0, 36.0005], [36.0, 36.0, 36.0, 120.0005]).tolist() == [-1] * 4


def test_a_locator_says_what_it_holds_and_an_empty_frame_is_refused() -> None:
    west = geopandas.GeoDataFrame({"code": ["w"]}, geometry=[shapely.box(120.0, 36.0, 120.002, 36.004)], crs=4326)
    made = Locator.from_frames({"grid": frame_of(), "community": west})
    bounds = "120.000000, 36.000000, 120.004000, 36.004000"
    assert repr(made) == f"<Locator areas: community=1, grid=4; bounds: {bounds}; data version: not known>"
    assert repr(Locator.from_areas({})) == "<Locator areas: none; bounds: none; data version: not known>"
    with pytest.raises(SourceError, match=r"The frame has no rows\. See whether"):
        Locator.from_geodataframe(frame_of().iloc[:0])


@pytest.mark.parametrize("place", [("120.0005", "36.0005"), (None, None), ("x", 36.0), (120.0, None)])
def test_a_single_position_is_two_numbers(place: tuple[Any, Any]) -> None:
    with pytest.raises(ParameterError):
        Locator.from_areas({"grid": GRIDS}).codes(*place, crs="wgs84")


@pytest.mark.parametrize("text", [["120.0005"], np.array(["120.0005"]), pd.Series(["120.0005"]), pa.array(["120.0005"]), [True], [b"120"]])
def test_text_and_truth_are_no_numbers_in_lists_either(text: Any) -> None:
    with pytest.raises(ParameterError, match="holds what is no number"):
        Locator.from_areas({"grid": GRIDS}).codes(text, [36.0005], crs="wgs84")


def test_numbers_of_any_kind_are_numbers() -> None:
    locator = Locator.from_areas({"grid": GRIDS})
    holders: list[Any] = [
        [Decimal("120.0005"), None],
        pd.Series([120.0005, pd.NA], dtype="Float64"),
        pd.Series([120.0005, None], dtype=object),
        pa.array([Decimal("120.0005"), None]),
        pa.array([120.0005, None]).dictionary_encode(),
        np.array([120.0005, np.nan], dtype=np.float32),
    ]
    for holder in holders:
        assert [plain(code) for code in pa.array(locator.codes(holder, [36.0005, 36.0005], crs="wgs84")).to_pylist()] == ["C", None]
    for bad, said in ((([1.0, 2.0, 3.0], [1.0, 2.0]), "its shape is"), ((["x"], [1.0]), "no number")):
        for ask in (locator.grid_indices, locator.locate_many):
            with pytest.raises(ParameterError, match=said):
                ask(*bad)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (("120.0005", "36.0005"), "no position"),
        ((pd.NA, 36.0), "no position"),
        ((10**400, 36.0), "no position"),
        ((np.array([120.0, 121.0]), 36.0), "no position"),
        ((float("nan"), 36.0), "is not a number"),
        ((120.0, float("inf")), "is not a number"),
        ((36.0005, 120.0005), "look exchanged"),
        ((200.0, 10.0), "out of range"),
        ((None, None), "no position"),
        (("x", 36.0), "no position"),
    ],
)
def test_locate_refuses_what_is_no_position(place: tuple[Any, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        Locator.from_areas({"grid": GRIDS}).locate(*place)
