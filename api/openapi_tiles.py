"""The routes of tiles in the OpenAPI document: vector tiles, derived layers, styles, rasters and archives."""

from __future__ import annotations

from api import schemas
from api.derivedroutes import H3_PARAMETERS, VIEWS_PARAMETERS
from api.describing import BINARY, Document, answer, given, operation, parameter_object, path_number, path_words, query
from api.params import Parameter
from api.rasterroutes import TILE_PARAMETERS as RASTER_PARAMETERS
from api.rasterroutes import VALUE_PARAMETERS
from api.styleroutes import NAMES_PARAMETERS, STYLE_PARAMETERS
from api.tileparams import TILE_PARAMETERS
from gisgrid.layers import LAYERS, layer
from tiles.h3 import H3_LAYERS, H3_TIMES
from tiles.matrix import MATRIX_SETS
from tiles.styles import SPRITES, style_list
from tiles.tile import MAX_ZOOM

_MVT = "application/vnd.mapbox-vector-tile"
_JSON = "application/json"
_OBJECT: Document = {"type": "object"}
_EMPTY = given("Nothing is drawn in this tile.", {}, 204)
_KEPT = given("It is still the one that If-None-Match names.", {}, 304)


def tile_paths() -> Document:
    """Return the paths of all that has to do with tiles outside the OGC API."""
    return _vector_paths() | _derived_paths() | _style_paths() | _raster_paths() | _archive_paths()


def _vector_paths() -> Document:
    parameters = [_layers(), *_place(14, 13670, 6429), *query(TILE_PARAMETERS)]
    tile = operation("tile", "A Mapbox Vector Tile of one or more layers", parameters, _tile(), (400, 404, 503))
    document = operation(
        "tilejson", "TileJSON 3 of one or more layers", [_layers(), *query(TILE_PARAMETERS)], answer(schemas.TileJson), (400, 404, 503)
    )
    sets = operation("tile_matrix_sets", "The tile matrix sets", (), _document(), (400,))
    one = operation(
        "tile_matrix_set",
        "One tile matrix set, as OGC TMS 2.0 describes it",
        [path_words("id", "The tile matrix set.", MATRIX_SETS)],
        _document(),
        (400, 404),
    )
    return {
        "/tiles/{layers}/{z}/{x}/{y}.mvt": {"get": tile},
        "/tiles/{layers}.json": {"get": document},
        "/tileMatrixSets": {"get": sets},
        "/tileMatrixSets/{id}": {"get": one},
    }


def _derived_paths() -> Document:
    views = operation(
        "camera_views_tile", "A tile of what cameras see", [*_place(15, 27340, 12858), *query(VIEWS_PARAMETERS)], _tile(), (400, 404)
    )
    views_document = operation(
        "camera_views_tilejson", "TileJSON of what cameras see", query(VIEWS_PARAMETERS), answer(schemas.TileJson), (400, 404)
    )
    names = operation(
        "names_tile", "A tile of the names of areas", [*_place(13, 6835, 3214), *query(NAMES_PARAMETERS)], _tile(), (400, 404)
    )
    names_document = operation(
        "names_tilejson", "TileJSON of the names of areas", query(NAMES_PARAMETERS), answer(schemas.TileJson) | _KEPT, (400,)
    )
    return {
        **{path: item for id in H3_LAYERS for path, item in _count_paths(id).items()},
        "/tiles/camera_views/{z}/{x}/{y}.mvt": {"get": views},
        "/tiles/camera_views.json": {"get": views_document},
        "/tiles/names/{z}/{x}/{y}.mvt": {"get": names},
        "/tiles/names.json": {"get": names_document},
    }


def _count_paths(id: str) -> Document:
    """Return the paths of the counts of one layer: what it can be asked hangs on its fields."""
    title = layer(id).title_en.lower()
    kinds = layer(id).field("kind").choices
    parameters = dict(H3_PARAMETERS)
    if id not in H3_TIMES:
        del parameters["from"], parameters["to"]
    if kinds:
        schema = {"type": "string", "pattern": f"^({'|'.join(kinds)})(,({'|'.join(kinds)}))*$"}
        parameters["kind"] = parameters["kind"]._replace(schema=schema, example=kinds[0])
    asked = query(parameters)
    tile = operation(f"h3_tile_{id}", f"A tile of counts by H3 cell: {title}", [*_place(14, 13670, 6429), *asked], _tile(), (400, 404))
    document = operation(f"h3_tilejson_{id}", f"TileJSON of counts by H3 cell: {title}", asked, answer(schemas.TileJson), (400,))
    return {f"/tiles/h3/{id}/{{z}}/{{x}}/{{y}}.mvt": {"get": tile}, f"/tiles/h3/{id}.json": {"get": document}}


