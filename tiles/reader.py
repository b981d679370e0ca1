"""Running the queries of tiles."""

from __future__ import annotations

from gisgrid.db.pool import MOST_WAITING, Pool
from gisgrid.layers import Layer
from gisgrid.types import Bounds
from tiles.sql import TileQuery

# The head of the spatial index knows the extent without reading the table; it is NULL for an empty table without statistics.
_EXTENT = """SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
FROM (SELECT ST_EstimatedExtent('gisgrid', %s, 'geom') AS box) AS extent WHERE box IS NOT NULL"""


class TileReader(Pool):
    """The connections that tiles are read over; nothing is opened before ``open``.

    ``url`` is a PostgreSQL address, ``pool_size`` the most connections, ``statement_timeout_ms`` the longest statement,
    ``max_waiting`` how many may wait for a connection.
    """

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int, max_waiting: int = MOST_WAITING) -> None:
        hint = "Ask for a deeper zoom or fewer layers."
        super().__init__(url, "tiles", pool_size, statement_timeout_ms, max_waiting=max_waiting, hint=hint)

    async def tile(self, query: TileQuery) -> bytes:
        """Return the bytes of a tile. Raises DatabaseError when PostGIS is away, UnavailableError when it takes too long."""
        row = await self.fetch_row(query.sql, query.args)
        if row and row[0] is None:
            row = await self.fetch_row(query.careful, query.args)
        return bytes(row[0]) if row and row[0] is not None else b""

    async def extent(self, layers: tuple[Layer, ...]) -> Bounds | None:
        """Return the extent of the tables of ``layers`` in WGS 84 degrees, None when they are empty; errors as ``tile``."""
        boxes = [box for table in {layer.table for layer in layers} if (box := await self.fetch_row(_EXTENT, (table,)))]
        if not boxes:
            return None
        west, south, east, north = zip(*boxes, strict=True)
        return Bounds(min(west), min(south), max(east), max(north))
