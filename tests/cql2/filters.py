"""Random filters, as CQL2 JSON: of every operator, on the fields of buildings or covers, about values that rows have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = ("四方", "Café", "cafe", "CAFÉ", "a%b", "a_b", "", "it's", "Ünï", "\\", "延安路1号", "가방")
NUMBERS = (-1, 0, 1, 2, 3, 6, 18.5, 1990, 2010)
DATES = ("2019-03-01", "2019-03-31", "2020-01-01", "2020-02-29", "2021-12-31")
WEST, SOUTH, STEP = 120.375, 36.0625, 1 / 1024
"""A lattice of corners that doubles hold exactly, so that shapes can touch."""

_Json = st.SearchStrategy[Any]


def _op(name: str, *args: Any) -> _Json:
    return st.builds(lambda *given: {"op": name, "args": list(given)}, *args)


def _ops(names: tuple[str, ...], *args: _Json) -> _Json:
    return st.one_of([_op(name, *args) for name in names])


def _fields(*names: str) -> _Json:
    return st.sampled_from([{"property": name} for name in names])


_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_LATTICE = st.tuples(st.integers(0, 8), st.integers(0, 8))


def _place(corner: tuple[int, int]) -> list[float]:
    return [WEST + corner[0] * STEP, SOUTH + corner[1] * STEP]


def _box(corner: tuple[int, int], wide: int, high: int) -> dict[str, Any]:
    return {"bbox": [*_place(corner), *_place((corner[0] + wide, corner[1] + high))]}


def _triangle(corner: tuple[int, int], side: int) -> dict[str, Any]:
    ring = [_place((corner[0] + x, corner[1] + y)) for x, y in ((0, 0), (side, 0), (0, side), (0, 0))]
    return {"type": "Polygon", "coordinates": [ring]}


_SHAPES = st.one_of(
    st.builds(_box, _LATTICE, st.integers(1, 4), st.integers(1, 4)),
    _LATTICE.map(lambda corner: {"type": "Point", "coordinates": _place(corner)}),
    st.lists(_LATTICE, min_size=2, max_size=3, unique=True).map(lambda c: {"type": "LineString", "coordinates": [*map(_place, c)]}),
    st.builds(_triangle, _LATTICE, st.integers(1, 4)),
)
SPATIAL = ("s_intersects", "s_disjoint", "s_equals", "s_touches", "s_overlaps", "s_crosses", "s_contains", "s_within")
_ALLEN = ("after", "before", "contains", "disjoint", "during", "equals", "finishedBy", "finishes", "intersects", "meets", "metBy")
TEMPORAL = tuple(f"t_{name}" for name in (*_ALLEN, "overlappedBy", "overlaps", "startedBy", "starts"))


def _texts(fields: _Json) -> _Json:
    literals: _Json = st.sampled_from(TEXTS)
    folded = _ops(("casei", "accenti"), fields)
    known = st.one_of(fields, folded, _ops(("casei", "accenti"), folded))
    pieces = st.lists(st.sampled_from(("%", "_", "a", "c", "é", "方", "\\%", "\\\\", "'")), max_size=4).map("".join)
    return st.one_of(
        _ops(_COMPARISONS, known, st.one_of(literals, known, _op("casei", literals))),
        _op("in", known, st.lists(literals, min_size=1, max_size=4)),
        _op("like", known, st.one_of(pieces, _op("casei", pieces))),
        _op("isNull", fields),
    )


def _numbers(fields: _Json) -> _Json:
    literals: _Json = st.sampled_from(NUMBERS)
    one = st.one_of(fields, literals)
    reckoned = st.one_of(
        _ops(("+", "-", "*", "%", "div"), one, one),
        _op("/", one, st.sampled_from((0, 2, 4, 5))),  # quotients that end: the last digit of others is PostgreSQL's own
        _op("^", one, st.integers(0, 3)),
    )
    known = st.one_of(fields, reckoned, _ops(("+", "-", "*"), reckoned, one))
    return st.one_of(
        _ops(_COMPARISONS, known, st.one_of(literals, known)),
        _ops(_COMPARISONS, literals, known),
        _op("between", known, literals, literals),
        _op("in", known, st.lists(literals, min_size=1, max_size=4)),
    )


def _dates(fields: _Json) -> _Json:
    literals: _Json = st.sampled_from([{"date": day} for day in DATES])
    end = st.one_of(st.sampled_from((*DATES, "..")), fields)
    period = st.one_of(literals, fields, st.tuples(end, end).map(lambda ends: {"interval": list(ends)}))
    return st.one_of(
        _ops(_COMPARISONS, fields, literals),
        _op("between", fields, literals, literals),
        _op("in", fields, st.lists(literals, min_size=1, max_size=3)),
        _ops(TEMPORAL, period, period),
    )


_PLACES = st.one_of(_ops(SPATIAL, _fields("geom"), _SHAPES), _ops(SPATIAL, _SHAPES, _fields("geom")))


def _joined(inner: _Json) -> _Json:
    some = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        some.map(lambda args: {"op": "and", "args": args}), some.map(lambda args: {"op": "or", "args": args}), _op("not", inner)
    )


BUILDING_FILTERS = st.recursive(
    st.one_of(_texts(_fields("name", "use")), _numbers(_fields("floors", "year_built", "height_m")), _PLACES), _joined, max_leaves=5
)
COVER_FILTERS = st.recursive(st.one_of(_dates(_fields("installed_on")), _texts(_fields("name")), _PLACES), _joined, max_leaves=4)