def _style_paths() -> Document:
    id = path_words("id", "The style.", [style.id for style in style_list()])
    style = operation("style", "A style of MapLibre", [id, *query(STYLE_PARAMETERS)], _document() | _KEPT, (400, 404))
    sprite = path_words("name", "The sprite; `@2x` has twice the pixels.", [f"{name}{size}" for name in SPRITES for size in ("", "@2x")])
    signs = operation("sprite", "The signs of a style as a picture", [sprite], given("The picture.", {"image/png": BINARY}) | _KEPT, (404,))
    places = operation("sprite_places", "Where each sign is in the picture", [sprite], _document() | _KEPT, (404,))
    return {
        "/styles": {"get": operation("styles", "The styles there are", (), _document() | _KEPT, (400,))},
        "/styles/{id}.json": {"get": style},
        "/styles/sprites/{name}.png": {"get": signs},
        "/styles/sprites/{name}.json": {"get": places},
    }


def _raster_paths() -> Document:
    id = _named("raster_id", "The raster: `/rasters` lists those there are.")
    pictures = {"image/png": BINARY, "image/webp": BINARY}
    ending = path_words("ending", "The format.", ("png", "webp"))
    tile = operation(
        "raster_tile",
        "A tile of a raster as a picture",
        [id, *_place(14, 13670, 6429), ending, *query(RASTER_PARAMETERS)],
        given("The picture.", pictures) | _KEPT,
        (400, 404, 503),
    )
    document = operation("raster", "TileJSON of a raster", [id, *query(RASTER_PARAMETERS)], _document(), (400, 404, 503))
    values = operation("raster_values", "The values of a raster at a place", [id, *query(VALUE_PARAMETERS)], _document(), (400, 404, 503))
    whole = operation("raster_file", "The file of a raster, or ranges of its bytes", [id], _file("image/tiff"), (400, 404, 416, 503))
    return {
        "/rasters": {"get": operation("rasters", "The rasters there are", (), _document(), (400, 503))},
        "/rasters/{raster_id}.json": {"get": document},
        "/rasters/{raster_id}/point": {"get": values},
        "/rasters/{raster_id}/{z}/{x}/{y}.{ending}": {"get": tile},
        "/rasters/{raster_id}.tif": {"get": whole},
    }


def _archive_paths() -> Document:
    name = _named("name", "The archive: `/archives` lists those there are.")
    tile = operation("archive_tile", "A tile of an archive", [name, *_place(14, 13670, 6429)], _tile(), (400, 404, 503))
    whole = operation(
        "archive_file", "A PMTiles file, or ranges of its bytes", [name], _file("application/vnd.pmtiles"), (400, 404, 416, 503)
    )
    document = operation("archive", "TileJSON of an archive", [name], _document(), (400, 404, 503))
    return {
        "/archives": {"get": operation("archives", "The archives there are", (), _document(), (400,))},
        "/archives/{name}.json": {"get": document},
        "/archives/{name}.pmtiles": {"get": whole},
        "/archives/{name}/{z}/{x}/{y}.mvt": {"get": tile},
    }


def _document() -> Document:
    return given("The document.", {_JSON: _OBJECT})


def _tile() -> Document:
    return given("The tile; gzip where it is accepted and pays. Feature ids are those of PostGIS.", {_MVT: BINARY}) | _EMPTY | _KEPT


def _file(media: str) -> Document:
    return given("The file.", {media: BINARY}) | given("The bytes that Range names.", {media: BINARY}, 206) | _KEPT


def _named(name: str, description: str) -> Document:
    return parameter_object(Parameter(name, description, {"type": "string"}, "name"), "path")


def _place(z: int, x: int, y: int) -> list[Document]:
    last = (1 << MAX_ZOOM) - 1
    return [
        path_number("z", "Zoom.", MAX_ZOOM, z),
        path_number("x", "Column from the west, below 2^z.", last, x),
        path_number("y", "Row from the north, below 2^z.", last, y),
    ]


def _layers() -> Document:
    ids = "|".join(layer.id for layer in LAYERS if layer.public)
    schema: Document = {"type": "string", "pattern": f"^({ids})(,({ids}))*$"}
    return parameter_object(Parameter("layers", "Layers with commas, drawn in that order.", schema, "grids,manhole_covers"), "path")
