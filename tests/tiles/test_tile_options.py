"""What the options of the commands about tiles mean, and what is refused."""

from __future__ import annotations

import pytest

from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import LAYERS
from gisgrid.types import Bounds
from tiles.options import parse_bounds, parse_variant, parse_zooms


def test_zooms_are_two_numbers_or_one_and_begin_where_something_is_drawn() -> None:
    assert parse_zooms("10-14", ()) == (10, 14)
    assert parse_zooms(" 12 ", ()) == (12, 12)
    assert parse_zooms(None, ("grids", "streets")) == (8, 14)


@pytest.mark.parametrize("text", ["", "14-10", "10-23", "-3", "a", "10-12-14", "1.5", "１０"])
def test_what_is_no_range_of_zooms_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="no range of zooms"):
        parse_zooms(text, ("grids",))


def test_bounds_are_west_south_east_north() -> None:
    assert parse_bounds("120.3,36,120.4,36.1") == Bounds(120.3, 36.0, 120.4, 36.1)


@pytest.mark.parametrize("text", ["", "1,2,3", "120.4,36,120.3,36.1", "nan,36,120,37", "120,36,inf,37", "-181,0,0,1", "a,b,c,d"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="is no box"):
        parse_bounds(text)


def test_a_variant_is_of_all_public_layers_unless_some_are_named() -> None:
    assert parse_variant(None, "wgs84", None, "cql2-text").layer_ids == tuple(layer.id for layer in LAYERS if layer.public)
    variant = parse_variant("grids,cameras", "gcj02", '{"op":"=","args":[{"property":"code"},"1"]}', "cql2-json")
    assert (variant.layer_ids, variant.datum) == (("grids", "cameras"), "gcj02")
    assert variant.filter == parse_variant("grids", "wgs84", "code = '1'", "cql2-text").filter
    with pytest.raises(NotFoundError, match="no layer 'lamps'"):
        parse_variant("lamps", "wgs84", None, "cql2-text")
    with pytest.raises(ParameterError, match="datum"):
        parse_variant("grids", "bd09", None, "cql2-text")
    with pytest.raises(ParameterError, match="filter"):
        parse_variant("grids", "wgs84", "code = ", "cql2-text")
