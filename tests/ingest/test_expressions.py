"""Expressions: they equal Python's arithmetic, work on whole columns, and refuse everything else by name."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.errors import SourceError
from ingest.expressions import FUNCTIONS, parse_expression

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ingest.md"
ROWS: dict[str, list[str | None]] = {
    "a": ["1", "2.5", None, "x"],
    "b": ["3", "4", "5", None],
    "路": ["中山路", "敦化路", None, "x"],
    "addr:street": ["n-1-z", "q", None, "--"],
}


class Cells:
    """Columns of text."""

    def __init__(self, columns: dict[str, list[str | None]], decimal: str | None = None) -> None:
        self._columns = columns
        self.size = len(next(iter(columns.values())))
        self.decimal = decimal

    def text(self, name: str) -> pa.Array:
        return pa.array(self._columns[name], pa.string())


def work(expression: str, *, as_number: bool = False, rows: dict[str, list[str | None]] | None = None) -> list[object]:
    """Return what an expression gives for each row, "bad" where it cannot be worked out."""
    found = parse_expression(expression).text(Cells(rows or ROWS), as_number=as_number)
    return ["bad" if bad else value for value, bad in zip(found.values.to_pylist(), found.bad.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("a + 1", ["2", "3.5", None, "bad"]),
        ("a * b - 1", ["2", "9", None, "bad"]),
        ("a / (b - 3)", ["bad", "2.5", None, "bad"]),
        ("-a % 2", ["1", "1.5", None, "bad"]),
        ("路 + a", ["中山路1", "敦化路2.5", None, "xx"]),
        ("'n' + a", ["n1", "n2.5", None, "nx"]),
        ("a + b + '号'", ["13号", "2.54号", None, None]),
        ("number(a) + number(b)", ["4", "6.5", None, "bad"]),
        ("text(number(a) + 1) + 'm'", ["2m", "3.5m", None, "bad"]),
        ("concat(路, '/', a)", ["中山路/1", "敦化路/2.5", "/", "x/x"]),
        ("coalesce(a, b, '-')", ["1", "2.5", "5", "x"]),
        ("coalesce(a, 0)", ["1", "2.5", "0", "bad"]),
        ("upper(col('addr:street'))", ["N-1-Z", "Q", None, "--"]),
        ("split(col('addr:street'), '-', 1)", ["1", None, None, None]),
        ("split(col('addr:street'), '-', -1)", ["z", "q", None, None]),
        ("strip(col('addr:street'), '-nq')", ["1-z", None, None, None]),
        (r"match(路, '(\S+)路$', 1)", ["中山", "敦化", None, None]),
        ("match(路, '山.')", ["山路", None, None, None]),
        ("left(路, 2) + right(路, 1)", ["中山路", "敦化路", None, "xx"]),
        ("路[1:]", ["山路", "化路", None, None]),
        ("路[-1]", ["路", "路", None, "x"]),
        ("slice(路, 1, 2)", ["山", "化", None, None]),
        ("zfill(b, 3)", ["003", "004", "005", None]),
        ("lpad(b, 3, '_')", ["__3", "__4", "__5", None]),
        ("replace(路, '路', '街')", ["中山街", "敦化街", None, "x"]),
        ("round(a)", ["1", "2", None, "bad"]),
        ("round(1 / 3, 2)", ["0.33"] * 4),
        ("abs(1 - a)", ["0", "1.5", None, "bad"]),
        ("length(路)", ["3", "3", "0", "1"]),
        ("'y' if a == '1' else 'n'", ["y", "n", "n", "n"]),
        ("'y' if a == '' else 'n'", ["n", "n", "y", "n"]),
        ("'y' if a is None else 'n'", ["n", "n", "y", "n"]),
        ("'y' if a != b else 'n'", ["y"] * 4),
        ("'y' if b > 3 else 'n'", ["n", "y", "y", "n"]),
        ("'y' if 2 < b <= 4 else 'n'", ["y", "y", "n", "n"]),
        ("'y' if a in ('1', 'x') else 'n'", ["y", "n", "n", "y"]),
        ("'y' if a not in ['1', 'x'] else 'n'", ["n", "y", "y", "n"]),
        ("'y' if contains(路, '化') or not b < 9 else 'n'", ["n", "y", "n", "y"]),
        ("'y' if startswith(路, '中') and endswith(路, '路') else 'n'", ["y", "n", "n", "n"]),
        ("number(a) if a != 'x' else 0", ["1", "2.5", None, "0"]),  # what is not chosen may be bad
        ("b if b != '4' else None", ["3", None, "5", None]),
    ],
)
def test_an_expression_gives_one_value_a_row(expression: str, rows: list[object]) -> None:
    assert work(expression) == rows


def test_two_columns_are_added_for_a_number_and_joined_for_a_text() -> None:
    assert work("a + b") == ["13", "2.54", None, None]
    assert work("a + b", as_number=True) == ["4", "6.5", None, "bad"]
    assert work("coalesce(a + b, b)", as_number=True) == ["4", "6.5", "5", "bad"]


def test_a_comma_for_decimals_holds_for_columns_and_not_for_what_is_worked_out() -> None:
    found = parse_expression("a * 1000 + 0.5").text(Cells({"a": ["3,5", "1.234", "0,001"]}, ","), as_number=True)
    assert (found.values.to_pylist(), found.bad.tolist()) == (["3500.5", None, "1.5"], [False, True, False])


def test_the_columns_that_are_needed_are_known() -> None:
    assert parse_expression("concat(路, col('addr:street')) if a > 1 else 路").columns == ("a", "路", "addr:street")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", ["cannot be read"]),
        ("a +", ["`a +`", "cannot be read", 'col("name")']),
        ("uppr(a)", ["no function 'uppr'", "did you mean 'upper'", "coalesce"]),
        ("__import__('os')", ["no function '__import__'"]),
        ("a.b", ["`a.b`"]),
        ("().__class__", ["nothing that an expression may hold"]),
        ("lambda: 1", ["lambda"]),
        ("[x for x in a]", ["nothing that an expression may hold"]),
        ("f'{a}'", ["nothing that"]),
        (r"r'\d'", ["one pair of plain quotes"]),
        ("'a' 'b'", ["one pair of plain quotes"]),
        ("b'x'", ["nothing that"]),
        ("a ** 9", ["`a ** 9`"]),
        ("a // 2", ["`a // 2`"]),
        ("~a", ["`~a`"]),
        ("True", ["`True`"]),
        ("1j", ["`1j`"]),
        ("1e400", ["nothing that"]),
        ("a == 1", ["is true or false", "1 if a == 1 else 0"]),
        ("1 if a else 2", ["no condition", '`a != ""`']),
        ("1 if a in b else 2", ["`in` takes a list"]),
        ("match(a, '(')", ["missing )"]),
        ("match(a, 'x', 3)", ["subexpressions"]),
        ("match(a, 'x', 9)", ["group"]),
        ("match(a, b)", ["must be a text in quotes", "match(text"]),
        ("left(a)", ["left(text, n)"]),
        ("left(a, n=1)", ["nothing that"]),
        ("left(a, 1.5)", ["whole number"]),
        ("zfill(a, 1000000000)", ["whole number of at most 1000"]),
        ("lpad(a, 3, 'xy')", ["one character"]),
        ("split(a, '', 1)", ["separator"]),
        ("col(a)", ['col("name of a column")']),
        ("a[::2]", ["`a[::2]`"]),
        ("concat(*a)", ["nothing that"]),
        ("x" * 3000, ["longer than 2000"]),
        ("-" * 500 + "1", ["too many"]),
        ("(" * 500 + "1" + ")" * 500, ["cannot be read"]),
    ],
)
def test_what_is_not_in_the_language_is_named(expression: str, words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        parse_expression(expression)
    for word in words:
        assert word in caught.value.message


@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text("ab()+-*/%'\"[]:,.<>=!0123 notinifelsecol\\\n路", max_size=60))
def test_any_text_is_an_expression_or_a_source_error(text: str) -> None:
    try:
        expression = parse_expression(text)
    except SourceError:
        return
    cells = Cells({name: ["1", "x", None] for name in (*expression.columns, "")})
    for as_number in (False, True):
        found = expression.text(cells, as_number=as_number)
        assert len(found.values) == len(found.bad) == 3
        assert not any(value is not None and bad for value, bad in zip(found.values.to_pylist(), found.bad, strict=True))


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
Tree = float | str | tuple[str, "Tree", "Tree"]


def _written(tree: object) -> str:
    match tree:
        case (str() as sign, left, right):
            return f"({_written(left)} {sign} {_written(right)})"
        case str() as name:
            return name
    return repr(tree)


def _python(tree: object, row: dict[str, float]) -> float:
    match tree:
        case (str() as sign, left, right):
            found = _OPERATORS[sign](_python(left, row), _python(right, row))
            return found if math.isfinite(found) else math.nan  # a number that is too large is bad wherever it comes up
        case str() as name:
            return row[name]
    assert isinstance(tree, float)
    return tree


_NUMBERS = st.floats(-1e6, 1e6)
_TREES = st.recursive(
    _NUMBERS | st.sampled_from(["x", "y"]), lambda inner: st.tuples(st.sampled_from(sorted(_OPERATORS)), inner, inner), max_leaves=12
)


@given(_TREES, st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=4))
def test_arithmetic_is_that_of_python(tree: object, rows: list[tuple[float, float]]) -> None:
    found = parse_expression(_written(tree)).text(Cells({"x": [repr(x) for x, _ in rows], "y": [repr(y) for _, y in rows]}), as_number=True)
    for (x, y), value, bad in zip(rows, found.values.to_pylist(), found.bad, strict=True):
        try:
            expected = _python(tree, {"x": x, "y": y})
        except ZeroDivisionError:
            expected = math.nan
        assert bad == (not math.isfinite(expected))
        assert bad or float(value) == expected


@given(
    st.lists(
        st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(str.strip), min_size=1
    )
)
def test_functions_on_text_take_any_text(texts: list[str | None]) -> None:
    calls = ["upper(x)", "x[1:3]", "right(x, 2)", "split(x, 'a', -2)", "match(x, '(.)(.)', 2)", "zfill(x, 4)", "length(x)", "concat(x, x)"]
    for call in calls:
        assert len(work(call, rows={"x": texts})) == len(texts)
    assert work("x[1:3]", rows={"x": texts}) == [None if t is None else t[1:3].strip() or None for t in texts]


def test_the_docs_list_each_function_and_every_example_in_them_can_be_read() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    for function in FUNCTIONS.values():
        assert f"| `{function.usage}` | {function.description} |" in docs
    examples = re.findall(r'expression = "([^"]+)"', docs)
    assert len(examples) > 6
    for example in examples:
        assert parse_expression(example)
