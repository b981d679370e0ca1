"""Tiles in memory: as many as fit into a number of bytes, those that nobody asks for go first, and what a change touches goes at once."""

from __future__ import annotations

from collections import OrderedDict

from gisgrid.db.changes import Change
from tiles.encoding import EncodedTile
from tiles.invalidation import PlaceIndex
from tiles.request import TileRequest


class KeptTile:
    """A tile in the cache; ``tile`` is None when it has gone from there, so who serves it often may hold on to this.

    Who serves it sets ``used``: that is all it costs to keep a tile from being the next to go.
    """

    __slots__ = ("request", "tile", "used", "weight")

    def __init__(self, request: TileRequest, tile: EncodedTile) -> None:
        self.request = request
        self.tile: EncodedTile | None = tile
        self.weight = tile.weight
        self.used = False


class TileCache:
    """Keeps tiles up to ``most_bytes`` (0: none). For one thread.

    When room is needed, tiles go in the order in which they came, but one that was used since its last turn gets another.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._tiles: OrderedDict[TileRequest, KeptTile] = OrderedDict()
        self._places: PlaceIndex[KeptTile] = PlaceIndex()
        self.bytes = 0
        """What is kept weighs, bytes."""
        self.evicted = 0
        """How many tiles have gone to make room."""
        self.touched = 0
        """How many tiles have gone because a change touched them."""
        self.get = self._tiles.get
        """Return what is kept for a request, or None."""

    def __len__(self) -> int:
        return len(self._tiles)

    def put(self, request: TileRequest, tile: EncodedTile) -> None:
        """Keep a tile, in the place of the one that was kept for the request before."""
        if tile.weight > self._most_bytes:
            return
        before = self._tiles.get(request)
        if before is not None:
            self._remove(before)
        kept = KeptTile(request, tile)
        self._tiles[request] = kept
        self._places.add(kept)
        self.bytes += tile.weight
        while self.bytes > self._most_bytes:
            self._make_room()

    def drop(self, change: Change) -> int:
        """Let go of every tile that a change touches, and return how many those were."""
        touched = self._places.touched(change)
        for kept in touched:
            self._remove(kept)
        self.touched += len(touched)
        return len(touched)

    def clear(self) -> None:
        """Let go of every tile."""
        for kept in self._tiles.values():
            kept.tile = None
        self._tiles.clear()
        self._places = PlaceIndex()
        self.bytes = 0

    def _make_room(self) -> None:
        kept = next(iter(self._tiles.values()))
        if kept.used:
            kept.used = False
            self._tiles.move_to_end(kept.request)
        else:
            self._remove(kept)
            self.evicted += 1

    def _remove(self, kept: KeptTile) -> None:
        del self._tiles[kept.request]
        self._places.remove(kept)
        self.bytes -= kept.weight
        kept.tile = None
