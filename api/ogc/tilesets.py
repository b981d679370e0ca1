"""OGC API - Tiles: tile matrix sets, the tilesets of the dataset and of each collection, and their tiles, from the tile engine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from api.asgi import Reply
from api.negotiation import codings
from api.ogc.asked import Asked
from api.ogc.document_schemas import MATRIX_SET_SCHEMA, MATRIX_SETS_SCHEMA, TILESET_SCHEMA, TILESETS_SCHEMA
from api.ogc.links import in_each, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get
from api.ogc.tileset import MVT, TileOrigin, at_limits, collection_origin, dataset_origin, listed, tileset
from api.params import Parameter
from api.tileparams import TILE_PARAMETERS, variant_of
from gisgrid.errors import NotFoundError
from gisgrid.layers import Layer
from tiles import TileId, TileRequest, parse_tile_id
from tiles.matrix import MATRIX_SETS, MatrixSet

_TILE_FORMATS = {"mvt": MVT}
# The tile matrix set is part of the path here.
_PARAMETERS = {name: parameter for name, parameter in TILE_PARAMETERS.items() if name != "tms"}
_COLLECTIONS = Parameter(
    "collections",
    "Collections that the tiles hold, by their ids (or addresses) with commas, drawn in that order; without it all of them.",
    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    ["grids", "manhole_covers"],
)
_DATASET_PARAMETERS = {"collections": _COLLECTIONS, **_PARAMETERS}


async def matrix_sets(asked: Asked) -> Document:
    """Answer the tile matrix sets."""
    sets = [
        {
            **{name: value for name, value in one.document().items() if name in {"id", "title", "uri", "crs"}},
            "links": in_each(asked, "self", f"{asked.base}/tileMatrixSets/{one.id}", {"json": JSON["json"]}, one.id),
        }
        for one in MATRIX_SETS.values()
    ]
    title = asked.word("瓦片矩阵集", "Tile matrix sets")
    return Document({"title": title, "tileMatrixSets": sets, "links": own_links(asked, JSON)}, "matrix_sets.html")


async def one_matrix_set(asked: Asked) -> Document:
    """Answer one tile matrix set, as the standard of tile matrix sets describes it."""
    return Document({**_matrix_set(asked).document(), "links": own_links(asked, JSON)}, "matrix_set.html")


async def dataset_tilesets(asked: Asked) -> Document:
    """Answer the tilesets of all collections together."""
    return _tilesets(asked, dataset_origin(asked))


async def collection_tilesets(asked: Asked) -> Document:
    """Answer the tilesets of one collection."""
    return _tilesets(asked, collection_origin(asked))


async def dataset_tileset(asked: Asked) -> Document:
    """Answer the tileset of all collections, or of those that are chosen, in one tile matrix set."""
    return await _tileset(asked, dataset_origin(asked))


async def collection_tileset(asked: Asked) -> Document:
    """Answer the tileset of one collection in one tile matrix set."""
    return await _tileset(asked, collection_origin(asked))


async def dataset_tile(asked: Asked) -> Reply:
    """Answer a tile of all collections, or of those that are chosen."""
    return await _tile(asked, dataset_origin(asked))


async def collection_tile(asked: Asked) -> Reply:
    """Answer a tile of one collection."""
    return await _tile(asked, collection_origin(asked))


def _tilesets(asked: Asked, origin: TileOrigin) -> Document:
    sets = [listed(asked, origin, one) for one in MATRIX_SETS.values()]
    title = f"{asked.word('矢量瓦片', 'Vector tiles')}: {origin.title}"
    return Document({"title": title, "tilesets": sets, "links": own_links(asked, JSON)}, "tilesets.html")


async def _tileset(asked: Asked, origin: TileOrigin) -> Document:
    matrix_set = _matrix_set(asked)
    # What its tiles would refuse is refused here.
    variant_of(origin.layers, {**asked.query, "tms": matrix_set.id})
    return Document(await tileset(asked, origin, matrix_set), "tileset.html")


def _matrix_set(asked: Asked) -> MatrixSet:
    id = asked.names["tileMatrixSetId"]
    found = MATRIX_SETS.get(id)
    if found is None:
        raise NotFoundError(f"There is no tile matrix set {id[:80]!r}.", f"Tile matrix sets: {', '.join(MATRIX_SETS)}.")
    return found


async def _tile(asked: Asked, origin: TileOrigin) -> Reply:
    """Answer a tile: 204 where nothing is drawn, 404 beyond the matrix set and beyond the limits that the tileset tells."""
    matrix_set = _matrix_set(asked)
    tile = parse_tile_id(asked.names["tileMatrix"], asked.names["tileCol"], asked.names["tileRow"])
    matrix_set.check(tile)
    _check_zoom(origin, matrix_set, tile)
    variant = variant_of(origin.layers, {**asked.query, "tms": matrix_set.id}).variant
    request = TileRequest(variant, tile)
    encoded = asked.backend.tiles.kept(request) or await asked.backend.tiles.tile(request)
    if encoded.is_empty and not encoded.stale and not await at_limits(asked, origin, matrix_set, tile):
        raise NotFoundError(f"{tile.z}/{tile.y}/{tile.x} is beyond the limits of the tileset.", "The tileset has tileMatrixSetLimits.")
    return asked.backend.tile_replies.reply(encoded, codings(asked.header(b"accept-encoding")), asked.header(b"if-none-match"))


def _check_zoom(origin: TileOrigin, matrix_set: MatrixSet, tile: TileId) -> None:
    zooms = origin.zooms(matrix_set)
    if tile.z not in zooms:
        raise NotFoundError(f"The tileset has no tile matrix {tile.z}.", f"It has {zooms[0]} to {zooms[-1]}.")


_tile_operation = partial(Operation, formats=_TILE_FORMATS, statuses=(204, 304), takes=("If-None-Match",), gives=("ETag",))
_DATASET = "/tiles"
_OF_COLLECTION = "/collections/{collection}/tiles"
_SET = "{tileMatrixSetId}"
_TILE = f"{_SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"


def _is_public(layer: Layer) -> bool:
    return layer.public


def _of_public(resource: Resource) -> Resource:
    """Return a resource that only collections have that everybody may see."""
    return Resource(resource.path, {method: replace(one, exists=_is_public) for method, one in resource.operations.items()})


_RESOURCES: tuple[Resource, ...] = (
    get("/tileMatrixSets", Operation("tileMatrixSets", "The tile matrix sets", matrix_sets, schema=MATRIX_SETS_SCHEMA)),
    get(f"/tileMatrixSets/{_SET}", Operation("tileMatrixSet", "One tile matrix set", one_matrix_set, schema=MATRIX_SET_SCHEMA)),
    get(
        _DATASET,
        Operation("gisgrid.dataset.vector.getTileSetsList", "Tilesets of all collections", dataset_tilesets, schema=TILESETS_SCHEMA),
    ),
    get(
        f"{_DATASET}/{_SET}",
        Operation(
            "gisgrid.dataset.vector.getTileSet",
            "A tileset of all collections",
            dataset_tileset,
            parameters=_DATASET_PARAMETERS,
            schema=TILESET_SCHEMA,
        ),
    ),
    get(
        f"{_DATASET}/{_TILE}",
        _tile_operation("gisgrid.dataset.vector.getTile", "A vector tile of all collections", dataset_tile, parameters=_DATASET_PARAMETERS),
    ),
    get(
        _OF_COLLECTION,
        Operation("collection.vector.getTileSetsList", "Tilesets of the collection", collection_tilesets, schema=TILESETS_SCHEMA),
    ),
    get(
        f"{_OF_COLLECTION}/{_SET}",
        Operation(
            "collection.vector.getTileSet", "A tileset of the collection", collection_tileset, parameters=_PARAMETERS, schema=TILESET_SCHEMA
        ),
    ),
    get(
        f"{_OF_COLLECTION}/{_TILE}",
        _tile_operation("collection.vector.getTile", "A vector tile of the collection", collection_tile, parameters=_PARAMETERS),
    ),
)
RESOURCES: tuple[Resource, ...] = tuple(_of_public(one) for one in _RESOURCES)
"""What this module answers."""
