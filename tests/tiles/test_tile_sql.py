"""The text of the queries, with no database in sight."""

from __future__ import annotations

import re

import pytest

from gisgrid import layers
from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import LAYERS, Layer, layer
from tiles import TileId, TileQuery, TileRequest, Variant, parse_layers, tile_query
from tiles.sql import statement, zoom_bands
from tiles.sql.statement import SOURCES


def _query(ids: str, tile: TileId) -> TileQuery | None:
    return tile_query(TileRequest(Variant(tuple(ids.split(","))), tile))


def _sql(ids: str, zoom: int) -> str:
    query = _query(ids, TileId(zoom, 0, 0))
    assert query is not None
    return query.sql


def test_z_x_and_y_are_bound_and_never_in_the_text() -> None:
    first = _query("grids", TileId(16, 54656, 25665))
    second = _query("grids", TileId(16, 1, 2))
    assert first is not None
    assert second is not None
    assert first.sql == second.sql
    assert first.args.keys() == second.args.keys()
    assert all(str(number) not in first.sql for number in (16, 54656, 25665, first.args["west"], first.args["north"]))


def test_numbers_of_any_size_are_bound_with_one_type() -> None:
    small, large = (_query("grids", TileId(18, x, 0)) for x in (1, 200_000))
    assert small is not None
    assert large is not None
    assert {name: type(value) for name, value in small.args.items()} == {name: type(value) for name, value in large.args.items()}
    assert int not in {type(value) for value in small.args.values()}


def test_one_text_serves_a_whole_zoom_band() -> None:
    for one in LAYERS:
        bands = zoom_bands(one)
        texts = [made.quick for zoom in range(one.min_zoom, 23) if (made := statement((one.id,), zoom))]
        assert len(set(texts)) == len(bands), one.id


def test_fields_join_at_their_zoom() -> None:
    assert "road" not in _sql("buildings", 15)
    assert "road" in _sql("buildings", 16)


def test_below_its_zoom_a_layer_is_empty() -> None:
    assert _query("buildings", TileId(11, 0, 0)) is None
    assert "buildings" not in _sql("grids,buildings", 11)


def test_the_search_box_takes_the_buffer_in() -> None:
    sql = _sql("grids", 14)
    assert "ST_Expand(tile, side * 64 / 4096) AS shown" in sql
    assert "geom_3857 && (SELECT shown FROM boxes)" in sql


def test_layers_come_in_one_statement_in_the_order_asked_for() -> None:
    sql = _sql("cameras,grids", 16)
    assert sql.count("WITH boxes") == 1
    assert sql.index("'cameras'") < sql.index("'grids'")


def test_fields_kept_out_of_tiles_are_in_no_text() -> None:
    hidden = [(one, field) for one in LAYERS for field in one.fields if not field.in_tiles]
    assert hidden
    for one, field in hidden:
        made = statement((one.id,), 22)
        assert made is not None
        # What rows are chosen by may be hidden, what is selected of them not.
        chosen = made.quick.replace(SOURCES.get(one.id, ""), "")
        assert not re.search(rf"\b{field.name}\b", chosen), (one.id, field.name)


def test_a_layer_that_is_not_public_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = layer("cameras")._replace(public=False)
    known: tuple[Layer, ...] = tuple(secret if one.id == "cameras" else one for one in LAYERS)
    monkeypatch.setattr("tiles.service.LAYERS", known)
    monkeypatch.setitem(layers._BY_ID, "cameras", secret)
    statement.cache_clear()
    try:
        assert _query("cameras", TileId(16, 0, 0)) is None
        with pytest.raises(NotFoundError, match="no layer 'cameras'"):
            parse_layers("grids,cameras")
    finally:
        statement.cache_clear()


@pytest.mark.parametrize("text", ["", "grid", "grids,", "grids;drop", "Grids", "components"])
def test_unknown_layers_are_not_found(text: str) -> None:
    with pytest.raises(NotFoundError, match="There is no layer"):
        parse_layers(text)


def test_a_layer_named_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="twice"):
        parse_layers("grids,streets,grids")
