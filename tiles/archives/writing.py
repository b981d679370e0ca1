"""Writing an archive: one version of the data, tile by tile, in a draft that outlives a broken run."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import NamedTuple

import psycopg

from gisgrid.db import Database
from gisgrid.db.changes import position
from gisgrid.db.reading import snapshot
from gisgrid.deployment import Deployment
from gisgrid.errors import ParameterError
from gisgrid.progress import Progress, silent
from tiles.archives.cover import IsOccupied, Step, Window, steps
from tiles.archives.describe import metadata_of
from tiles.archives.draft import DRAFT, drafting
from tiles.archives.extent import occupied_query
from tiles.archives.mbtiles_file import Draft
from tiles.archives.plan import ExportOptions, Plan, make_plan
from tiles.archives.pmtiles_file import write_pmtiles
from tiles.archives.snapshot import SnapshotReader, shared_snapshot
from tiles.archives.standing import compare, standing
from tiles.encoding import encode
from tiles.limits import plain_tile
from tiles.request import TileRequest
from tiles.tile import TileId

SUFFIXES = (".pmtiles", ".mbtiles")
"""How the names of archives end."""

_COMMIT_EVERY_S = 1.0
_WAITING_PER_CONNECTION = 8


class Exported(NamedTuple):
    """What was written: tiles, different ones among them, bytes of the file, and how many tiles an earlier run had made."""

    tiles: int
    distinct: int
    file_bytes: int
    found: int
    seconds: float


def export(
    database: Database,
    deployment: Deployment,
    target: Path,
    options: ExportOptions,
    *,
    restart: bool = False,
    progress: Progress = silent,
    tell: Callable[[str], None] | None = None,
) -> Exported:
    """Write the tiles of ``options`` to ``target``, a PMTiles or MBTiles file by its name, which appears only when it is whole.

    All tiles show one moment. A run that was broken off is gone on with when options and data are the same as then, else it begins
    anew; ``tell`` is called with a sentence about that. Raises ParameterError for zooms or a name that cannot be, NotFoundError when
    the layers hold nothing there, SourceError when the file cannot be written, DatabaseError when PostGIS goes away.
    """
    begun = time.perf_counter()
    if target.suffix not in SUFFIXES:
        raise ParameterError("OUT", f"{target.name} says no format.", f"a name that ends in {' or '.join(SUFFIXES)}")
    with drafting(target, restart=restart) as folder, snapshot(database) as connection:
        plan = make_plan(connection, options)
        draft = _open_draft(folder / DRAFT, connection, database, options, tell)
        try:
            found = draft.counts()[0]
            reader = SnapshotReader(database, shared_snapshot(connection), options.connections)
            asyncio.run(_fill(draft, plan, reader, progress))
            tiles, distinct, _ = draft.counts()
            _write(draft, plan, _metadata(plan, deployment, connection), folder, target)
        finally:
            draft.close()
    return Exported(tiles, distinct, target.stat().st_size, found, time.perf_counter() - begun)


def _open_draft(
    path: Path, connection: psycopg.Connection, database: Database, options: ExportOptions, tell: Callable[[str], None] | None
) -> Draft:
    """Return the draft to go on with, or a new one where there is none or something has changed since."""
    now = standing(connection, database, options)
    draft = _draft_at(path)
    if draft.fingerprint is not None:
        changed = compare(connection, draft.fingerprint, now, options.variant.layer_ids)
        if changed:
            draft.close()
            path.unlink()
            draft = Draft(path)
            if tell:
                tell(f"An earlier run was broken off; since then the {changed} changed, so that all tiles are made anew.")
        elif tell:
            tell(f"Going on behind {draft.counts()[0]:,} tiles, where an earlier run was broken off.")
    draft.begin(now)
    return draft


def _draft_at(path: Path) -> Draft:
    try:
        return Draft(path)
    except sqlite3.DatabaseError:
        # Damaged, or finished in the moment in which the run was killed: it says no more what it was made from.
        path.unlink()
        return Draft(path)


async def _fill(draft: Draft, plan: Plan, reader: SnapshotReader, progress: Progress) -> None:
    """Make all tiles that the draft lacks, several at a time, and put them into it in their order."""
    variant = plan.options.variant

    async def make(tile: TileId) -> bytes:
        """Return the gzipped bytes of a tile, none when nothing is drawn."""
        data = await plain_tile(reader.fetch, TileRequest(variant, tile), plan.options.limits)
        return (await encode(data)).body("gzip") if data else b""

    async def is_occupied(inside: TileId, zoom: int) -> bool:
        """Say whether anything may be drawn in the tiles of a zoom that lie in a tile."""
        drawn = tuple(layer for layer in plan.layers if layer.min_zoom <= zoom)
        found = await reader.row(*occupied_query(variant, drawn, inside, zoom))
        return bool(found and found[0])

    total, done, committed = sum(area.tiles for area in plan.windows), 0, time.monotonic()
    async with reader.reading():
        walk = _walk(plan.windows, is_occupied, draft.reached)
        async for step, data in _in_order(walk, make, plan.options.connections * _WAITING_PER_CONNECTION):
            if step.tile is not None and data:
                draft.put(step.tile_id, step.tile, data)
            done += step.tiles
            progress("writing tiles", done, total)
            if time.monotonic() - committed >= _COMMIT_EVERY_S:
                draft.commit(max(step.tile_id, draft.reached))
                committed = time.monotonic()
    draft.commit()


async def _walk(windows: tuple[Window, ...], is_occupied: IsOccupied, after: int) -> AsyncIterator[Step]:
    for area in windows:
        async for step in steps(area, is_occupied, after):
            yield step


async def _in_order(
    walk: AsyncIterator[Step], make: Callable[[TileId], Coroutine[None, None, bytes]], most: int
) -> AsyncIterator[tuple[Step, bytes]]:
    """Yield each step with its tile, at most ``most`` of them ahead of the one that is waited for."""
    ahead: deque[tuple[Step, asyncio.Task[bytes] | None]] = deque()
    try:
        async for step in walk:
            ahead.append((step, None if step.tile is None else asyncio.create_task(make(step.tile))))
            if len(ahead) > most:
                first, task = ahead.popleft()
                yield first, await task if task else b""
        while ahead:
            first, task = ahead.popleft()
            yield first, await task if task else b""
    finally:
        tasks = [task for _, task in ahead if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _metadata(plan: Plan, deployment: Deployment, connection: psycopg.Connection) -> dict[str, object]:
    return metadata_of(
        plan.layers, plan.options.variant, plan.extent, deployment, name=plan.options.name, version=position(connection).version
    )


def _write(draft: Draft, plan: Plan, metadata: dict[str, object], folder: Path, target: Path) -> None:
    """Make the file of a draft that is whole, and put it in the place of ``target``."""
    whole = folder / DRAFT
    if target.suffix == ".mbtiles":
        draft.finish(plan.extent, metadata)
    else:
        whole = folder / "whole"
        with whole.open("wb") as file:
            write_pmtiles(file, draft.contents(), plan.extent, metadata)
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    whole.replace(target)
