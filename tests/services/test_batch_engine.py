"""The engine of a batch: rows of any type in, the same answers as one at a time out."""

from __future__ import annotations

import decimal
import math
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError
from gisgrid.services.batch import ADDED, SHARES, BatchPlan, Engine
from gisgrid.services.batch.numbers import read_numbers
from gisgrid.services.coordinates import read_coordinate
from gisgrid.types import Location
from tests.services.blocks import BOX, SOUTH, STEP, WEST, areas, engine

GOOD_LON, GOOD_LAT = WEST + 0.4 * STEP, SOUTH + 0.3 * STEP


def answer(rows: dict[str, Any], crs: str | None = "wgs84", **options: object) -> list[dict[str, Any]]:
    batch = pa.RecordBatch.from_pydict(rows)
    answers = engine(crs, **options).answer(batch)
    assert answers.num_rows == batch.num_rows
    answers.validate(full=True)
    found: list[dict[str, Any]] = answers.to_pylist()
    return found


def expected(location: Location) -> dict[str, Any]:
    """Return the columns of an answer, written without the batch."""
    row: dict[str, Any] = {"status": location.status, "on_edge": location.on_edge, "reason": None}
    for level in ("grid", "community", "street", "district"):
        ref = getattr(location, level)
        row |= {level: ref and ref.code, f"{level}_name": ref and ref.name}
    row["candidates"] = ";".join(candidate.code for candidate in location.candidates)
    row["nearest"] = location.nearest and location.nearest.code
    row["responsible_unit"] = location.responsible_unit and location.responsible_unit.code
    row["distance_to_edge_m"] = pytest.approx(location.distance_to_edge_m, abs=2e-3)
    row["nearest_distance_m"] = location.nearest and pytest.approx(location.nearest.distance_m, abs=2e-3)
    row |= {"wgs84_lon": pytest.approx(location.lon, abs=1e-12), "wgs84_lat": pytest.approx(location.lat, abs=1e-12)}
    return row


# On the lattice of the grids' corners, a hair beside it, and anywhere near and far.
near = st.integers(-4, 20).map(lambda k: k / 4)
offsets = st.sampled_from([0.0, 1e-9, -1e-9, 2e-6, -2e-6])
lon = st.builds(lambda k, off: WEST + k * STEP + off, near, offsets) | st.floats(120.0, 121.0)
lat = st.builds(lambda k, off: SOUTH + k * STEP + off, near, offsets) | st.floats(35.5, 36.5)


@given(st.lists(st.tuples(lon, lat), min_size=1, max_size=40))
def test_every_row_says_what_a_single_lookup_says(places: list[tuple[float, float]]) -> None:
    rows = answer({"lon": [x for x, _ in places], "lat": [y for _, y in places]})
    assert rows == [expected(areas().locate(x, y)) for x, y in places]


_FEW = st.lists(st.sampled_from(ADDED), min_size=1, max_size=4, unique=True)
_OF_GRID = st.lists(st.sampled_from(["status", "grid", "grid_name", "on_edge", "reason"]), min_size=1, max_size=3, unique=True)


@given(st.lists(st.tuples(lon, lat), min_size=1, max_size=40), _FEW | _OF_GRID, st.sampled_from(["wgs84", "cgcs2000", "gcj02"]))
def test_a_column_says_the_same_whichever_others_are_wanted(places: list[tuple[float, float]], columns: list[str], crs: str) -> None:
    rows = {"lon": [x for x, _ in places], "lat": [y for _, y in places]}
    whole = answer(rows, crs)
    close = {"distance_to_edge_m", "nearest_distance_m", "wgs84_lon", "wgs84_lat"}
    for part, row in zip(answer(rows, crs, columns=columns), whole, strict=True):
        # Positions that are converted one by one and in arrays agree to some micrometres.
        same = {
            name: pytest.approx(row[name], abs=1e-5 if name.endswith("_m") else 1e-9) if name in close else row[name] for name in columns
        }
        assert part == {name: None if row[name] is None else same[name] for name in columns}


