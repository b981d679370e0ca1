"""Tiles for whoever asks: from layer ids and an address to bytes ready to be sent."""

from __future__ import annotations

from gisgrid.deployment import Deployment
from gisgrid.errors import NotFoundError, ParameterError, UnavailableError
from gisgrid.layers import LAYERS, Layer
from gisgrid.layers import layer as layer_of
from tiles.documents import tilejson
from tiles.encoding import EncodedTile, encode
from tiles.reader import TileReader
from tiles.request import TileRequest
from tiles.sql import tile_query


class TileService:
    """Answers for tiles and their documents, each made afresh from PostGIS."""

    def __init__(self, reader: TileReader, deployment: Deployment) -> None:
        self._reader = reader
        self._deployment = deployment

    async def open(self) -> None:
        """Open the connections; a database that is down is no failure yet."""
        await self._reader.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._reader.close()

    async def ping(self) -> None:
        """Return when tiles can be made; raises DatabaseError when PostGIS does not answer."""
        await self._reader.ping()

    def kept(self, request: TileRequest) -> EncodedTile | None:
        """Return a tile that can be answered with at once and is still right; None when it must be made, or be waited for.

        Called for each request before anything else is done, so it costs little: a look into the cache.
        """
        return None

    async def tile(self, request: TileRequest) -> EncodedTile:
        """Return one tile, an empty one where nothing is drawn.

        Raises ParameterError for what cannot be asked together, DatabaseError when PostGIS is away, UnavailableError when it
        takes too long.
        """
        return await encode(await self.plain(request))

    async def plain(self, request: TileRequest) -> bytes:
        """Return the bytes of one tile as PostGIS makes it now; errors as ``tile``."""
        query = tile_query(request)
        return await self._reader.fetch(query) if query else b""

    async def document(self, layers: tuple[Layer, ...], template: str) -> dict[str, object]:
        """Return the TileJSON of ``layers``; ``template`` is the address of a tile.

        Bounds are those of the data, or of the deployment as long as there is none or the database is away.
        """
        try:
            bounds = await self._reader.extent(layers)
        except UnavailableError:
            bounds = None
        deployment = self._deployment
        attribution = deployment.attribution or f"{deployment.title_zh} {deployment.title_en}"
        return tilejson(layers, template, bounds or deployment.box, attribution)


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
