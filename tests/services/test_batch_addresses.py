"""Batches of rows with an address: what has no coordinates is located by it, and each row is told what was found."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from gisgrid.crs import parse_crs
from gisgrid.db import Database
from gisgrid.errors import ParameterError
from gisgrid.services.batch.addressed import AddressedEngine
from gisgrid.services.batch.columns import OF_ADDRESS
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.plan import BatchPlan, make_plan
from tests.forks import gisgrid
from tests.services.blocks import BOX, SOUTH, STEP, WEST, areas

HERE = WEST + 0.4 * STEP, SOUTH + 0.3 * STEP
THERE = WEST + 1.4 * STEP, SOUTH + 0.3 * STEP
KNOWN = {"here": HERE, "there": THERE}


def geocode(texts: Sequence[str | None]) -> Mapping[str, pa.Array]:
    """Find two addresses and no others; each text must be asked for once."""
    assert len(set(texts)) == len(texts)
    places = [KNOWN.get(text or "") for text in texts]
    return {
        "lon": pa.array([place and place[0] for place in places], pa.float64()),
        "lat": pa.array([place and place[1] for place in places], pa.float64()),
        "uncertainty_m": pa.array([place and 5.0 for place in places], pa.float64()),
        "confidence": pa.array([place and 0.9 for place in places], pa.float64()),
        "level": pa.array([place and "door_plate" for place in places], pa.string()),
        "match_type": pa.array([place and "exact" for place in places], pa.string()),
        "normal": pa.array([(text or "").upper() for text in texts], pa.string()),
    }


def answer(rows: dict[str, Any], crs: str | None = "wgs84", wrong: Mapping[int, str] | None = None, **options: Any) -> list[dict[str, Any]]:
    """Return the answers to rows whose address is in ``where``."""
    batch = pa.RecordBatch.from_pydict(rows)
    engine = AddressedEngine(areas(), BOX, make_plan(crs, address="where", **options), geocode, 7).for_columns(batch.schema.names)
    answers = engine.answer(batch, wrong)
    answers.validate(full=True)
    assert answers.schema.names == list(engine.plan.columns)
    found: list[dict[str, Any]] = answers.to_pylist()
    return found


def test_a_row_without_coordinates_is_located_by_its_address() -> None:
    rows = {"lon": [HERE[0], None, None, None], "lat": [HERE[1], None, None, None], "where": ["there", "there", "nowhere", None]}
    own, by_address, unknown, nothing = answer(rows)
    assert (own["position_from"], own["grid"]) == ("position", "370203001001000")
    assert own["address_distance_m"] == pytest.approx(STEP * 90_000, rel=0.05)
    assert (by_address["position_from"], by_address["status"]) == ("address", "inside")
    assert by_address["grid"] != own["grid"]
    assert (by_address["wgs84_lon"], by_address["address_lon"]) == (THERE[0], THERE[0])
    assert by_address["address_distance_m"] is None
    assert (by_address["address_level"], by_address["address_match_type"], by_address["address_confidence"]) == ("door_plate", "exact", 0.9)
    assert (unknown["status"], unknown["position_from"], unknown["address_normal"]) == ("no_coordinates", None, "NOWHERE")
    assert (nothing["status"], nothing["address_normal"], nothing["address_lon"]) == ("no_coordinates", None, None)


def test_what_is_said_of_positions_is_what_a_batch_without_addresses_says() -> None:
    rows = {"lon": [HERE[0], THERE[0], 0.0, 999.0], "lat": [HERE[1], THERE[1], 0.0, 36.0], "where": ["", "", "", ""]}
    batch = pa.RecordBatch.from_pydict(rows)
    plain = Engine(areas(), BOX, make_plan("wgs84")).answer(batch).to_pylist()
    assert [{name: row[name] for name in plain[0]} for row in answer(rows)] == plain


def test_an_input_may_have_addresses_alone() -> None:
    found = answer({"where": ["here", "there", "here"]}, crs=None)
    assert [row["status"] for row in found] == ["inside"] * 3
    assert found[0] == found[2] != found[1]


def test_a_row_that_cannot_be_read_stays_so() -> None:
    (row,) = answer({"lon": [None], "lat": [None], "where": ["here"]}, wrong={0: "half a row"})
    assert (row["status"], row["reason"]) == ("invalid", "half a row")


def test_columns_are_chosen_and_ordered() -> None:
    (row,) = answer({"where": ["here"]}, crs=None, columns=["address_level", "grid", "position_from"])
    assert list(row.items()) == [("address_level", "door_plate"), ("grid", "370203001001000"), ("position_from", "address")]


def test_positions_in_no_named_system_are_refused() -> None:
    with pytest.raises(ParameterError, match="no coordinate system is given"):
        answer({"lon": [HERE[0]], "lat": [HERE[1]], "where": ["here"]}, crs=None)
    with pytest.raises(ParameterError, match="lat"):
        answer({"lon": [HERE[0]], "where": ["here"]})
    with pytest.raises(ParameterError, match="address"):
        AddressedEngine(areas(), BOX, make_plan("wgs84", address="where"), geocode, 7).for_columns(["lon", "lat"])


def test_columns_of_addresses_need_one() -> None:
    with pytest.raises(ParameterError, match="without --address"):
        make_plan("wgs84", columns=["address_level"])
    assert make_plan("wgs84").columns == BatchPlan().columns
    assert set(OF_ADDRESS) < set(make_plan("wgs84", address="where").columns)


def test_the_data_are_told_apart_by_what_is_known_of_addresses() -> None:
    plan = make_plan("gcj02", address="where")
    one, other = (AddressedEngine(areas(), BOX, plan, geocode, version) for version in (1, 2))
    assert one.data != other.data
    assert one.with_crs(parse_crs("bd09")).plan.crs == parse_crs("bd09")


def test_the_command_finds_addresses_in_what_is_served(town: Database) -> None:
    rows = "id,address,lon,lat\n1,市北区延安路1号,,\n2,延安路与辽宁路路口,120.3712,36.0812\n3,,,\n"
    environment = {"GISGRID_DATABASE_URL": town.url}
    options = ["--address", "address", "--crs", "wgs84", "--input-format", "csv", "--columns", "status,grid,position_from,address_level"]
    done = gisgrid(["batch", "-", "-", *options], environment, rows.encode())
    assert done.returncode == 0, done.stderr.decode()
    found = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert [row["position_from"] for row in found] == ["address", "position", ""]
    assert [row["address_level"] for row in found] == ["door_plate", "crossing", ""]
    assert [row["status"] for row in found] == ["inside", "inside", "no_coordinates"]
    refused = gisgrid(
        ["batch", "-", "-", "--address", "address", "--input-format", "csv", "--as-of", "2026-01-01"], environment, b"address\n"
    )
    assert refused.returncode == 2
    assert b"served now" in refused.stderr
