"""A snapshot that has caught up holds what one read anew holds, after any edits."""

from __future__ import annotations

import gc
import weakref
from datetime import UTC, datetime

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.addresses.parsers import parser_of
from gisgrid.db import Database, reading
from gisgrid.db.changes import Change
from gisgrid.deployment import load_deployment
from gisgrid.services import ReadModel
from gisgrid.services.snapshot import Snapshot, catch_up, read_snapshot, touched_by
from gisgrid.settings import Settings
from gisgrid.types import Bounds

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DOUBT_M = 0.5
AROUND = (120.3690, 36.0790, 120.3860, 36.0890)


def _read(town: Database, before: Snapshot | None = None) -> Snapshot:
    with reading.snapshot(town) as connection:
        if before is None:
            return read_snapshot(connection, town, DOUBT_M, parser_of(load_deployment("shibei")))
        return catch_up(connection, town, DOUBT_M, before)


def _assert_alike(one: Snapshot, other: Snapshot) -> None:
    assert one.position.version == other.position.version
    assert one.roles == other.roles
    for layer_id, index in other.points.items():
        mine = one.points[layer_id].table
        assert (mine.ids, mine.codes, mine.rows) == (index.table.ids, index.table.codes, index.table.rows), layer_id
        assert np.array_equal(mine.lon, index.table.lon)
        assert np.array_equal(mine.lat, index.table.lat)
    mine_b, other_b = one.footprints.table, other.footprints.table
    assert (mine_b.ids, mine_b.codes, mine_b.rows) == (other_b.ids, other_b.codes, other_b.rows)
    assert [shape.wkb for shape in mine_b.geometries] == [shape.wkb for shape in other_b.geometries]
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(AROUND[0], AROUND[2], 150), rng.uniform(AROUND[1], AROUND[3], 150)
    for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
        assert one.locator.locate(x, y, 30.0) == other.locator.locate(x, y, 30.0)
        rows = [row for row, _, _ in other.points["cameras"].nearest_rows(x, y, 3)]
        assert one.sight.look(x, y, rows) == other.sight.look(x, y, rows)
        assert one.points["manhole_covers"].nearest(x, y, 4) == other.points["manhole_covers"].nearest(x, y, 4)
        assert one.footprints.at(x, y, 5.0) == other.footprints.at(x, y, 5.0)


EDITS = (
    "UPDATE gisgrid.cameras SET geom = ST_SetSRID(ST_MakePoint({x}, {y}), 4326) WHERE code = 'C{n}'",
    "UPDATE gisgrid.cameras SET name = 'seen {x}' WHERE code IN ('C{n}', 'C1')",
    "INSERT INTO gisgrid.cameras (code, geom) VALUES ('N{x}-{n}', ST_SetSRID(ST_MakePoint({x}, {y}), 4326)) ON CONFLICT DO NOTHING",
    "DELETE FROM gisgrid.cameras WHERE code = 'C{n}'",
    "UPDATE gisgrid.components SET geom = ST_Translate(geom, 0.0003, -0.0002) WHERE code LIKE '%{n}'",
    "UPDATE gisgrid.components SET class_code = '0118' WHERE code LIKE '%7{n}'",
    "UPDATE gisgrid.components SET retired_at = now() WHERE code LIKE '%{n}5'",
    "UPDATE gisgrid.buildings SET height_m = 10 + {n} WHERE code LIKE 'B%{n}'",
    "UPDATE gisgrid.buildings SET geom = ST_Multi(ST_Translate(geom, 0.0001, 0.0001)) WHERE code = 'B{n}'",
    "DELETE FROM gisgrid.buildings WHERE code = 'B1{n}'",
    "UPDATE gisgrid.grids SET name = 'grid {x}' WHERE code LIKE '%00{n}'",
    "UPDATE gisgrid.grids SET geom = ST_Multi(ST_Translate(geom, 0.0001, 0)) WHERE code = '37020300100100' || {n}",
    "UPDATE gisgrid.communities SET name = 'community {y}' WHERE code LIKE '%{n}'",
    "UPDATE gisgrid.streets SET parent_code = NULL WHERE code = '37020300{n}'",
    "UPDATE gisgrid.organizations SET name = 'unit {x}' WHERE code = 'U{n}'",
    "DELETE FROM gisgrid.area_roles WHERE area_level = 'street' AND area_code = '37020300{n}'",
    "DELETE FROM gisgrid.grids WHERE code = '37020300200300' || {n}",
)


