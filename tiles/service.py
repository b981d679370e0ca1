"""Tiles for whoever asks: from layer ids and an address to bytes ready to be sent."""

from __future__ import annotations

from gisgrid.db.changes import ChangeReader
from gisgrid.deployment import Deployment
from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import LAYERS, Layer
from gisgrid.layers import layer as layer_of
from gisgrid.layers import layers as layers_of
from gisgrid.types import Bounds
from tiles.documents import in_gcj02, tilejson
from tiles.encoding import EncodedTile, encode
from tiles.limits import Limits, plain_tile
from tiles.matrix import matrix_set
from tiles.reader import TileReader
from tiles.request import TileRequest, Variant
from tiles.store import Counts, TileStore

CACHE_BYTES = 256_000_000
"""Memory for tiles, unless something else is asked for."""


class TileService:
    """Answers for tiles and their documents: from memory what is kept there and is right, and the rest from PostGIS.

    ``cache_bytes`` is the memory for tiles that are kept while ``follow`` runs; without it, each tile is made afresh.
    """

    def __init__(self, reader: TileReader, deployment: Deployment, cache_bytes: int = CACHE_BYTES, limits: Limits | None = None) -> None:
        self._reader = reader
        self._deployment = deployment
        self._limits = limits or Limits()
        self._store = TileStore(self._make, cache_bytes)
        self.kept = self._store.kept
        """Return a tile that can be answered with at once and is right; None when it must be made (``TileStore.kept``)."""

    async def open(self) -> None:
        """Open the connections; a database that is down is no failure yet."""
        await self._reader.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()

    async def ping(self) -> None:
        """Return when tiles can be made; raises DatabaseError when PostGIS does not answer."""
        await self._reader.ping()

    @property
    def store(self) -> TileStore:
        """What is kept, for who holds on to entries of it."""
        return self._store

    @property
    def counts(self) -> Counts:
        """What the cache has done so far."""
        return self._store.counts

    @property
    def is_current(self) -> bool:
        """Whether what is kept is known to be right at this moment; if not, each tile is made afresh."""
        return self._store.is_current

    async def follow(self, changes: ChangeReader | None = None) -> None:
        """Follow the change feed until cancelled: tiles are kept meanwhile, and go as soon as a change touches them.

        ``changes`` is what reads the feed for others too.
        """
        await self._store.follow(self._reader.url, changes)

    async def tile(self, request: TileRequest) -> EncodedTile:
        """Return one tile, an empty one where nothing is drawn; ``stale`` when PostGIS is away and an earlier one is there.

        Raises ParameterError for what cannot be asked together, NotFoundError for a tile that the matrix set does not have,
        DatabaseError when PostGIS is away, UnavailableError when it takes too long or too many wait for it.
        """
        return await self._store.tile(request)

    async def plain(self, request: TileRequest) -> bytes:
        """Return the bytes of one tile as PostGIS makes it now; errors as ``tile``."""
        return await plain_tile(self._reader.tile, request, self._limits)

    async def _make(self, request: TileRequest) -> EncodedTile:
        return await encode(await self.plain(request))

    def document(self, variant: Variant, template: str, bounds: Bounds | None) -> dict[str, object]:
        """Return the TileJSON of a variant; ``template`` is the address of a tile.

        ``bounds`` are those of the data, degrees, WGS 84; None, when there is none or they are not known, stands for the deployment's.
        """
        deployment = self._deployment
        bounds = bounds or deployment.box
        attribution = deployment.attribution or f"{deployment.title_zh} {deployment.title_en}"
        drawn = in_gcj02(bounds) if variant.datum == "gcj02" else bounds
        return tilejson(layers_of(variant.layer_ids), template, drawn, attribution, matrix_set(variant.matrix_set))


def parse_layers(text: str) -> tuple[Layer, ...]:
    """Return the layers written as ``a,b,c``, in that order.

    Raises NotFoundError for one that does not exist or is not public, ParameterError for one named twice.
    """
    ids = text.split(",")
    public = [layer.id for layer in LAYERS if layer.public]
    for id in ids:
        # A layer that is not public is answered as one that does not exist: its name is nobody's business.
        if id not in public:
            raise NotFoundError(f"There is no layer {id[:80]!r}.", f"Layers: {', '.join(public)}.")
    if len(set(ids)) < len(ids):
        raise ParameterError("layers", f"{text!r} names a layer twice.", "each layer once, separated by commas")
    return tuple(layer_of(id) for id in ids)
