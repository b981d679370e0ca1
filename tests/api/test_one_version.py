"""An answer never mixes two versions: what one transaction changes shows together or not at all."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import serving

# A camera stands 10 m west of the border between grids 11 and 21, or as far east of it; the border goes with it.
WEST, EAST = 120.3747, 120.3749
BORDERS = {0: 120.3746, 1: 120.3750}
AT = {"lon": "120.3748", "lat": "36.0819", "crs": "wgs84"}
EDIT = """
UPDATE gisgrid.grids SET name = 'v{n}', geom = ST_Multi(ST_MakeEnvelope(120.370, 36.080, {border}, 36.084, 4326))
WHERE code = '370203001001001';
UPDATE gisgrid.cameras SET geom = ST_SetSRID(ST_MakePoint({lon}, 36.0819), 4326), name = 'v{n}' WHERE code = 'C1';
UPDATE gisgrid.grids SET name = 'v{n}', geom = ST_Multi(ST_MakeEnvelope({border}, 36.080, 120.380, 36.084, 4326))
WHERE code = '370203001002001';
UPDATE gisgrid.buildings SET name = 'v{n}' WHERE code = 'B0';
UPDATE gisgrid.components SET name = 'v{n}' WHERE code = '3702030102000007';
"""


def _write(town: Database, stop: threading.Event, written: list[int]) -> None:
    with closing(psycopg.connect(town.conninfo())) as connection:
        number = 0
        while not stop.is_set():
            number += 1
            side = number % 2
            connection.execute(EDIT.format(border=BORDERS[side], lon=(WEST, EAST)[side], n=number).encode())
            connection.commit()
            written.append(number)
            stop.wait(0.02)


@pytest.mark.parametrize("more", [{}, {"sight": "true"}], ids=["plain", "sight"])
def test_what_one_transaction_changes_shows_together(own_town: Database, more: dict[str, str]) -> None:
    with own_town.connect() as connection:
        connection.execute(EDIT.format(border=BORDERS[0], lon=WEST, n=0).encode())
    stop, written = threading.Event(), list[int]()
    with serving(Settings(database_url=own_town.url)) as server:
        writer = threading.Thread(target=_write, args=(own_town, stop, written))
        writer.start()
        try:
            seen, versions = set(), []
            for _ in range(3000):
                answer = server.get("/locate", params={**AT, "include": "cameras,building", **more}).json()
                [camera] = [found for found in answer["cameras"] if found["code"] == "C1"]
                version = camera["properties"]["name"]
                # The place of asking lies between the two borders, so that its grid tells on which side the border is.
                side = int(version[1:]) % 2
                assert answer["grid"]["name"] == version
                assert answer["grid"]["code"] == ("370203001002001", "370203001001001")[side]
                assert camera["lon"] == (WEST, EAST)[side]
                if more:
                    assert camera["sight"]["distance_m"] == pytest.approx(camera["distance_m"], abs=0.01)
                versions.append(answer["data_version"])
                seen.add(version)
                if len(seen) > 12:
                    break
        finally:
            stop.set()
            writer.join()
        assert len(seen) > 3, f"{len(seen)} of {len(written)} versions were seen"
        assert versions == sorted(versions)
        server.wait(lambda: server.get("/locate", params=AT).json()["grid"]["name"] == f"v{written[-1]}", seconds=10)