@pytest.mark.parametrize("seed", range(4))
def test_catching_up_gives_what_reading_anew_gives(own_town: Database, seed: int) -> None:
    rng = np.random.default_rng(seed)
    snapshot = _read(own_town)
    for _ in range(5):
        with own_town.connect() as connection:
            for number in rng.choice(len(EDITS), size=int(rng.integers(1, 5)), replace=False):
                x, y = rng.uniform(AROUND[0], AROUND[2]), rng.uniform(AROUND[1], AROUND[3])
                connection.execute(EDITS[number].format(x=f"{x:.7f}", y=f"{y:.7f}", n=int(rng.integers(0, 10))).encode())
        snapshot = _read(own_town, snapshot)
        _assert_alike(snapshot, _read(own_town))


def test_what_has_not_changed_is_taken_over(own_town: Database) -> None:
    before = _read(own_town)
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras SET name = 'other' WHERE code = 'C1'")
    after = _read(own_town, before)
    assert after.points["cameras"] is not before.points["cameras"]
    assert after.points["manhole_covers"] is before.points["manhole_covers"]
    assert (after.locator, after.footprints) == (before.locator, before.footprints)
    assert after.sights is not before.sights
    again = _read(own_town, after)
    # The feed's position moves with transactions of other databases on the server too.
    assert again == after._replace(position=again.position)


def test_only_rows_that_are_touched_are_read(own_town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before, read, read_points = _read(own_town), [], reading.read_points

    def counting(connection: psycopg.Connection, layer_id: str, within: object = None) -> object:
        table = read_points(connection, layer_id, within)  # type: ignore[arg-type]
        read.append(len(table.ids))
        return table

    monkeypatch.setattr(reading, "read_points", counting)
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.components SET state = 'broken' WHERE code = '3702030102000007'")
    after = _read(own_town, before)
    assert read == [1]
    assert len(after.points["manhole_covers"]) == len(before.points["manhole_covers"])


def test_what_has_been_replaced_goes_without_waiting_for_the_collector(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    model.refresh()
    before = model.snapshot
    parts = (before.locator, before.areas["grid"], before.points["cameras"], before.footprints, before.sight)
    known = [weakref.ref(part) for part in parts]
    del before, parts
    gc.collect()
    gc.disable()
    try:
        with own_town.connect() as connection:
            for edited in ("cameras", "buildings", "grids"):
                connection.execute(f"UPDATE gisgrid.{edited} SET name = 'other'".encode())
        model.refresh()
        assert [found() for found in known] == [None] * len(known)
    finally:
        gc.enable()


def test_changes_without_a_place_are_everywhere() -> None:
    box = Bounds(1.0, 2.0, 3.0, 4.0)
    changes = [Change(1, "cameras", box, NOW, 1), Change(2, "cameras", None, NOW, 1), Change(3, "grids", box, NOW, 1)]
    assert touched_by(changes) == {"cameras": None, "grids": (box,)}
    assert touched_by(changes[::-1]) == {"cameras": None, "grids": (box,)}


def test_changes_of_how_rows_are_drawn_touch_nothing_that_is_looked_up() -> None:
    box = Bounds(1.0, 2.0, 3.0, 4.0)
    assert touched_by([Change(1, "grids", box, NOW, 0), Change(2, "streets", box, NOW, 1)]) == {"streets": (box,)}
    assert touched_by([Change(1, "grids", None, NOW, 0)]) == {"grids": None}


BOXES = st.tuples(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 1), st.floats(0, 1))


@given(boxes=st.lists(BOXES, min_size=1, max_size=300))
def test_however_many_changes_all_their_places_are_in_a_few_boxes(boxes: list[tuple[float, float, float, float]]) -> None:
    bounds = [Bounds(x, y, x + width, y + height) for x, y, width, height in boxes]
    [found] = touched_by([Change(1, "cameras", box, NOW, 1) for box in bounds]).values()
    assert found is not None
    assert len(found) <= 64
    for box in bounds:
        assert any(f.west <= box.west and f.south <= box.south and box.east <= f.east and box.north <= f.north for f in found)