@given(st.lists(st.tuples(lon, lat, st.sampled_from([None, 0.0, 3.0, 60.0, 400.0])), min_size=1, max_size=25))
def test_with_an_accuracy_too(places: list[tuple[float, float, float | None]]) -> None:
    rows = answer({"lon": [p[0] for p in places], "lat": [p[1] for p in places], "r": [p[2] for p in places]}, accuracy_column="r")
    for row, (x, y, radius) in zip(rows, places, strict=True):
        single = areas().locate(x, y, radius or None)
        shares = [candidate.share for candidate in single.candidates if candidate.share is not None]
        assert row.pop("candidate_shares") == (";".join(f"{share:.4f}" for share in shares) or None)
        assert row.pop("outside_share") == (None if single.outside_share is None else pytest.approx(single.outside_share, abs=1e-9))
        assert row == expected(single)


def test_one_accuracy_for_all_rows_holds_where_a_row_has_none_of_its_own() -> None:
    rows = {"lon": [GOOD_LON] * 4, "lat": [GOOD_LAT] * 4, "r": ["", "0", "150", "-3"]}
    found = answer(rows, accuracy_m=5.0, accuracy_column="r")
    assert [row["candidate_shares"] for row in found[:2]] == ["1.0000", None]
    assert ";" in found[2]["candidates"]
    assert (found[3]["status"], found[3]["reason"]) == ("invalid", "r: '-3' is no distance in metres.")
    assert answer({"lon": [GOOD_LON], "lat": [GOOD_LAT]}, accuracy_m=5.0)[0]["outside_share"] == 0.0


COLUMNS = [
    pa.array([120.3722, None, math.nan]),
    pa.array([120.3722, None, math.nan], pa.float32()).cast(pa.float64()),
    pa.array([decimal.Decimal("120.3722"), None, None]),
    pa.array(["120.3722", None, "无"]),
    pa.array(["１２０.３７２２", "", "-"]).dictionary_encode(),
    pa.array(["120.3722°", "", "null"], pa.large_string()),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
def test_coordinates_may_be_of_any_type(column: pa.Array) -> None:
    rows = answer({"lon": column, "lat": pa.array([36.0819] * 3)})
    assert rows[0]["grid"] == "370203001001001"
    assert [(row["status"], row["reason"]) for row in rows[1:]] == [("no_coordinates", "lon is empty.")] * 2


def test_what_is_no_number_is_refused_in_its_place() -> None:
    rows = answer({"lon": [True, None], "lat": [36.0, 36.0]})
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("invalid", "lon: 'True' is not a number."),
        ("no_coordinates", "lon is empty."),
    ]
    rows = answer({"lon": pa.array([WEST * 1000]).cast(pa.int64()), "lat": pa.array([36])})
    assert rows[0]["status"] == "invalid"


cells = (
    st.floats(-400, 400).map(repr)
    | st.sampled_from(
        [
            "",
            " ",
            "无",
            "-",
            "nan",
            "inf",
            "1e999",
            "0",
            "１２０",
            "120.5°",
            "E120.5",
            "12o",
            "0x10",
            "1_0",
            "+1.5",
            ".5",
            "5.",
            "--1",
            None,
        ]
    )
    | st.text(max_size=6)
)


@given(st.lists(cells, max_size=12))
def test_a_column_of_text_is_read_as_cell_by_cell(column: list[str | None]) -> None:
    numbers = read_numbers(pa.array(column, pa.string()))
    for k, cell in enumerate(column):
        try:
            value = None if cell is None else read_coordinate(cell)
        except ValueError:
            assert numbers.wrong[k]
            assert not numbers.missing[k]
            continue
        assert not numbers.wrong[k]
        assert numbers.missing[k] == (value is None)
        assert numbers.value[k] == value or (value is None and np.isnan(numbers.value[k]))


def test_each_row_may_have_its_own_system() -> None:
    systems = ["gcj02", " GCJ-02 ", "bd09", None, "EPSG:4549", "mars2", ""]
    place = (GOOD_LON, GOOD_LAT)
    pairs = [from_wgs84(parse_crs(name.strip()), *place) if name and name != "mars2" else place for name in systems]
    rows = {"x": [x for x, _ in pairs], "y": [y for _, y in pairs], "系统": systems}
    found = answer(rows, "wgs84", lon="x", lat="y", crs_column="系统")
    assert [row["grid"] for row in found] == [None if name == "mars2" else "370203001001000" for name in systems]
    assert "'mars2'" in found[5]["reason"]
    found = answer(rows, None, lon="x", lat="y", crs_column="系统")
    assert [row["status"] for row in found] == ["inside", "inside", "inside", "invalid", "inside", "invalid", "invalid"]


