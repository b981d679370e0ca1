"""Two editors at once, and somebody who walks the pages meanwhile: no update is lost, no feature skipped or repeated."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving

ITEMS = "/ogc/collections/manhole_covers/items"
GEOJSON = {"accept": "application/geo+json"}
EDITS = 80
"""Enough to meet; with 500, as is promised, it takes minutes where many tests run at once."""

COMING_AND_GOING = 5


class Editor:
    """Somebody who adds one to a number in a feature's note, again and again, always on the state that was read."""

    def __init__(self, client: httpx.AsyncClient, token: str, ids: list[int]) -> None:
        self._client = client
        self._ids = ids
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/merge-patch+json"}
        self.done: Counter[int] = Counter()
        self.refused = 0

    async def work(self, edits: int, offset: int) -> None:
        """Make so many edits that count, on one feature after the other."""
        turn = offset
        while self.done.total() < edits:
            turn += 1
            await self._edit(self._ids[turn % len(self._ids)])

    async def _edit(self, id: int) -> None:
        at = f"{ITEMS}/{id}"
        read = await self._client.get(at, headers=GEOJSON)
        note = int(read.json()["properties"]["note"] or 0)
        sent = {"properties": {"note": str(note + 1)}}
        answer = await self._client.patch(at, json=sent, headers=self._headers | {"if-match": read.headers["etag"]})
        assert answer.status_code in (204, 412), answer.text
        if answer.status_code == 204:
            self.done[id] += 1
        else:
            self.refused += 1

    async def come_and_go(self, times: int) -> None:
        """Make features and delete them again, with ids before and behind the pages that are walked."""
        headers = self._headers | {"content-type": "application/geo+json"}
        for turn in range(times):
            properties = {"code": f"37020301020050{turn:02}", "scheme": "CJ/T 214", "edition": "2007", "class_code": "0102"}
            feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [120.372, 36.082]}, "properties": properties}
            made = await self._client.post(ITEMS, json=feature, headers=headers)
            assert made.status_code == 201, made.text
            gone = await self._client.delete(made.headers["location"], headers=self._headers)
            assert gone.status_code == 204, gone.text


async def walk(client: httpx.AsyncClient) -> list[int]:
    """Return the ids of all pages, one after the other, by their links."""
    ids: list[int] = []
    at: str | None = f"{ITEMS}?limit=20&sortby=-state,installed_on"
    while at is not None:
        page: dict[str, Any] = (await client.get(at, headers=GEOJSON)).json()
        ids += [feature["id"] for feature in page["features"]]
        at = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return ids


async def edit_and_walk(server: Server, tokens: list[str], edited: list[int], edits: int = EDITS) -> tuple[list[Editor], list[list[int]]]:
    """Let two editors work on the same features while pages are walked; return what they did and what was seen."""
    transport = httpx.ASGITransport(app=server.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://town.test", timeout=60) as client:
        editors = [Editor(client, token, edited) for token in tokens]
        work = asyncio.gather(*(one.work(edits // 2, nth) for nth, one in enumerate(editors)), editors[0].come_and_go(COMING_AND_GOING))
        walks = []
        while not work.done():
            walks.append(await walk(client))
            await asyncio.sleep(0.1)
        await work
    return editors, walks


@pytest.fixture
def town_with_editors(own_town: Database) -> Iterator[tuple[Server, Database, list[str]]]:
    with own_town.connect() as connection:
        tokens = [add_editor(connection, name) for name in ("张三", "李四")]
    with serving(Settings(database_url=own_town.url)) as server:
        yield server, own_town, tokens


def test_no_update_is_lost_and_no_page_skips_or_repeats(town_with_editors: tuple[Server, Database, list[str]]) -> None:
    server, database, tokens = town_with_editors
    with database.connect() as connection:
        ids = [id for (id,) in connection.execute("SELECT id FROM gisgrid.manhole_covers ORDER BY id").fetchall()]
    edited = ids[:3]
    editors, walks = server.runner.run(edit_and_walk(server, tokens, edited))

    counted = editors[0].done + editors[1].done
    assert counted.total() == EDITS
    with database.connect() as connection:
        notes = dict(connection.execute("SELECT id, note::int FROM gisgrid.manhole_covers WHERE id = ANY (%s)", [edited]).fetchall())
        logged = connection.execute(
            "SELECT editor, count(*) FROM gisgrid.edits WHERE action = 'update' AND application = 'gisgrid edits' GROUP BY editor"
        ).fetchall()
    assert notes == dict(counted), "each edit that was accepted is in the number"
    assert sorted(logged) == sorted([("张三", EDITS // 2), ("李四", EDITS // 2)])
    assert editors[0].refused + editors[1].refused > 0, "they have met, or nothing was tested"

    assert len(walks) > 1
    unedited = set(ids) - set(edited)
    for seen in walks:
        times = Counter(seen)
        assert {id for id in unedited if times[id] != 1} == set()
