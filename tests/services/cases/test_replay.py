"""Deciding again after areas or rules have changed names exactly the cases that would be different."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import LiteralString

import pytest

from gisgrid.db import Database
from gisgrid.db.generations import activate
from tests.services.conftest import Run

# The border between the first two columns of grids moves about 90 m to the east, in the lower row only.
_DRAFT: LiteralString = """
INSERT INTO gisgrid.generations (id, status, completed_at, checked_at) VALUES (2, 'draft', now(), now());
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 2, level, code, name, parent_code, area_m2, CASE code
    WHEN '370203001001001' THEN ST_Multi(ST_MakeEnvelope(120.370, 36.080, 120.376, 36.084, 4326))
    WHEN '370203001002001' THEN ST_Multi(ST_MakeEnvelope(120.376, 36.080, 120.380, 36.084, 4326))
    ELSE geom END
FROM gisgrid.areas WHERE generation_id = 1;
"""
# What PostGIS says of it, in both generations; the smallest code holds on an edge.
_MOVED: LiteralString = """
SELECT number FROM gisgrid.cases_all c
WHERE (SELECT min(code) FROM gisgrid.areas a WHERE generation_id = 1 AND level = 'grid' AND ST_Covers(a.geom, c.geom)) IS DISTINCT FROM
      (SELECT min(code) FROM gisgrid.areas a WHERE generation_id = 2 AND level = 'grid' AND ST_Covers(a.geom, c.geom))
"""

_COVER: LiteralString = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, state, owner_code, geom)
VALUES (%s, 'CJ/T 214', '2007', '0102', '污水井盖', 'intact', 'W1', ST_SetSRID(ST_MakePoint(%s, %s), 4326))
"""


@pytest.fixture
def day(own_town: Database, run_on: Callable[[Database], Run], tmp_path: object) -> tuple[Database, Run]:
    """A town with a day of cases on a lattice, some of them on the old border and on the new one."""
    with own_town.connect() as connection:
        connection.execute("DELETE FROM gisgrid.cases_all")
    rows = ["number,time,source,category,address,lon,lat,crs"]
    for number in range(200):
        lon, lat = 120.3695 + 0.0005 * (number % 25), 36.0805 + 0.001 * (number // 25)
        rows.append(f"k{number},2026-11-02 {number % 24:02d}:00:00,12345热线,暴露垃圾,,{lon:.4f},{lat:.4f},wgs84")
    file = f"{tmp_path}/day.csv"
    with open(file, "w", encoding="utf-8") as out:
        out.write("\n".join(rows))
    run = run_on(own_town)
    code, text, said = run("cases", "load", file)
    assert code == 0, text + said
    return own_town, run


def replayed(run: Run, *more: str) -> list[dict[str, object]]:
    """Return what a replay of the day names."""
    code, text, said = run("cases", "replay", "--since", "2026-11-02", "--until", "2026-11-03", "--json", *more)
    assert code == 0, said
    return [json.loads(line) for line in text.splitlines()]


def test_exactly_the_cases_are_named_whose_grid_is_another_after_areas_are_activated(day: tuple[Database, Run]) -> None:
    database, run = day
    assert replayed(run) == []
    with database.connect() as connection:
        connection.execute(_DRAFT)
        activate(connection, 2)
    with database.connect() as connection:
        moved = {number for (number,) in connection.execute(_MOVED).fetchall()}
    named = replayed(run)
    assert {one["number"] for one in named} == moved
    assert len(moved) >= 4
    assert all(one["before"] != one["after"] and "grid" in one["before"] for one in named)  # type: ignore[operator]


def test_a_case_about_a_cover_with_an_address_alone_is_in_the_grid_of_the_covers_near_it_and_follows_them(
    own_town: Database, run_on: Callable[[Database], Run], tmp_path: object
) -> None:
    # The building stands in the west, 20 m from the border; the only cover near it is recorded in the east, and then in the west.
    with own_town.connect() as connection:
        connection.execute("DELETE FROM gisgrid.cases_all")
        connection.execute("DELETE FROM gisgrid.components WHERE geom && ST_MakeEnvelope(120.372, 36.080, 120.378, 36.084, 4326)")
        connection.execute(_COVER, ["3702030102009001", 120.37515, 36.0815])
    file = f"{tmp_path}/day.csv"
    with open(file, "w", encoding="utf-8") as out:
        out.write("number,time,source,category,address\nk1,2026-11-02 09:00:00,12345热线,污水井盖,延安路24号东侧\n")
        out.write("k2,2026-11-02 09:00:00,12345热线,暴露垃圾,延安路24号东侧\n")
    run = run_on(own_town)
    code, text, said = run("cases", "load", file)
    assert code == 0, text + said
    with own_town.connect() as connection:
        sql = "SELECT grid_code, ST_X(geom) < 120.375, decided -> 'reasons' FROM gisgrid.cases_all ORDER BY class_code"
        (about_cover, about_rubbish) = connection.execute(sql).fetchall()
    assert about_cover[:2] == ("370203001002001", True), about_cover
    assert "井盖所在" in json.dumps(about_cover[2], ensure_ascii=False)
    assert about_rubbish[:2] == ("370203001001001", True)
    assert replayed(run) == []
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.components SET geom = ST_Translate(geom, -0.0003, 0) WHERE code = '3702030102009001'")
    [named] = replayed(run)
    assert named["after"] == {"grid": {"code": "370203001001001", "name": "网格 11"}}


def test_other_rules_name_the_cases_whose_deadline_is_another(day: tuple[Database, Run], tmp_path: object) -> None:
    _, run = day
    file = f"{tmp_path}/rules.csv"
    with open(file, "w", encoding="utf-8") as out:
        out.write("number,priority,units,limit,limit_unit\n1,1,locality,9,calendar_days\n")
    named = replayed(run, "--rules", file)
    assert named
    assert all("due_at" in one["after"] for one in named)  # type: ignore[operator]


def test_cases_are_listed_and_shown(day: tuple[Database, Run]) -> None:
    _, run = day
    code, text, _ = run("cases", "list", "--limit", "3", "--json")
    cases = [json.loads(line) for line in text.splitlines()]
    assert (code, len(cases)) == (0, 3)
    code, text, _ = run("cases", "show", cases[0]["number"])
    assert code == 0
    assert cases[0]["number"] in text
    assert run("cases", "show", "nothing")[0] == 2