def test_several_names_of_one_system_leave_every_row_in_its_place() -> None:
    places = {"lon": [GOOD_LON, GOOD_LON + 5.0, GOOD_LON, GOOD_LON + 5.0, 0.0, 0.5], "lat": [GOOD_LAT] * 4 + [99.0, GOOD_LAT]}
    for count in (4, 6):
        rows = {name: values[:count] for name, values in places.items()}
        system = {"system": ["gcj02", "GCJ-02", "GCJ-02", "gcj02", "gcj02", "GCJ-02"][:count]}
        assert answer(rows | system, None, crs_column="system") == answer(rows, "gcj02")


@pytest.mark.parametrize(
    ("crs", "x", "y", "says"),
    [
        ("wgs84", SOUTH, WEST, "exchanged"),
        ("gcj02", SOUTH, WEST, "exchanged"),
        ("wgs84", 533747.2, 3995272.3, "projected system"),
        ("EPSG:4549", 120.37, 36.08, "look like degrees"),
        ("EPSG:4549", 3995272.3, 533747.2, "exchanged"),
        ("wgs84", math.inf, 36.0, "not a number"),
        ("wgs84", 190.0, 36.0, "out of range"),
    ],
)
def test_positions_that_cannot_be_meant_say_so(crs: str, x: float, y: float, says: str) -> None:
    good = from_wgs84(parse_crs(crs), GOOD_LON, GOOD_LAT)
    rows = answer({"lon": [good[0], x, good[0]], "lat": [good[1], y, good[1]]}, crs)
    assert [row["status"] for row in rows] == ["inside", "invalid", "inside"]
    assert says in rows[1]["reason"]


def test_rows_known_to_be_wrong_are_left_alone() -> None:
    batch = pa.RecordBatch.from_pydict({"lon": [GOOD_LON, None], "lat": [GOOD_LAT, 1.0]})
    found = engine().answer(batch, {0: "torn", 1: "torn"}).to_pylist()
    assert [(row["status"], row["reason"], row["grid"]) for row in found] == [("invalid", "torn", None)] * 2


def test_far_away_is_outside_with_the_nearest_grid() -> None:
    [row] = answer({"lon": [0.0], "lat": [51.5]})
    single = areas().locate(0.0, 51.5)
    assert row == expected(single)


def test_columns_can_be_chosen_and_none_is_made_up() -> None:
    [row] = answer({"lon": [GOOD_LON], "lat": [GOOD_LAT]}, columns=["wgs84_lat", "grid"])
    assert list(row) == ["wgs84_lat", "grid"]
    assert list(answer({"lon": [], "lat": []})) == []
    for wanted, says in ((["trees"], "no column 'trees'"), (["grid", "grid"], "twice"), ([], "none")):
        with pytest.raises(ParameterError, match=says):
            engine(columns=wanted)
    assert engine().schema.names == list(ADDED)
    assert engine(accuracy_m=1.0).schema.names == [*ADDED, *SHARES]


def test_a_plan_without_a_system_is_none() -> None:
    with pytest.raises(CrsError, match="none is assumed"):
        Engine(areas(), BOX, BatchPlan())


def test_an_engine_can_be_sent_to_another_process() -> None:
    rows = pa.RecordBatch.from_pydict({"lon": [GOOD_LON, 0.0, WEST], "lat": [GOOD_LAT, 51.5, SOUTH]})
    here = engine("gcj02", accuracy_m=30.0)
    there: Engine = pickle.loads(pickle.dumps(here))
    assert there.answer(rows).equals(here.answer(rows))


def test_gcj02_is_taken_back_exactly() -> None:
    crs = parse_crs("gcj02")
    x, y = from_wgs84(crs, GOOD_LON, GOOD_LAT)
    [row] = answer({"lon": [x], "lat": [y]}, "gcj02")
    assert (row["wgs84_lon"], row["wgs84_lat"]) == pytest.approx((GOOD_LON, GOOD_LAT), abs=1e-9)
