"""Running the queries of tiles."""

from __future__ import annotations

from gisgrid.db.pool import MOST_WAITING, Pool
from tiles.sql import TileQuery


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
