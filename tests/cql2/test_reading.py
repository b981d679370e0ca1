"""Filters that say the same are one; what cannot be read, or would be too much for the parser, is refused at once."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.cql2 import parse
from gisgrid.errors import ParameterError
from tests.cql2.filters import BUILDING_FILTERS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("state = 'broken'", " state='broken' "),
        ("state = 'broken'", "'broken' = state"),
        ("floors > 3", "3 < floors"),
        ("floors > 3", "floors > 3.0"),
        ("floors <> 3", "floors != 3"),
        ("a = 1 AND b = 2 AND c = 3", "(c = 3 and (b = 2 and a = 1)) and a = 1"),
        ("a = 1 OR b = 2", "b = 2 or a = 1"),
        ("a IN (1, 2)", "a in (2, 1, 2.0)"),
        ("NOT a = 1", "not (a = 1)"),
        ("a = 1", "NOT (NOT a = 1)"),
        ("a NOT IN (1)", "NOT a IN (1)"),
        ("a IS NOT NULL", "NOT (a IS NULL)"),
        ("S_WITHIN(geom, POINT(1 2))", "s_contains(POINT(1.0 2), geom)"),
        ("T_AFTER(d, DATE('2020-01-01'))", "t_before(DATE('2020-01-01'), d)"),
        ("name = '四方'", "\"name\" = '四方'"),
    ],
)
def test_filters_that_say_the_same_are_equal(one: str, other: str) -> None:
    assert parse(one) == parse(other)
    assert hash(parse(one)) == hash(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a > 3", "3 > a"),
        ("a - b = 1", "b - a = 1"),
        ("a = 1 AND b = 2", "a = 1 OR b = 2"),
        ("a = '1'", "a = 1"),
        ("a = 'B'", "a = 'b'"),
        ("a BETWEEN 1 AND 2", "a BETWEEN 2 AND 1"),
        ("a = 1 AND b = 2 OR c = 3", "a = 1 AND (b = 2 OR c = 3)"),
        ("S_WITHIN(geom, POINT(1 2))", "S_CONTAINS(geom, POINT(1 2))"),
    ],
)
def test_filters_that_say_different_things_are_not(one: str, other: str) -> None:
    assert parse(one) != parse(other)


@given(expression=BUILDING_FILTERS)
def test_the_canonical_form_is_cql2_json_that_reads_as_itself(expression: Any) -> None:
    found = parse(json.dumps(expression), "cql2-json")
    again = parse(found.canonical, "cql2-json")
    assert (again.canonical, again.expression) == (found.canonical, found.expression)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("state = ", "its end is missing"),
        ("state == 'broken'", "from character"),
        ("a b", "character 3"),
        ("a = 1; DROP TABLE x", "character"),
        ("state = 'broken", "cannot be read"),
        ("a = NULL", "IS NULL"),
        ("a = DATE('2020-02-30')", "'2020-02-30' is not a date"),
        ("a = DATE('yesterday')", "not a date"),
        ("a = TIMESTAMP('2020-01-01T25:00:00Z')", "TIMESTAMP"),
        ("a = 1e400", "too great"),
        ("a = 1e16", "too great"),
        ("soundex(a) = 'x'", "'soundex'"),
        ("A_CONTAINS(a, ('x', 'y'))", "a_contains"),
        ("LIKE(a)", "like has a wrong number of arguments"),
        ("S_INTERSECTS(geom, BBOX(1, 2, 3))", "four sides"),
        ("S_INTERSECTS(geom, BBOX(1, 20, 3, 10))", "no place on earth"),
        ("S_INTERSECTS(geom, BBOX(1000, 1, 2000, 2))", "no place on earth"),
        ("S_INTERSECTS(geom, POINT(36 120))", "no place on earth"),
        ("S_INTERSECTS(geom, POINT Z (1 2 3))", "heights"),
        ("S_INTERSECTS(geom, POLYGON EMPTY)", "shape"),
        ("S_INTERSECTS(geom, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "not valid"),
        ("a = (1, 2)", "list"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        parse(text)
    assert caught.value.name == "filter"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[1]",
        '"a"',
        "{",
        '{"op":"="}',
        '{"op":"=","args":[{"property":"a"}]}',
        '{"op":"=","args":{"property":"a"}}',
        '{"op":"and","args":[]}',
        '{"op":"in","args":[{"property":"a"},[]]}',
        '{"op":"=","args":[{"property":"a"},NaN]}',
        '{"op":"=","args":[{"property":"a"},1e999]}',
        '{"op":"=","args":[{"property":"a"},"\\u0000"]}',
        '{"op":"=","args":[{"property":"a"},"\\ud800"]}',
        '{"op":"=","args":[{"property":["a"]},1]}',
        '{"op":"=","args":[{"property":"a"},{"date":3}]}',
        '{"op":"=","args":[{"property":"a"},{"when":"2020-01-01"}]}',
        '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Point","coordinates":[1]}]}',
        '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Circle","coordinates":[1,2]}]}',
        '{"op":"t_during","args":[{"property":"d"},{"interval":["2020-01-01"]}]}',
        '{"op":"not","args":[' * 100 + "true" + "]}" * 100,
    ],
)
def test_json_that_is_no_filter_is_refused(text: str) -> None:
    # A list or a text alone reads as an expression; that it is no condition is for the layer to say.
    if text == '"a"':
        assert parse(text, "cql2-json").expression == "a"
        return
    with pytest.raises(ParameterError) as caught:
        parse(text, "cql2-json")
    assert caught.value.name == "filter"


def test_another_language_is_refused_by_the_name_of_its_parameter() -> None:
    with pytest.raises(ParameterError) as caught:
        parse("a = 1", "ecql")
    assert caught.value.name == "filter-lang"


_HARD = {
    "parentheses": "(" * 60 + "a = 1",
    "balanced parentheses": "(" * 40 + "a = " + ")" * 40,
    "parentheses among others": "(a = 1 AND " * 14 + "a =" + ")" * 14,
    "lists": "(" * 30 + "a" + ", 1)" * 30,
    "nots": "NOT " * 4000 + "a = 1",
    "signs": "a = " + "-" * 16_000 + "1",
    "functions": "f(" * 5000 + "a" + ")" * 5000,
    "sums": "a" + "+a" * 8000 + " = 1",
    "comparisons": "a" + "=a" * 8000,
    "a long name": "a" * 100_000,
    "a long text": "a = '" + "x" * 100_000 + "'",
    "quotes": "'" * 16_001,
    "collections": "S_INTERSECTS(g, " + "GEOMETRYCOLLECTION(" * 800 + "POINT(1 1)" + ")" * 801,
}


@pytest.mark.parametrize("name", _HARD)
def test_what_would_keep_the_parser_busy_or_end_the_process_is_refused_at_once(name: str) -> None:
    began = time.process_time()
    with pytest.raises(ParameterError):
        parse(_HARD[name])
    assert time.process_time() - began < 1.0


@given(st.text(alphabet="ab()=,'\" <>-+*/^%1.einotandorlkbws\n四", max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except ParameterError as error:
        assert error.name == "filter"  # noqa: PT017
    else:
        assert parse(found.canonical, "cql2-json") == found


def test_ordinary_filters_are_within_the_limits() -> None:
    ring = ", ".join(f"{120 + n / 1000:.4f} {36 + (n * n) / 1_000_000:.6f}" for n in range(600))
    for text in (
        " OR ".join(f"code = '3702030102{n:06}'" for n in range(120)),
        f"code IN ({', '.join(repr(str(n)) for n in range(1500))})",
        f"S_WITHIN(geom, POLYGON(({ring}, 120 36.5, 120 36))) AND ((state = 'broken' OR (state = 'missing')) AND NOT (name IS NULL))",
        "((((a = 1) OR (b = 2)) AND ((c = 3) OR (d = 4))))",
    ):
        assert parse(text)
